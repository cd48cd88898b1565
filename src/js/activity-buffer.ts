// Buffers the lines of the log in the isolate, and sends them to the Durable Object `Activity`. No answer waits for it.

import { hourMs, minuteMs } from "./activity-hours.js";
import type { Batch, Gateway, UnsignedCount } from "./activity-sources.js";

/** The least time between two flushes. At one delivery a second, one flush takes five lines. */
const flushIntervalMs = 5000;

/** The least time between two flushes of lines that anyone can cause. */
const unsignedIntervalMs = minuteMs;

/** A flush is due at this many lines. */
const manyLines = 200;

/** The most lines that wait while the object does not answer: about 300 KB. Further ones are lost, and counted. */
const maxLines = 1000;

/** The most lines in a batch that anyone can cause. Further ones are counted by their code. */
const maxUnsignedLines = 20;

/** Beyond so many counts, those of all minutes are one: the object may fail for hours. */
const maxCounts = 200;

/** After so long without a batch, the isolate takes a new id: the object forgets an isolate after a day. */
const longestSilenceMs = 12 * hourMs;

/** The longest that a flush may take. Its request lives on as long. */
const flushTimeoutMs = 2000;

/** After this delay, the request of a flush or of a timer counts as ended. */
const graceMs = 1000;

/** The longest that a request lives on for flushes. Workers end it 30 s after its answer. */
export const longestWaitMs = 20_000;

/** Where a buffer's lines go, and what it adds to them. */
export interface Destination {
  /** The environment, which may have the bindings `ACTIVITY` and `CF_VERSION_METADATA`. */
  readonly env: unknown;
  /** Returns the answer of the health check. */
  health(): Promise<string | undefined>;
}

/** The object that takes the lines. It returns the number of the batch. */
interface Recorder {
  record(batch: Batch, gateway: Gateway): Promise<unknown>;
}

interface Environment {
  ACTIVITY?: { idFromName(name: string): unknown; get(id: unknown): Recorder };
  CF_VERSION_METADATA?: { id?: unknown; tag?: unknown };
}

/** The lines of an isolate that have not reached the object. */
export class ActivityBuffer {
  #lines: string[] = [];
  /** The deliveries without a line in the buffer, by minute, code and mismatch. */
  #counts = new Map<string, UnsignedCount>();
  #unsignedLines = 0;
  #isUrgent = false;
  /** All lines of this isolate, and those before the first one that is in the buffer. */
  #written = 0;
  #taken = 0;
  /** A batch that has been sent, and not acknowledged. It is sent again as it is, so that the object knows a repeat. */
  #unacknowledged: Batch | undefined;
  #batches = 0;
  #isolate = "";
  #takenAt = 0;
  #flushedAt = 0;
  /** Until this time, a flush is under way, unless its request has ended. */
  #flushesUntil = 0;
  /** Until this time, a request waits to begin one. */
  #waitsUntil = 0;

  /** Adds a line. */
  add(line: string, isUnsigned: boolean): void {
    this.#written += 1;
    if (!isUnsigned) {
      this.#isUrgent = true;
    } else if (this.#unsignedLines >= maxUnsignedLines) {
      this.#count(line);
      return;
    }
    if (this.#lines.length < maxLines) {
      this.#lines.push(line);
      this.#unsignedLines += isUnsigned ? 1 : 0;
    }
  }

