// The envelope inside a verified body.

import { Refusal } from "./refusal.js";

export interface Event {
  id: string;
  type: string | undefined;
  createdAt: string | undefined;
  /** The whole body. */
  text: string;
}

const maxIdBytes = 256;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export function readEvent(body: ArrayBuffer): Event {
  const { text, value } = parse(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Refusal("invalid_event", "body malformed: not a JSON object");
  }
  const { eventId, type, event, eventType, createdAt } = value as Record<string, unknown>;
  return {
    id: checkId(eventId),
    type: [type, event, eventType].find((name) => typeof name === "string"),
    createdAt: typeof createdAt === "string" ? createdAt : undefined,
    text,
  };
}

function parse(body: ArrayBuffer) {
  try {
    const text = decoder.decode(body);
    return { text, value: JSON.parse(text) as unknown };
  } catch {
    throw new Refusal("invalid_event", "body malformed: not valid JSON");
  }
}

function checkId(id: unknown) {
  if (id === undefined) {
    throw new Refusal("invalid_event", "eventId missing");
  }
  if (typeof id !== "string") {
    throw new Refusal("invalid_event", "eventId malformed: not a string");
  }
  if (!id.isWellFormed()) {
    throw new Refusal("invalid_event", "eventId malformed: a lone surrogate");
  }
  const { length } = encoder.encode(id);
  if (length < 1 || length > maxIdBytes) {
    throw new Refusal(
      "invalid_event",
      length === 0 ? "eventId empty" : `eventId too long: ${length} bytes (at most ${maxIdBytes} are allowed)`,
    );
  }
  if (/\p{Cc}/u.test(id)) {
    throw new Refusal("invalid_event", "eventId malformed: a control character");
  }
  return id;
}
