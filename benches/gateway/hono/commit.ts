// The one commit protocol: acquire the event, send it, then mark it as seen. An event is marked only after the queue
// has acknowledged it, so whatever fails costs a duplicate at worst.

import type { Holding } from "./body.js";
import { logLater } from "./log.js";
import type { Message } from "./message.js";
import { Refusal } from "./refusal.js";
import { describe, late, within } from "./time.js";

/** The longest that an answer waits for the marker. */
const markWaitMs = 250;

/** The longest that work lasts after the arrival. Workers end it 30 s after the answer, without notice. */
const lateMs = 28_000;

export interface Delivery {
  message: Message;
  holding: Holding;
  arrived: number;
  deadlineMs: number;
}

/** The right to send an event. */
export interface Lease {
  /** The reason why it is unknown if the event has been seen. */
  doubt?: string | undefined;
  /** Marks the event as seen. */
  commit(): Promise<void>;
  /** Ends the lease, whether the event has been sent or not. */
  release(): void;
}

export interface DedupeStore {
  /** Throws a `Refusal` if the store cannot grant a lease in time. */
  acquire(delivery: Delivery): Promise<Lease | "duplicate">;
}

export interface Platform {
  store: DedupeStore;
  queue: Queue<string>;
  keep(work: Promise<unknown>): void;
}

export type CommitResult = { outcome: "accepted"; doubt: string | undefined } | { outcome: "duplicate" };

export async function commit(delivery: Delivery, { store, queue, keep }: Platform): Promise<CommitResult> {
  const lease = await store.acquire(delivery);
  if (lease === "duplicate") {
    return { outcome: "duplicate" };
  }
  const { doubt } = lease;
  const { message, holding, arrived, deadlineMs } = delivery;

  const text = message.text(doubt === undefined ? "new" : "unknown");
  const send = attempt(() => queue.send(text, { contentType: "text" }));
  const limit = arrived + deadlineMs - markWaitMs - Date.now();
  const sent = await within(send, limit).catch((error) => {
    lease.release();
    throw new Refusal("unavailable", `queue send failed: ${describe(error)}`);
  });
  if (sent === late) {
    keep(finishLate(send, lease, { ...delivery, holding: holding.move() }));
    throw new Refusal("unavailable", `queue send timed out after ${limit} ms`);
  }
  holding.release();

  const marked = mark(lease, delivery, arrived + lateMs);
  if ((await within(marked, markWaitMs)) === late) {
    keep(marked);
  }
  return { outcome: "accepted", doubt };
}

/** Waits for a send that has timed out. The sender has been answered 503. */
async function finishLate(send: Promise<unknown>, lease: Lease, delivery: Delivery) {
  const { message, holding, arrived } = delivery;
  const { eventId } = message;
  const until = arrived + lateMs;
  try {
    await inTime(send, until);
  } catch (error) {
    lease.release();
    logLater("warn", arrived, { outcome: "late_send_failed", eventId, reason: describe(error) });
    return;
  } finally {
    holding.release();
  }
  if (await mark(lease, delivery, until)) {
    logLater("warn", arrived, { outcome: "late_commit", eventId });
  }
}

/** Marks the event as seen, and ends the lease. A failure costs a duplicate, not the event. */
async function mark(lease: Lease, { message, arrived }: Delivery, until: number) {
  try {
    await inTime(lease.commit(), until);
    return true;
  } catch (error) {
    const { eventId } = message;
    logLater("error", arrived, { outcome: "marker_failed", eventId, reason: describe(error) });
    return false;
  } finally {
    lease.release();
  }
}

/** Waits for work that may outlive the answer. Throws an error if it takes too long. */
async function inTime(work: Promise<unknown>, until: number) {
  if ((await within(work, until - Date.now())) === late) {
    throw new Error(`no answer within ${lateMs} ms of the delivery's arrival`);
  }
}

/** Turns an error that is thrown synchronously into a rejection. */
async function attempt<T>(call: () => Promise<T>) {
  return call();
}
