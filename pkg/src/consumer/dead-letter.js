// Dead letters: the message as it was, and why it could not be handled.

import { objectIn } from "./message.js";

/**
 * @typedef {import("../../consumer.js").DeadLetter} DeadLetter
 * @typedef {{ reason: string, attempts: number, failedAt: string }} Death
 * @typedef {Death & { escaped?: true }} Dead as it is written; escaped if the message is no JSON object
 */

/** With this, the longest message of the gateway still fits into a message of Cloudflare's 128,000 bytes. */
const maxReasonBytes = 240;

/** As the gateway: the rest up to 128,000 is Cloudflare's own. */
const maxMessageBytes = 127_500;

/** What `deadLetterText` puts before a message: a flat object. */
const prefix = /^\{"dead":(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}),/;

const encoder = new TextEncoder();

/**
 * What goes to the dead-letter queue: the message's own text with `"dead"` as its first field.
 *
 * @param {string} text
 * @param {Death} death
 */
export function deadLetterText(text, death) {
  const dead = { ...death, reason: shortened(death.reason) };
  if (/^\{\s*"/.test(text) && objectIn(text) !== undefined) {
    return `{"dead":${JSON.stringify(dead)},${text.slice(1)}`;
  }
  const escaped = JSON.stringify({ dead: { ...dead, escaped: true }, text });
  // Somebody else's: it is kept, if need be without the reason.
  return encoder.encode(escaped).length <= maxMessageBytes ? escaped : text;
}

/**
 * Reads what has come over the dead-letter queue. The queue itself puts messages there, too, without a reason,
 * when they have used up its `max_retries`.
 *
 * @param {unknown} body
 * @returns {DeadLetter}
 */
export function readDeadLetter(body) {
  const whole = typeof body === "string" ? body : (JSON.stringify(body) ?? "");
  const [start, dead] = prefix.exec(whole) ?? [];
  if (start === undefined) {
    return { ...headOf(objectIn(whole)), reason: null, attempts: null, failedAt: null, text: whole };
  }
  const { reason, attempts, failedAt, escaped } = /** @type {Dead} */ (JSON.parse(String(dead)));
  const rest = `{${whole.slice(start.length)}`;
  const text = escaped ? String(objectIn(rest)?.text) : rest;
  return { ...headOf(objectIn(text)), reason, attempts, failedAt, text };
}

/** @param {Record<string, unknown>} [message] */
function headOf({ eventId, type } = {}) {
  return { eventId: typeof eventId === "string" ? eventId : null, type: typeof type === "string" ? type : null };
}

/** @param {string} reason */
function shortened(reason) {
  let end = maxReasonBytes;
  while (encoder.encode(JSON.stringify(reason.slice(0, end))).length > maxReasonBytes) {
    end -= 1;
  }
  return reason.slice(0, end);
}
