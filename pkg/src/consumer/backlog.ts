// Reads the backlogs of the queues on which an event may be.

import { hasMethod, isCount } from "../kind.ts";
import type { Queue, QueueMetrics } from "./platform.ts";
import type { Stores } from "./stores.ts";
import { inTime, minuteMs } from "./time.ts";

/** The messages on a queue, those that wait for their next attempt included. */
export interface Backlog {
  readonly count: number;
  /** The time of the oldest one, in milliseconds; undefined if it is not known. */
  readonly oldest: number | undefined;
}

/** The backlogs of both queues; undefined if one is not known. */
export interface Backlogs {
  readonly events: Backlog | undefined;
  readonly dead: Backlog | undefined;
}

/** A message is put on the queue within this time after its delivery has arrived. Clocks may differ, too. */
const longestSendMs = minuteMs;

const timeoutMs = 2000;

/** The events whose next attempt is due after a time, and that have not been handled meanwhile. */
export const selectRetries = `SELECT count(*) AS retries FROM cronozen_retries AS retry WHERE next_at > ?
  AND NOT EXISTS (SELECT 1 FROM cronozen_events WHERE event_id = retry.event_id)`;

/**
 * Returns undefined if the producer has no metrics.
 *
 * @throws what `metrics` throws, or an Error if it takes longer than 2 s or has no count
 */
export async function readBacklog(queue: Queue | undefined): Promise<Backlog | undefined> {
  if (queue === undefined || !hasMethod(queue, "metrics")) {
    return undefined;
  }
  const work = async () => queue.metrics?.();
  const metrics = await inTime(work, timeoutMs, `metrics timed out after ${timeoutMs} ms`);
  const { backlogCount: count, oldestMessageTimestamp }: Partial<QueueMetrics> = Object(metrics);
  if (!isCount(count)) {
    throw new Error("backlogCount missing or not a whole number");
  }
  const oldest = Number(oldestMessageTimestamp);
  return { count, oldest: oldest > 0 ? oldest : undefined };
}

/**
 * Reads the queue of events first: a message moves from there to the dead letters'. A failure must not hide a loss, so it
 * counts as an empty queue.
 */
export async function readBacklogs({ events, deadQueue }: Pick<Stores, "events" | "deadQueue">): Promise<Backlogs> {
  const known = async (queue: Queue | undefined) => readBacklog(queue).catch(() => undefined);
  return { events: await known(events), dead: await known(deadQueue) };
}

/**
 * Returns true if an event that was accepted at this time may be on a queue. If all messages of events are `retries`, whose
 * ids are known, it is none of them. A dead letter's message is younger than its event.
 */
export function mayHold({ events, dead }: Backlogs, retries: number, acceptedAt: number): boolean {
  if (dead !== undefined && dead.count > 0) {
    return true;
  }
  return (
    events !== undefined &&
    events.count > retries &&
    (events.oldest ?? Number.NEGATIVE_INFINITY) <= acceptedAt + longestSendMs
  );
}
