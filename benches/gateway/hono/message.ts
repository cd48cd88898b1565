// The message on the queue: one JSON object with the signed body, verbatim, as its last value.

import type { Event } from "./event.js";
import { Refusal } from "./refusal.js";
import type { Settings } from "./settings.js";
import { parseTime } from "./time.js";

export interface Message {
  eventId: string;
  receivedAt: number;
  ttlMs: number;
  ignoresMarker: boolean;
  /** Returns the text, with the result of the look-up. */
  text(dedupe: "new" | "unknown"): string;
}

const maxMessageBytes = 127_500;

/** A sender's clock may be wrong by this much. */
const maxClockSkewMs = 60 * 60 * 1000;

const maxMarkerExtensionMs = 366 * 24 * 60 * 60 * 1000;

const encoder = new TextEncoder();

export function messageOf(
  event: Event,
  { receivedAt, key, signature, bytes }: { receivedAt: number; key: number; signature: string; bytes: number },
  settings: Settings,
): Message {
  const createdAt = parseTime(event.createdAt);
  const window = windowOf(createdAt, receivedAt, settings.ttlMs);
  if (window === "outside" && settings.refuseReplays) {
    throw new Refusal("event_too_old", "event too old: its createdAt is before the replay window");
  }
  const head = JSON.stringify({
    v: 1,
    eventId: event.id,
    type: event.type ?? null,
    createdAt: event.createdAt ?? null,
    receivedAt: new Date(receivedAt).toISOString(),
    key,
  });
  const beforeDedupe = `${head.slice(0, -1)},"dedupe":"`;
  const beforeEvent = `","window":"${window}","signature":"${signature}","event":`;
  const found = encoder.encode(beforeDedupe).length + "unknown".length + beforeEvent.length + bytes + "}".length;
  if (found > maxMessageBytes) {
    const reason = `message too large: ${found} bytes (the queue accepts at most ${maxMessageBytes})`;
    // An error, because the signed event is lost unless an operator acts.
    throw new Refusal("body_too_large", reason, "error");
  }
  const ahead = Math.max(0, (createdAt ?? 0) - receivedAt);
  return {
    eventId: event.id,
    receivedAt,
    ttlMs: settings.ttlMs + Math.min(ahead, maxMarkerExtensionMs),
    ignoresMarker: settings.forget.has(event.id),
    text: (dedupe) => `${beforeDedupe}${dedupe}${beforeEvent}${event.text}}`,
  };
}

function windowOf(createdAt: number | undefined, now: number, ttlMs: number) {
  if (createdAt === undefined || createdAt - now > maxClockSkewMs) {
    return "unknown";
  }
  return now - createdAt > ttlMs ? "outside" : "inside";
}
