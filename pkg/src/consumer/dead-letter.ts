// Dead letters: the message as it was, and why it could not be handled.

import { objectIn } from "./message.js";

/**
 * @typedef {import("../../consumer.js").DeadLetter} DeadLetter
 * @typedef {{ reason: string, attempts: number, failedAt: string }} Death
 */

/** With this, the longest message of the gateway still fits the queue. */
const maxReasonBytes = 240;

/** Cloudflare Queues takes messages of 128,000 bytes, of which about 100 are its own. */
const maxMessageBytes = 127_900;

/** What `deadLetterText` puts before a message: a flat object. */
const prefix = /^\{"dead":(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}),/;

const encoder = new TextEncoder();

/**
 * What goes to the dead-letter queue: the message's own text with `"dead"` as its first field. What is too long
 * for that, or no JSON object, is somebody else's: it is kept in any case, if need be without the reason.
 *
 * @param {string} text
 * @param {Death} death
 */
export function deadLetterText(text, death) {
  const dead = { ...death, reason: shortened(death.reason) };
  const told =
    text.startsWith('{"') && objectIn(text) !== undefined
      ? `{"dead":${JSON.stringify(dead)},${text.slice(1)}`
      : JSON.stringify({ dead: { ...dead, escaped: true }, text });
  return encoder.encode(told).length <= maxMessageBytes ? told : text;
}

/**
 * What goes to the dead-letter queue for a message that is no text: the JSON of it, if there is one that fits.
 *
 * @param {unknown} body
 * @param {Death} death
 */
export function deadLetterOfOther(body, death) {
  const json = jsonOf(body);
  const text = deadLetterText(json, death);
  return json === "" || text === json ? undefined : text;
}

/** Whether a message has been put among the dead letters before. @param {unknown} body */
export function isDeadLetter(body) {
  return typeof body === "string" && partsOf(body) !== undefined;
}

/**
 * Reads what has come over the dead-letter queue. The queue itself puts messages there, too, without a reason,
 * when they have used up its `max_retries`.
 *
 * @param {unknown} body
 * @returns {DeadLetter}
 */
export function readDeadLetter(body) {
  const whole = typeof body === "string" ? body : jsonOf(body);
  const { reason = null, attempts = null, failedAt = null, text = whole } = partsOf(whole) ?? {};
  const { eventId, type } = objectIn(text) ?? {};
  return { eventId: textOrNull(eventId), type: textOrNull(type), reason, attempts, failedAt, text };
}

/** @param {string} whole @returns {(Death & { text: string }) | undefined} nothing if it tells no death */
function partsOf(whole) {
  const [start = "", dead] = prefix.exec(whole) ?? [];
  const { reason, attempts, failedAt, escaped } = objectIn(dead) ?? {};
  const rest = `{${whole.slice(start.length)}`;
  const text = escaped === true ? objectIn(rest)?.text : rest;
  if (
    typeof reason === "string" &&
    Number.isSafeInteger(attempts) &&
    typeof failedAt === "string" &&
    typeof text === "string"
  ) {
    return { reason, attempts: Number(attempts), failedAt, text };
  }
}

/** Of what is no text, so that something of it is seen. @param {unknown} body */
function jsonOf(body) {
  try {
    return JSON.stringify(body) ?? "";
  } catch {
    return "";
  }
}

/** @param {unknown} value */
function textOrNull(value) {
  return typeof value === "string" ? value : null;
}

/** @param {string} reason */
function shortened(reason) {
  let end = maxReasonBytes;
  while (encoder.encode(JSON.stringify(reason.slice(0, end))).length > maxReasonBytes) {
    end -= 1;
  }
  return reason.slice(0, end);
}
