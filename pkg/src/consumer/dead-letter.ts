// Dead letters: the message as it was, and why it could not be handled.

import { objectIn } from "./message.ts";

/** Why and when a message failed for good. */
export interface Failure {
  readonly reason: string;
  readonly attempts: number;
  /** As RFC 3339. */
  readonly failedAt: string;
}

/** A message that could not be handled. */
export interface DeadLetter {
  readonly eventId: string | null;
  readonly type: string | null;
  /**
   * Why; `null` if the queue itself has given up, because the consumer kept failing without an answer, or if the message
   * was not the gateway's and could not be written as JSON with a reason.
   */
  readonly reason: string | null;
  readonly attempts: number | null;
  /** As RFC 3339. */
  readonly failedAt: string | null;
  /** The message as it was, to be put on the queue again with `contentType: "text"`. If it was not a string, its JSON. */
  readonly text: string;
}

/** With this, the longest message of the gateway still fits the queue: 127,500 bytes, and 73 for the other fields. */
const maxReasonBytes = 300;

/** Cloudflare Queues accepts messages of 128,000 bytes, of which about 100 are its own. */
const maxMessageBytes = 127_900;

/** The flat object that `deadLetterText` puts before a message. */
const prefix = /^\{"dead":(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}),/;

const encoder = new TextEncoder();

/**
 * Returns what goes to the dead-letter queue: the message's own text with `"dead"` as its first field. A text that is too
 * long for that, or no JSON object, is not the gateway's: it is kept in any case, without the reason if need be.
 */
export function deadLetterText(text: string, failure: Failure): string {
  const dead = { ...failure, reason: withinBytes(failure.reason) };
  const withReason =
    text.startsWith('{"') && objectIn(text) !== undefined
      ? `{"dead":${JSON.stringify(dead)},${text.slice(1)}`
      : JSON.stringify({ dead: { ...dead, escaped: true }, text });
  return encoder.encode(withReason).length <= maxMessageBytes ? withReason : text;
}

/** Returns what goes to the dead-letter queue for a message that is not a string: its JSON, if it has one that fits. */
export function deadLetterOfOther(body: unknown, failure: Failure): string | undefined {
  const json = jsonOf(body);
  const text = deadLetterText(json, failure);
  return json === "" || text === json ? undefined : text;
}

/** Returns true if a message has been put among the dead letters before. */
export function isDeadLetter(body: unknown): boolean {
  return typeof body === "string" && partsOf(body) !== undefined;
}

/**
 * Reads the body of a message of the dead-letter queue. Never throws. The queue itself puts messages there, too, without a
 * reason, when they have used up its `max_retries`.
 */
export function readDeadLetter(body: unknown): DeadLetter {
  const whole = typeof body === "string" ? body : jsonOf(body);
  const { reason = null, attempts = null, failedAt = null, text = whole } = partsOf(whole) ?? {};
  const { eventId, type } = objectIn(text) ?? {};
  return { eventId: textOrNull(eventId), type: textOrNull(type), reason, attempts, failedAt, text };
}

/** Splits a dead letter into the failure and the message's text. Returns undefined if it holds no failure. */
function partsOf(whole: string): (Failure & { text: string }) | undefined {
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
  return undefined;
}

/** Returns the JSON of a message that is not a string, so that something of it is seen. */
function jsonOf(body: unknown): string {
  try {
    return JSON.stringify(body) ?? "";
  } catch {
    return "";
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function withinBytes(reason: string): string {
  let end = maxReasonBytes;
  while (encoder.encode(JSON.stringify(reason.slice(0, end))).length > maxReasonBytes) {
    end -= 1;
  }
  return reason.slice(0, end);
}