  /** Counts a refused delivery instead of keeping its line. */
  #count(line: string): void {
    // The line begins with the time: {"at":"2026-11-24T06:55:01.204Z".
    const minute = this.#counts.size < maxCounts ? line.slice(7, 23) : undefined;
    const [, code = ""] = /"code":"(\w+)"/.exec(line) ?? [];
    const isMismatch = line.includes('"reason":"signature mismatch');
    const key = `${minute} ${code} ${isMismatch}`;
    const counted = this.#counts.get(key) ?? { minute, code, isMismatch, deliveries: 0 };
    this.#counts.set(key, { ...counted, deliveries: counted.deliveries + 1 });
  }

  /**
   * Flushes the lines if it is time, now or a little later. Returns a promise if the request must live on for that. It never
   * rejects.
   *
   * @param endsAt the time until which the request may live on
   */
  flushWhenDue(destination: Destination, endsAt: number): Promise<void> | undefined {
    try {
      return this.#flushWhenDue(destination, endsAt);
    } catch {
      // Nothing here may change an answer.
      return undefined;
    }
  }

  #flushWhenDue(destination: Destination, endsAt: number): Promise<void> | undefined {
    if (namespaceIn(destination.env) === undefined) {
      if (this.#written > this.#taken) {
        this.#empty();
      }
      return undefined;
    }
    const now = Date.now();
    const dueAt = this.#dueAt();
    const canWait = dueAt + flushTimeoutMs <= endsAt;
    const isFull = this.#lines.length >= manyLines && this.#unacknowledged === undefined;
    if (now >= this.#flushesUntil && (isFull || now >= dueAt || (this.#isUrgent && !canWait))) {
      return this.#flush(destination, endsAt);
    }
    // If a request waits to flush unsigned lines, an urgent line must not wait as long.
    if ((now < this.#waitsUntil && this.#waitsUntil <= dueAt + graceMs) || !canWait) {
      return undefined;
    }
    this.#waitsUntil = dueAt + graceMs;
    return sleep(dueAt - now).then(() => {
      this.#waitsUntil = 0;
      // Another request may have flushed the lines in the meantime, and not those that came after it.
      return this.flushWhenDue(destination, endsAt);
    });
  }

  /** Returns the time at which the next flush is due; never if there is nothing to flush. */
  #dueAt(): number {
    if (this.#unacknowledged === undefined && this.#lines.length === 0 && this.#counts.size === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const isUrgent = this.#isUrgent || this.#unacknowledged !== undefined;
    return this.#flushedAt + (isUrgent ? flushIntervalMs : unsignedIntervalMs);
  }

  /** Sends the lines. If that fails, the next flush sends the same batch again. */
  async #flush(destination: Destination, endsAt: number): Promise<void> {
    const now = Date.now();
    this.#flushedAt = now;
    const flushesUntil = now + flushTimeoutMs + graceMs;
    this.#flushesUntil = flushesUntil;
    const isRepeat = this.#unacknowledged !== undefined;
    const batch = this.#unacknowledged ?? this.#take(now);
    this.#unacknowledged = batch;
    try {
      await sendInTime(batch, destination);
      // Another request may have repeated this batch, and sent the next one.
      if (this.#unacknowledged === batch) {
        this.#unacknowledged = undefined;
      }
    } catch {
      // The next flush sends it again.
    }
    if (this.#flushesUntil === flushesUntil) {
      this.#flushesUntil = 0;
    }
    if (isRepeat && this.#unacknowledged === undefined && this.#lines.length > 0) {
      return this.#flush(destination, endsAt);
    }
    if (now + flushIntervalMs + flushTimeoutMs <= endsAt) {
      // Lines that came during the flush, or the same ones once more.
      await this.flushWhenDue(destination, endsAt);
    }
  }

  #take(now: number): Batch {
    if (this.#isolate === "" || now - this.#takenAt > longestSilenceMs) {
      this.#isolate = crypto.randomUUID();
      this.#batches = 0;
      this.#written -= this.#taken;
      this.#taken = 0;
    }
    this.#takenAt = now;
    this.#batches += 1;
    const batch = {
      isolate: this.#isolate,
      number: this.#batches,
      from: this.#taken,
      to: this.#written,
      lines: this.#lines,
      counts: [...this.#counts.values()],
    };
    this.#empty();
    return batch;
  }

  #empty(): void {
    this.#taken = this.#written;
    this.#lines = [];
    this.#counts = new Map();
    this.#unsignedLines = 0;
    this.#isUrgent = false;
  }
}

async function sendInTime(batch: Batch, { env, health }: Destination): Promise<void> {
  const { CF_VERSION_METADATA: version }: Environment = Object(env);
  const gateway = {
    deployment: textOf(version?.id),
    tag: textOf(version?.tag),
    health: (await health()) ?? "{}",
  };
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("timed out")), flushTimeoutMs);
  try {
    const acknowledged = await Promise.race([objectOf(env).record(batch, gateway), timedOut]);
    if (acknowledged !== batch.number) {
      throw new Error("not acknowledged");
    }
  } finally {
    clearTimeout(timer);
  }
}

function namespaceIn(env: unknown): Environment["ACTIVITY"] {
  const { ACTIVITY: namespace }: Environment = Object(env);
  return typeof namespace?.idFromName === "function" ? namespace : undefined;
}

/** There is one object for all isolates. */
function objectOf(env: unknown): Recorder {
  const namespace = namespaceIn(env);
  if (namespace === undefined) {
    throw new Error("ACTIVITY missing");
  }
  return namespace.get(namespace.idFromName("activity"));
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
