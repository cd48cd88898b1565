// The options of a consumer, checked when the Worker starts: a mistake must not be found by the first failure.

import { hasMethod } from "../kind.ts";
import { configError, refuseUnknown } from "./config-error.ts";
import { type Once, unguarded } from "./once.ts";
import type { Bucket, Message, MessageBatch, Queue } from "./platform.ts";
import { type RetryOptions, type Schedule, scheduleOf } from "./retry.ts";

export interface ConsumeOptions<Env> {
  /** Makes an event take effect once. `false` leaves that to your handlers. */
  readonly once: Once<Env> | false;
  /**
   * What `deadLetters` returns: it stores the messages of the dead-letter queue, which the same Worker consumes. Or
   * the producer of a dead-letter queue with a consumer of your own.
   */
  readonly deadLetters: DeadLetterStore<Env> | ((env: Env) => Queue);
  /**
   * The signing secrets, newest first, as a list or separated by white space: {@link signingSecrets} finds them. With
   * them, each event's signature is verified again, so that a message that another Worker has queued is not handled.
   */
  readonly secrets?: ((env: Env) => Secrets | Promise<Secrets>) | undefined;
  /** The R2 bucket with the bodies that are too large for the queue, if the gateway has one. */
  readonly bodies?: ((env: Env) => Bucket | undefined) | undefined;
  readonly retry?: RetryOptions | undefined;
  /** The longest that one message may take, in milliseconds. 30,000 (30 s) by default, 840,000 (14 min) at most. */
  readonly timeoutMs?: number | undefined;
  /** Called after each failed attempt. */
  readonly onError?: ErrorHandler<Env> | undefined;
}

/** The part of what `deadLetters` returns that `consume` uses. */
export interface DeadLetterStore<Env> {
  /** The producer of the dead-letter queue. */
  readonly queue: (env: Env) => Queue | undefined;
  /** Stores the messages of a batch of the dead-letter queue, and acknowledges only those that are stored. */
  readonly store: (batch: MessageBatch, env: Env) => Promise<void>;
}

type Secrets = string | readonly string[];

/**
 * Gets the error of a failed attempt with its stack, for your error reports: the log has its first line. The error is the
 * handler's, D1's, or the helper's own, as for a wrong signature. As a method's, its parameters may be narrower: `context`
 * is the Worker's.
 */
export type ErrorHandler<Env> = {
  onError(error: unknown, message: Message, env: Env, context: unknown): unknown;
}["onError"];

/** The options, with their defaults. */
export interface Options<Env> {
  once: Once<Env>;
  deadLetterQueue: (env: Env) => Queue | undefined;
  letters: DeadLetterStore<Env> | undefined;
  secrets: ConsumeOptions<Env>["secrets"];
  bodies: ConsumeOptions<Env>["bodies"];
  onError: ConsumeOptions<Env>["onError"];
  timeoutMs: number;
  schedule: Schedule;
}

const names = ["once", "deadLetters", "secrets", "bodies", "onError", "timeoutMs", "retry"];
const retryNames = ["maxAttempts", "firstSeconds", "maxSeconds", "retentionSeconds"];

/** A handler that hangs must not hold its place until Cloudflare ends the Worker. */
const defaultTimeoutMs = 30_000;

/** Cloudflare ends a consumer after 15 minutes. */
const maxTimeoutMs = 840_000;

const example = "{ once: d1((env) => env.DB), deadLetters: deadLetters({ ... }) }";

export function optionsOf<Env>(options: ConsumeOptions<Env>): Options<Env> {
  if (typeof options !== "object" || options === null) {
    throw configError(`options of consume missing: pass them after the handlers, such as ${example}`);
  }
  refuseUnknown("", options, names);
  const { once, deadLetters, secrets, bodies, onError, timeoutMs = defaultTimeoutMs, retry = {} } = options;
  const letters = typeof deadLetters === "function" ? undefined : deadLetters;
  if (letters !== undefined && !hasMethod(letters, "store")) {
    throw configError("option deadLetters of another kind: write deadLetters({ ... }) or (env) => env.DEAD_LETTERS");
  }
  const deadLetterQueue = typeof deadLetters === "function" ? deadLetters : letters?.queue;
  if (deadLetterQueue === undefined) {
    throw configError("option deadLetters missing: write deadLetters({ ... }) or (env) => env.DEAD_LETTERS");
  }
  if (once !== false && !hasMethod(once, "run")) {
    throw configError("option once missing or of another kind: write d1((env) => env.DB), kv(...) or false");
  }
  for (const [name, option] of Object.entries({ secrets, bodies, onError })) {
    if (option !== undefined && typeof option !== "function") {
      throw configError(`option ${name} not a function`);
    }
  }
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > maxTimeoutMs) {
    throw configError(`option timeoutMs out of range: a whole number from 1 to ${maxTimeoutMs} is expected`);
  }
  if (typeof retry !== "object" || retry === null) {
    throw configError("option retry not an object");
  }
  refuseUnknown("retry.", retry, retryNames);
  return {
    once: once || unguarded,
    deadLetterQueue,
    letters,
    secrets,
    bodies,
    onError,
    timeoutMs,
    schedule: scheduleOf(retry),
  };
}
