// Look the event up, send it, then mark it as seen.

import { logLater } from "./log.js";
import type { Message } from "./message.js";
import { describe, late, within } from "./time.js";

/** How long an answer waits for the marker. */
const markWaitMs = 250;

/** A plain object: it crosses from the Durable Object. */
export type Committed =
  | { outcome: "new"; doubt?: string | undefined }
  | { outcome: "duplicate" }
  | { outcome: "unavailable"; reason: string };

export interface Store {
  seen(eventId: string): Promise<boolean>;
  mark(message: Message): Promise<void>;
}

export interface Times {
  arrived: number;
  deadlineMs: number;
}

export function sendUntil({ arrived, deadlineMs }: Times) {
  return arrived + deadlineMs - markWaitMs;
}

export async function lookSendMark(
  message: Message,
  times: Times,
  store: Store,
  queue: Queue<string>,
  keep: (work: Promise<unknown>) => void,
  limitsSend: boolean,
): Promise<Committed> {
  const { eventId } = message;
  const found = message.ignoresMarker ? false : await look(store, eventId, times.deadlineMs / 8);
  if (found === true) {
    return { outcome: "duplicate" };
  }
  const doubt = found === false ? undefined : found;

  const text = message.beforeDedupe + (doubt === undefined ? "new" : "unknown") + message.afterDedupe;
  const send = attempt(() => queue.send(text, { contentType: "text" }));
  const limit = sendUntil(times) - Date.now();
  try {
    if (limitsSend && (await within(send, limit)) === late) {
      keep(finishLate(send, message, times, store));
      return { outcome: "unavailable", reason: `expected the queue to answer within ${limit} ms, got no answer` };
    }
    await send;
  } catch (error) {
    return {
      outcome: "unavailable",
      reason: `expected the queue to take the message, got an error: ${describe(error)}`,
    };
  }

  const marked = mark(message, times, store);
  if ((await within(marked, markWaitMs)) === late) {
    keep(marked);
  }
  return { outcome: "new", doubt };
}

/** Whether the event has been seen, or why that cannot be told. */
async function look(store: Store, eventId: string, ms: number) {
  try {
    const found = await within(store.seen(eventId), ms);
    return found === late ? `expected the store to answer a look-up within ${ms} ms, got no answer` : found;
  } catch (error) {
    return `expected the store to answer a look-up, got an error: ${describe(error)}`;
  }
}

/** The sender has been answered 503. */
async function finishLate(send: Promise<unknown>, message: Message, times: Times, store: Store) {
  const { eventId } = message;
  try {
    await send;
  } catch (error) {
    logLater("warn", times.arrived, { outcome: "late_send_failed", eventId, reason: describe(error) });
    return;
  }
  if (await mark(message, times, store)) {
    logLater("warn", times.arrived, { outcome: "late_commit", eventId });
  }
}

async function mark(message: Message, times: Times, store: Store) {
  try {
    await store.mark(message);
    return true;
  } catch (error) {
    const { eventId } = message;
    logLater("error", times.arrived, { outcome: "marker_failed", eventId, reason: describe(error) });
    return false;
  }
}

/** What throws at once rejects, too. */
async function attempt<T>(call: () => Promise<T>) {
  return call();
}
