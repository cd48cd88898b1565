// Many deliveries: makes each when it is its turn, so that memory does not grow with their number.

import { randomUUID } from "node:crypto";
import { type Attempt, post, signatureOf } from "./delivery.ts";
import { newEventId, sampleOf } from "./samples.ts";

/** The parts of a delivery that can be forged. */
export const forgeries = ["body", "signature", "secret"] as const;

/** The deliveries that are to be made. */
export interface Plan {
  readonly url: URL;
  readonly secret: string;
  /** The types take turns. */
  readonly types: readonly string[];
  /** The number of events. */
  readonly count: number;
  /** The first event's id, if it is not a new one. */
  readonly eventId: string | undefined;
  /** The `data` of all events, as JSON. */
  readonly data: string | undefined;
  readonly duplicate: boolean;
  readonly shuffle: boolean;
  readonly tamper: (typeof forgeries)[number] | undefined;
  readonly concurrency: number;
}

/** A delivery that was made. */
export interface Delivery extends Attempt {
  /** The event's position in the plan. */
  readonly event: number;
  readonly eventId: string;
  readonly type: string;
  readonly bytes: number;
  readonly expected: boolean;
}

/** A delivery that is due. `again` is unknown if the order is random: either may be the first. */
interface Turn {
  readonly event: number;
  readonly again: boolean | undefined;
}

/** Makes the deliveries, and passes each to `report` when it has ended. `signal` lets those end that have begun. */
export async function deliverAll(plan: Plan, signal: AbortSignal, report: (made: Delivery) => void): Promise<void> {
  const messages = messagesOf(plan);
  const isExpected = expectationsOf(plan);
  const turns = turnsOf(plan);
  const lane = async (): Promise<void> => {
    // The lanes share the turns.
    for (const series of turns) {
      for (const turn of series) {
        if (signal.aborted) {
          return;
        }
        const { body, signature, ...head } = messages(turn.event);
        const attempt = await post(plan.url, body, signature);
        report({ ...head, ...attempt, event: turn.event, expected: isExpected(turn, attempt) });
      }
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, lane));
}

/** Returns the answer that is expected to a first or a repeated delivery, for people. */
export function expectedAnswer({ tamper }: Plan, again: boolean): string {
  return tamper !== undefined ? "401 invalid_signature" : again ? "200 duplicate" : "202 accepted";
}

/** Returns the number of deliveries. */
export function sizeOf({ count, duplicate }: Plan): number {
  return duplicate ? 2 * count : count;
}

/** Returns a function that makes the body and the signature of an event, always the same ones. */
export function messagesOf({ types, count, eventId: first = newEventId(), data, secret, tamper }: Plan) {
  const createdAt = new Date().toISOString();
  const signing = tamper === "secret" ? `whsec_${randomUUID()}` : secret;
  return (event: number) => {
    const type = types[event % types.length] ?? "";
    const eventId = count === 1 ? first : `${first}_${event + 1}`;
    const { data: sample, ...envelope } = sampleOf(type, { eventId, createdAt });
    // Given data is sent verbatim: a number may have more digits than JavaScript keeps.
    const signed = `${JSON.stringify(envelope).slice(0, -1)},"data":${data ?? JSON.stringify(sample)}}`;
    const signature = signatureOf(signed, signing);
    const body = tamper === "body" ? `${signed} ` : signed;
    return {
      eventId,
      type,
      bytes: Buffer.byteLength(body),
      body,
      signature: tamper === "signature" ? forged(signature) : signature,
    };
  };
}

/** Yields deliveries that must follow each other: a duplicate comes after the answer to the first, unless all are shuffled. */
function* turnsOf({ count, duplicate, shuffle }: Plan): Generator<Turn[]> {
  if (shuffle) {
    for (const position of shuffled(duplicate ? 2 * count : count)) {
      yield [{ event: position % count, again: duplicate ? undefined : false }];
    }
    return;
  }
  for (let event = 0; event < count; event += 1) {
    yield duplicate
      ? [
          { event, again: false },
          { event, again: true },
        ]
      : [{ event, again: false }];
  }
}

/** Returns a function that says if an answer is the expected one. */
function expectationsOf({
  count,
  duplicate,
  shuffle,
  tamper,
  eventId,
}: Plan): (turn: Turn, answer: Attempt) => boolean {
  // A byte for each event: it is accepted once, and a duplicate once.
  const seen = new Uint8Array(shuffle && duplicate ? count : 0);
  return ({ event, again }, { status, code }) => {
    if (tamper !== undefined) {
      // After 100 of them in a minute, the gateway answers 429.
      return (status === 401 && code === "invalid_signature") || (status === 429 && code === "too_many_failures");
    }
    const accepted = status === 202 && code === "accepted";
    const repeated = status === 200 && code === "duplicate";
    if (again === undefined) {
      const bit = accepted ? 1 : 2;
      const before = seen[event] ?? 0;
      seen[event] = before | bit;
      return (accepted || repeated) && (before & bit) === 0;
    }
    // An id that was given may have been sent before.
    return again ? repeated : accepted || (repeated && eventId !== undefined);
  };
}

/** Returns the numbers below `length` in random order: Fisher and Yates. */
function shuffled(length: number): Uint32Array {
  const numbers = Uint32Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    const moved = numbers[last] ?? 0;
    numbers[last] = numbers[other] ?? 0;
    numbers[other] = moved;
  }
  return numbers;
}

/** Returns a signature that differs in one digit. */
function forged(signature: string): string {
  return (signature.startsWith("0") ? "1" : "0") + signature.slice(1);
}
