// Stores the messages of the dead-letter queue.

import { wasErased } from "./d1.ts";
import { readDeadLetter } from "./dead-letter.ts";
import { eraseBodies } from "./erase.ts";
import { log, reasonOf } from "./log.ts";
import { objectIn } from "./message.ts";
import type { Message, MessageBatch } from "./platform.ts";
import type { Stores } from "./stores.ts";
import { shortened } from "./text.ts";

/** The first retry of storing comes after this time, each further one after twice as long ... */
const firstDelaySeconds = 30;

/** ... up to 4 hours: then 100 retries, the most that Cloudflare allows, last longer than any queue keeps a message. */
const maxDelaySeconds = 14_400;

/** D1 allows 2 MB a row. No message is as large, but one that is not a string may be, when it is written as JSON. */
const maxTextCharacters = 600_000;

/** The share of `maxBytes` from which each new dead letter is logged with an alarm. */
const fillingShare = 0.5;

// The sum is that before this row, so that one row larger than the room cannot wait for ever.
const insert = `INSERT INTO cronozen_dead_letters
  (message_id, event_id, type, reason, attempts, failed_at, queue, stored_at, text, bytes)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, octet_length(?9)
  WHERE (SELECT bytes FROM cronozen_dead_letter_totals) < ?10
  ON CONFLICT (message_id) DO NOTHING`;

// The queue may deliver a message twice: then it is stored already.
const look = `SELECT bytes, EXISTS (SELECT 1 FROM cronozen_dead_letters WHERE message_id = ?) AS stored
  FROM cronozen_dead_letter_totals`;

const remove = "DELETE FROM cronozen_dead_letters WHERE message_id = ?";

/** Stores each message of a batch on its own, and acknowledges only those that are stored. Never fails. */
export async function storeLetters({ queue, messages }: MessageBatch, open: () => Promise<Stores>): Promise<void> {
  for (const message of messages) {
    await storeLetter(message, queue, open);
  }
}

async function storeLetter(message: Message, queue: string, open: () => Promise<Stores>): Promise<void> {
  const { reason, attempts, failedAt, text, ...head } = readDeadLetter(message.body);
  const line = { eventId: shortened(head.eventId), type: shortened(head.type), reason, queue };
  try {
    const { db, ledger, bodies, maxBytes } = await open();
    const row = [line.eventId, line.type, reason, attempts, failedAt, queue, new Date().toISOString()];
    const kept = text.slice(0, maxTextCharacters);
    const [, found] = await db.batch([
      db.prepare(insert).bind(message.id, ...row, kept, maxBytes),
      db.prepare(look).bind(message.id),
    ]);
    const { bytes, stored } = Object(found?.results[0]);
    if (stored !== 1) {
      throw new Error(`dead letters full: they have ${maxBytes} bytes (prune some, or raise maxBytes)`);
    }
    // After the insertion: an erasure that this does not see deletes the row itself. If the ledger cannot answer, the row
    // stays, and the message comes again.
    const isErased = head.eventId !== null && (await wasErased(await ledger(), head.eventId));
    if (isErased) {
      await eraseBodies(bodies, [objectIn(text)?.bodyKey], head.eventId);
      await db.prepare(remove).bind(message.id).run();
    }
    message.ack();
    log(isErased ? "log" : "error", isErased ? "dead_letter_erased" : "dead_letter_stored", line);
    if (bytes > maxBytes * fillingShare) {
      log("error", "dead_letters_filling", { bytes, maxBytes });
    }
  } catch (error) {
    const delaySeconds = Math.min(firstDelaySeconds * 2 ** (message.attempts - 1), maxDelaySeconds);
    message.retry({ delaySeconds });
    log("error", "dead_letter_not_stored", {
      ...line,
      attempt: message.attempts,
      delaySeconds,
      error: reasonOf(error),
    });
  }
}
