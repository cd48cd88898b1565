// The table of dead letters: messages that could not be handled, and the reasons.

import { readDeadLetter } from "cronozen-edge/consumer";
import { log, said } from "./log.js";

/** @typedef {import("./index.js").Env} Env */

/** The first retry of storing comes after this time, each further one after twice as long ... */
const firstDelaySeconds = 30;

/** ... up to an hour. */
const maxDelaySeconds = 3600;

/** The fields of a dead letter are not verified, and the list must stay readable. */
const maxCharacters = 256;

/** D1 allows 2 MB a row. No message is as large, but one that is not a string may be, when it is written as JSON. */
const maxTextCharacters = 600_000;

/**
 * Stores the messages of a batch, each separately, and acknowledges only those that are stored.
 *
 * @param {MessageBatch} batch
 * @param {Env} env
 */
export async function storeDeadLetters(batch, env) {
  await Promise.all(batch.messages.map((message) => store(message, env)));
}

/** @param {Message} message @param {Env} env */
async function store(message, { DB }) {
  try {
    const { reason, attempts, failedAt, text, ...head } = readDeadLetter(message.body);
    const eventId = head.eventId?.slice(0, maxCharacters) ?? null;
    const type = head.type?.slice(0, maxCharacters) ?? null;
    const kept = text.slice(0, maxTextCharacters);
    // The queue may deliver a message twice.
    await DB.prepare(
      `INSERT INTO dead_letters (message_id, event_id, type, reason, attempts, failed_at, text, stored_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id) DO NOTHING`,
    )
      .bind(message.id, eventId, type, reason, attempts, failedAt, kept, new Date().toISOString())
      .run();
    message.ack();
    log("error", "dead_letter_stored", { eventId, type, reason });
  } catch (error) {
    const delaySeconds = Math.min(firstDelaySeconds * 2 ** (message.attempts - 1), maxDelaySeconds);
    message.retry({ delaySeconds });
    log("error", "dead_letter_not_stored", { attempt: message.attempts, delaySeconds, reason: said(error) });
  }
}

/**
 * A page of dead letters, oldest first. `handledAt` is the time at which the event was handled after all.
 *
 * @param {D1Database} db
 * @param {{ after: number, limit: number, all: boolean }} page `all` includes those that have been redriven
 */
export async function listDeadLetters(db, { after, limit, all }) {
  const { results } = await db
    .prepare(
      `SELECT id, event_id AS eventId, type, octet_length(text) AS bytes, reason, attempts, failed_at AS failedAt,
         stored_at AS storedAt, redriven_at AS redrivenAt, redrives, claimed_at AS handledAt
       FROM dead_letters LEFT JOIN cronozen_claims USING (event_id)
       WHERE id > ? ${all ? "" : "AND redriven_at IS NULL"} ORDER BY id LIMIT ?`,
    )
    .bind(after, limit + 1)
    .all();
  const deadLetters = results.slice(0, limit);
  return { deadLetters, next: results.length > limit ? deadLetters.at(-1)?.id : null };
}
