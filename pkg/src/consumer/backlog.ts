// Reads the backlogs of the queues on which an event may be.

import { hasMethod } from "../kind.ts";
import type { Queue } from "./platform.ts";
import type { Stores } from "./stores.ts";
import { inTime } from "./time.ts";

/** The backlogs of both queues; undefined if a queue is empty, or its producer has no metrics. */
export interface Backlog {
  /** The time of the oldest event's message, in milliseconds; -Infinity if it is not known. */
  readonly eventsFrom: number | undefined;
  readonly hasDead: boolean;
}

/** A message is put on the queue within this time after its delivery has arrived. Clocks may differ, too. */
const longestSendMs = 60_000;

const timeoutMs = 2000;

/** Reads the queue of events first: a message moves from there to the dead letters'. */
export async function readBacklog({ events, deadQueue }: Stores): Promise<Backlog> {
  const eventsFrom = await oldestOf(events);
  return { eventsFrom, hasDead: (await oldestOf(deadQueue)) !== undefined };
}

/** Returns true if an event that was accepted at this time may be on a queue. A dead letter's message is younger than it. */
export function mayHold({ eventsFrom, hasDead }: Backlog, acceptedAt: number): boolean {
  return hasDead || (eventsFrom !== undefined && eventsFrom <= acceptedAt + longestSendMs);
}

/** A failure counts as an empty queue: it must not hide a loss. */
async function oldestOf(queue: Queue | undefined): Promise<number | undefined> {
  if (queue === undefined || !hasMethod(queue, "metrics")) {
    return undefined;
  }
  try {
    const work = async () => queue.metrics?.();
    const metrics = await inTime(work, timeoutMs, `metrics timed out after ${timeoutMs} ms`);
    if (metrics === undefined || !(metrics.backlogCount > 0)) {
      return undefined;
    }
    const oldest = Number(metrics.oldestMessageTimestamp ?? 0);
    return oldest > 0 ? oldest : Number.NEGATIVE_INFINITY;
  } catch {
    return undefined;
  }
}
