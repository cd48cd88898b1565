// Reads what the gateway has put on the queue, and verifies it once more.

import { type CronozenEvent, Verifier } from "cronozen-edge";
import { ownField, typeOf } from "../event.ts";
import { isCount } from "../kind.ts";
import { NonRetryableError } from "./non-retryable.ts";
import { type Bucket, bound } from "./platform.ts";
import { secretsIn } from "./secrets.ts";

/** The gateway's account of an event. Nobody has signed it. */
export interface Envelope {
  eventId: string;
  type: string | null;
  createdAt: string | null;
  receivedAt: string;
  key: number;
  dedupe: "new" | "unknown";
  window: "inside" | "outside" | "unknown";
  signature: string;
}

/** A body that is in R2. */
export interface StoredBody {
  key: string;
  sha256: string;
  bytes: number;
}

/** A message, taken apart. `body` is the exact signed text, or where it is. */
export interface ParsedMessage {
  envelope: Envelope;
  body: string | StoredBody;
}

const version = 1;

/** 1 MiB: no gateway can be set to accept more. */
export const maxBodyBytes = 1_048_576;

/** The gateway stores a body under this prefix and its hash. */
const keyPrefix = "bodies/";

/** No field before it can hold this text: its quotes would be escaped. */
const beforeEvent = ',"event":';

const fields: Record<keyof Envelope, (value: unknown) => boolean> = {
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
 * @throws NonRetryableError if it is not the gateway's, or of a version that this consumer does not know
 */
export function parseMessage(text: unknown): ParsedMessage {
  const message = isText(text) ? objectIn(text) : undefined;
  if (!isText(text) || message === undefined) {
    throw new NonRetryableError("not_a_message: not a string with a JSON object, as the gateway queues it");
  }
  if (typeof message.v !== "number") {
    throw new NonRetryableError("not_a_message: v is no number. Only messages that the gateway has queued can be read");
  }
  if (message.v !== version) {
    throw new NonRetryableError(`unknown_version: the message is not of version ${version}`);
  }
  assertEnvelope(message);
  return { envelope: message, body: bodyIn(text, message) };
}

function assertEnvelope(message: Record<string, unknown>): asserts message is Record<string, unknown> & Envelope {
  const invalidField = Object.entries(fields).find(([name, isRight]) => !isRight(message[name]));
  if (invalidField !== undefined) {
    throw new NonRetryableError(`not_a_message: field ${invalidField[0]} missing or of another type`);
  }
}

export function objectIn(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
}

function bodyIn(text: string, message: Record<string, unknown>): string | StoredBody {
  const { event, bodyKey, bodySha256, bodyBytes } = message;
  const stored = [bodyKey, bodySha256, bodyBytes];
  const start = text.indexOf(beforeEvent);
  if (isObject(event) && start !== -1 && stored.every((field) => field === undefined)) {
    return text.slice(start + beforeEvent.length, text.lastIndexOf("}"));
  }
  if (event === undefined && isText(bodyKey) && isText(bodySha256) && isCount(bodyBytes)) {
    return { key: bodyKey, sha256: bodySha256, bytes: bodyBytes };
  }
  throw new NonRetryableError("not_a_message: neither event, nor bodyKey, bodySha256 and bodyBytes");
}

/**
 * Fetches a body that is in R2.
 *
 * @throws NonRetryableError if it is gone, or another one
 */
export async function fetchBody(
  { key, sha256, bytes }: StoredBody,
  bucket: Bucket | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bodies = bound(bucket, "get", "R2 bucket of the option bodies");
  // A writer of the queue must choose neither what is read, nor how much.
  const isOurs = key === keyPrefix + sha256 && bytes <= maxBodyBytes;
  const object = isOurs ? await bodies.get(key) : undefined;
  if (object === null) {
    throw new NonRetryableError(`body_missing: ${key} is not in R2`);
  }
  const body = object?.size === bytes ? new Uint8Array(await object.arrayBuffer()) : undefined;
  if (body?.length !== bytes || hexOf(await crypto.subtle.digest("SHA-256", body)) !== sha256) {
    throw new NonRetryableError("body_mismatch: the body in R2 has another hash or length than the message says");
  }
  return body;
}

/**
 * Returns the event in a body whose signature is right.
 *
 * @throws NonRetryableError if the signature does not match, or the envelope is not this event's
 */
export function verifiedEvent(
  envelope: Envelope,
  body: string | Uint8Array,
  secrets: string | readonly string[],
): CronozenEvent {
  const list = typeof secrets === "string" ? secretsIn(secrets) : secrets;
  const result = new Verifier(list, { maxBodyBytes }).check(body, envelope.signature);
  if (!result.ok) {
    throw new NonRetryableError(result.message);
  }
  assertEventOf(envelope, result.event);
  return result.event;
}

/**
 * Returns the event in a body that nobody has verified since the gateway.
 *
 * @throws NonRetryableError if the envelope is not this event's
 */
export function eventIn(envelope: Envelope, body: string | Uint8Array): CronozenEvent {
  const event = objectIn(typeof body === "string" ? body : decoded(body));
  if (event === undefined) {
    throw new NonRetryableError("not_a_message: the event is no JSON object");
  }
  assertEventOf(envelope, event);
  return event;
}

function decoded(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** Checks that the envelope is the event's. Only the event is signed: with another's envelope it would be mishandled. */
function assertEventOf(envelope: Envelope, event: object): asserts event is CronozenEvent {
  const createdAt = ownField(event, "createdAt");
  if (
    ownField(event, "eventId") !== envelope.eventId ||
    (typeOf(event) ?? null) !== envelope.type ||
    (isText(createdAt) ? createdAt : null) !== envelope.createdAt
  ) {
    throw new NonRetryableError("envelope_mismatch: the envelope is that of another event");
  }
}

function hexOf(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
