// Reads what the gateway has put on the queue, and verifies it once more.

import { Verifier } from "cronozen-edge";
import { bound } from "./binding.js";
import { Permanent } from "./permanent.js";

/**
 * @typedef {import("../../consumer.js").CronozenEvent} CronozenEvent
 * @typedef {import("../../consumer.js").Bucket} Bucket
 *
 * @typedef {object} Envelope what the gateway says of the event; none of it is signed
 * @property {string} eventId
 * @property {string | null} type
 * @property {string | null} createdAt
 * @property {string} receivedAt
 * @property {number} key
 * @property {"new" | "unknown"} dedupe
 * @property {"inside" | "outside" | "unknown"} window
 * @property {string} signature
 *
 * @typedef {{ key: string, sha256: string, bytes: number }} Stored a body that lies in R2
 *
 * @typedef {object} Received
 * @property {Envelope} envelope
 * @property {string | Stored} body the exact signed text, or where it is
 */

const version = 1;

/** 1 MiB: no gateway can be set to take more. */
const maxBodyBytes = 1_048_576;

/** Where the gateway puts a body, by its hash. */
const keyPrefix = "bodies/";

/** No field before it can hold this text: its quotes would be escaped. */
const beforeEvent = ',"event":';

/** @type {Record<string, (value: unknown) => boolean>} */
const fields = {
  eventId: isText,
  type: isTextOrNull,
  createdAt: isTextOrNull,
  receivedAt: isText,
  key: isCount,
  dedupe: (value) => value === "new" || value === "unknown",
  window: (value) => value === "inside" || value === "outside" || value === "unknown",
  signature: isText,
};

/**
 * Takes a message apart.
 *
 * @param {unknown} text
 * @returns {Received}
 * @throws {Permanent} if it is none, or of a version that this consumer does not know
 */
export function parseMessage(text) {
  const message = isText(text) ? objectIn(text) : undefined;
  if (!isText(text) || message === undefined) {
    throw new Permanent("not_a_message: expected a text with a JSON object, got something else");
  }
  if (typeof message.v !== "number") {
    throw new Permanent("not_a_message: expected v to be a number, got something else");
  }
  if (message.v !== version) {
    throw new Permanent(`unknown_version: expected version ${version}, got another one`);
  }
  const wrong = Object.keys(fields).find((name) => !fields[name]?.(message[name]));
  if (wrong !== undefined) {
    throw new Permanent(`not_a_message: expected the field ${wrong}, got none or one of another type`);
  }
  return { envelope: /** @type {Envelope} */ (/** @type {unknown} */ (message)), body: bodyIn(text, message) };
}

/** @param {string | undefined} text @returns {Record<string, unknown> | undefined} */
export function objectIn(text) {
  try {
    const value = text === undefined ? undefined : JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
}

/**
 * @param {string} text
 * @param {Record<string, unknown>} message
 * @returns {string | Stored}
 */
function bodyIn(text, message) {
  const { event, bodyKey, bodySha256, bodyBytes } = message;
  const stored = [bodyKey, bodySha256, bodyBytes];
  const start = text.indexOf(beforeEvent);
  if (isObject(event) && start !== -1 && stored.every((field) => field === undefined)) {
    return text.slice(start + beforeEvent.length, text.lastIndexOf("}"));
  }
  if (event === undefined && isText(bodyKey) && isText(bodySha256) && isCount(bodyBytes)) {
    return { key: bodyKey, sha256: bodySha256, bytes: bodyBytes };
  }
  throw new Permanent("not_a_message: expected either event, or bodyKey, bodySha256 and bodyBytes, got something else");
}

/**
 * Fetches a body that lies in R2.
 *
 * @param {Stored} stored
 * @param {Bucket | undefined} bucket
 * @returns {Promise<Uint8Array>}
 * @throws {Permanent} if it is gone, or another one
 */
export async function fetchBody({ key, sha256, bytes }, bucket) {
  const bodies = bound(bucket, "get", "the option bodies to give the R2 bucket with the event's body");
  // Who can write to the queue must choose neither what is read, nor how much.
  const isOurs = key === keyPrefix + sha256 && bytes <= maxBodyBytes;
  const object = isOurs ? await bodies.get(key) : undefined;
  if (object === null) {
    throw new Permanent(`body_missing: expected ${key} in R2, got nothing`);
  }
  const body = object?.size === bytes ? new Uint8Array(await object.arrayBuffer()) : undefined;
  if (body?.length !== bytes || hexOf(await crypto.subtle.digest("SHA-256", body)) !== sha256) {
    throw new Permanent(`body_mismatch: expected the body whose hash and length the message has, got another one`);
  }
  return body;
}

/**
 * The event in a body whose signature is right.
 *
 * @param {Envelope} envelope
 * @param {string | Uint8Array} body
 * @param {string | readonly string[]} secrets
 * @returns {CronozenEvent}
 * @throws {Permanent} if it is not, or the envelope is not this event's
 */
export function verifiedEvent(envelope, body, secrets) {
  const list = typeof secrets === "string" ? secrets.trim().split(/\s+/) : secrets;
  const result = new Verifier(list, { maxBodyBytes }).check(body, envelope.signature);
  if (!result.ok) {
    throw new Permanent(result.message);
  }
  return matching(envelope, result.event);
}

/**
 * The event in a body that nobody has verified since the gateway.
 *
 * @param {Envelope} envelope
 * @param {string | Uint8Array} body
 * @returns {CronozenEvent}
 * @throws {Permanent} if the envelope is not this event's
 */
export function eventIn(envelope, body) {
  const event = objectIn(typeof body === "string" ? body : decoded(body));
  if (event === undefined) {
    throw new Permanent("not_a_message: expected the event to be a JSON object, got something else");
  }
  return matching(envelope, /** @type {CronozenEvent} */ (event));
}

/** @param {Uint8Array} body */
function decoded(body) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/**
 * Only the event is signed: another's envelope would have it handled as what it is not.
 *
 * @param {Envelope} envelope
 * @param {CronozenEvent} event
 */
function matching(envelope, event) {
  const own = (/** @type {string} */ name) => (Object.hasOwn(event, name) ? event[name] : undefined);
  // The sender does not document which of them names the type.
  const type = [own("type"), own("event"), own("eventType")].find(isText) ?? null;
  const createdAt = isText(own("createdAt")) ? own("createdAt") : null;
  if (own("eventId") !== envelope.eventId || type !== envelope.type || createdAt !== envelope.createdAt) {
    throw new Permanent("envelope_mismatch: expected the envelope of the event in the message, got another one's");
  }
  return event;
}

/** @param {ArrayBuffer} bytes */
function hexOf(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {unknown} value @returns {value is number} */
function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** @param {unknown} value @returns {value is string} */
function isText(value) {
  return typeof value === "string";
}

/** @param {unknown} value */
function isTextOrNull(value) {
  return value === null || isText(value);
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
