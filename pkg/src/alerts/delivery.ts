// Sends the messages that are due, and notes for each sink what it got.

import { log } from "../consumer/log.ts";
import type { Database } from "../consumer/platform.ts";
import { inTime } from "../consumer/time.ts";
import type { DueMessage } from "./changes.ts";
import type { Message } from "./message.ts";
import { failureOf, RequestError } from "./request.ts";
import type { Sink } from "./sinks.ts";

/** A sink of your own may hang. Ours end a little earlier. */
const sinkTimeoutMs = 11_000;

/** A run of 60 s starts no message after this time. */
const sendingMs = 40_000;

/** The longest time that an answer can have us wait. */
const maxRetryAfterMs = 3_600_000;

// `due_at` says which message it was.
const markSent = `UPDATE cronozen_incident_messages
  SET sent_at = ?, attempts = attempts + 1, try_at = NULL, failed_at = NULL, reason = NULL
  WHERE incident = ? AND sink = ? AND due_at = ?`;

const markFailed = `UPDATE cronozen_incident_messages SET failed_at = ?, reason = ?, try_at = ?, attempts = attempts + 1
  WHERE incident = ? AND sink = ? AND due_at = ?`;

/** Sends to all sinks at once, and to each one message after the other. Returns true if all were sent. */
export async function sendDue(
  db: Database,
  sinks: readonly Sink[],
  due: readonly DueMessage[],
  messageOf: (due: DueMessage) => Message,
): Promise<boolean> {
  const end = Date.now() + sendingMs;
  const sent = await Promise.all(
    sinks.map(async (sink) => {
      for (const one of due.filter(({ sink: name }) => name === sink.name)) {
        // After a failure, the rest waits for the next run.
        if (Date.now() > end || !(await sendOne(db, sink, one, messageOf(one)))) {
          return false;
        }
      }
      return true;
    }),
  );
  return sent.every((isSent) => isSent);
}

async function sendOne(db: Database, sink: Sink, { incident, dueAt }: DueMessage, message: Message): Promise<boolean> {
  const key = [incident, sink.name, dueAt];
  try {
    if (sink.problem !== undefined) {
      throw new RequestError(sink.problem);
    }
    await inTime(async () => sink.send(message), sinkTimeoutMs, `no answer within ${sinkTimeoutMs} ms`);
  } catch (error) {
    const reason = failureOf(error);
    log("error", "alert_not_sent", { incident, rule: message.rule, sink: sink.name, reason });
    const wait = error instanceof RequestError ? Math.min(error.retryAfterMs ?? 0, maxRetryAfterMs) : 0;
    const now = Date.now();
    await db
      .prepare(markFailed)
      .bind(new Date(now).toISOString(), reason, wait > 0 ? new Date(now + wait).toISOString() : null, ...key)
      .run();
    return false;
  }
  await db
    .prepare(markSent)
    .bind(new Date().toISOString(), ...key)
    .run();
  return true;
}
