// Sends the messages that are due, and notes for each sink what it got.

import { log } from "../consumer/log.ts";
import type { Database } from "../consumer/platform.ts";
import { hourMs, inTime } from "../consumer/time.ts";
import type { DueMessage } from "./changes.ts";
import type { Message } from "./message.ts";
import { failureOf, RequestError } from "./request.ts";
import type { Sink } from "./sinks.ts";

/** A sink of your own may hang. Ours end a little earlier. */
const sinkTimeoutMs = 11_000;

/** A run of 60 s starts no message after this time. */
const sendingMs = 40_000;

/** The longest time that an answer can have us wait. */
const maxRetryAfterMs = hourMs;

// `due_at` says which message it was.
const isIt = `incident = value ->> '$.incident' AND sink = value ->> '$.sink' AND due_at = value ->> '$.dueAt'`;

// After the second time, the message is not sent again.
const markStarted = `UPDATE cronozen_incident_messages SET unconfirmed = unconfirmed + 1,
    failed_at = iif(unconfirmed > 0, ?2, failed_at),
    reason = iif(unconfirmed > 0, 'two runs were broken off while they sent it', reason)
  FROM json_each(?1) WHERE ${isIt}`;

const markEnded = `UPDATE cronozen_incident_messages SET unconfirmed = 0, sent_at = value ->> '$.sentAt',
    attempts = attempts + (value ->> '$.isTried'),
    try_at = iif(value ->> '$.isTried', value ->> '$.tryAt', try_at),
    failed_at = iif(value ->> '$.isTried', value ->> '$.failedAt', failed_at),
    reason = iif(value ->> '$.isTried', value ->> '$.reason', reason)
  FROM json_each(?) WHERE ${isIt}`;

/** The result of a message. Without times, it was not tried. */
interface Result {
  readonly sentAt?: string;
  readonly failedAt?: string;
  readonly reason?: string;
  readonly tryAt?: string | null;
}

/**
 * Sends to all sinks at once, and to each one message after the other. Returns true if all that it tried were sent. It notes the messages
 * before it sends them, and the results of all at the end, with one statement each.
 */
export async function sendDue(
  db: Database,
  sinks: readonly Sink[],
  due: readonly DueMessage[],
  messageOf: (due: DueMessage) => Message,
): Promise<boolean> {
  if (due.length === 0) {
    return true;
  }
  const started = Date.now();
  const queues = sinks.map((sink) => ({
    sink,
    messages: sendable(due.filter(({ sink: name }) => name === sink.name)),
  }));
  const sending = queues.flatMap(({ messages }) => messages);
  const keys = sending.map(({ incident, sink, dueAt }) => ({ incident, sink, dueAt }));
  await db.prepare(markStarted).bind(JSON.stringify(keys), new Date(started).toISOString()).run();
  const results = new Map<DueMessage, Result>();
  await Promise.all(
    queues.map(async ({ sink, messages }) => {
      for (const one of messages) {
        if (Date.now() > started + sendingMs) {
          return;
        }
        const result = await sendOne(sink, messageOf(one));
        results.set(one, result);
        if (result.sentAt === undefined) {
          // After a failure, the rest waits for the next run.
          return;
        }
      }
    }),
  );
  const rows = sending.map((one, number) => ({ ...keys[number], isTried: results.has(one), ...results.get(one) }));
  await db.prepare(markEnded).bind(JSON.stringify(rows)).run();
  return [...results.values()].every(({ sentAt }) => sentAt !== undefined);
}

/** After a run that was broken off, one message at a time: the others of that run were perhaps not begun. */
function sendable(due: readonly DueMessage[]): readonly DueMessage[] {
  const unconfirmed = due.filter((one) => one.unconfirmed > 0).slice(0, 1);
  return unconfirmed.length > 0 ? unconfirmed : due;
}

async function sendOne(sink: Sink, message: Message): Promise<Result> {
  try {
    if (sink.problem !== undefined) {
      throw new RequestError(sink.problem);
    }
    await inTime(async () => sink.send(message), sinkTimeoutMs, `no answer within ${sinkTimeoutMs} ms`);
    return { sentAt: new Date().toISOString() };
  } catch (error) {
    const { incident, rule } = message;
    const reason = failureOf(error);
    log("error", "alert_not_sent", { incident, rule, sink: sink.name, reason });
    const wait = error instanceof RequestError ? Math.min(error.retryAfterMs ?? 0, maxRetryAfterMs) : 0;
    const now = Date.now();
    const tryAt = wait > 0 ? new Date(now + wait).toISOString() : null;
    return { failedAt: new Date(now).toISOString(), reason, tryAt };
  }
}
