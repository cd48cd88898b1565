// The ways in which an event takes effect once, however often its message comes: Workers KV, or the handlers' own.

import { hasMethod } from "../kind.ts";
import { configError, refuseUnknown } from "./config-error.ts";
import { log, reasonOf } from "./log.ts";
import { NonRetryableError } from "./non-retryable.ts";
import { bound, type KeyValueStore } from "./platform.ts";

/** An attempt to handle the event of one message, and the Worker's environment. */
export interface Attempt<Env> {
  readonly eventId: string;
  readonly type: string | null;
  readonly createdAt: string | null;
  readonly receivedAt: string;
  /** Which attempt of this message it is; the first is 1. */
  readonly attempts: number;
  /** The key of the body, if it is in R2. */
  readonly bodyKey: string | null;
  readonly env: Env;
}

export type Outcome = "handled" | "duplicate" | "outdated";

/** The way in which an event takes effect once. Made by `d1` and `kv`. */
export interface Once<Env> {
  /** Does the work, unless it has been done. Called by `consume`. */
  readonly run: (attempt: Attempt<Env>, work: () => Promise<unknown>) => Promise<Outcome>;
  /** Does what the first message needs, once for a batch. */
  readonly prepare?: (env: Env) => Promise<unknown>;
  /** Returns true if the event's data has been erased. */
  readonly isErased?: (attempt: Attempt<Env>) => Promise<boolean>;
  /** Records that the handler is `ignore`, so that a search finds the event. */
  readonly recordIgnored?: (attempt: Attempt<Env>) => Promise<void>;
  /** Records when events come again that have failed, so that they do not count as lost until then. */
  readonly recordRetries?: (env: Env, retries: readonly Retry[]) => Promise<void>;
}

/** A message that comes again. */
export interface Retry {
  readonly eventId: string;
  /** As RFC 3339. */
  readonly nextAt: string;
}

/** 60 days: longer than the gateway remembers an event by default. */
const defaultTtlSeconds = 5_184_000;

/** Workers KV accepts no less. */
const minTtlSeconds = 60;

/**
 * Remembers handled `eventId`s in Workers KV, for 60 days by default. Weaker than {@link d1}: two copies of a message at
 * once, a handler that outlives `timeoutMs`, or a failure after the effect, have the effect twice.
 */
export function kv<Env>(
  namespace: (env: Env) => KeyValueStore | undefined,
  options: { readonly ttlSeconds?: number | undefined } = {},
): Once<Env> {
  if (typeof namespace !== "function") {
    throw configError("kv() got no function: write kv((env) => env.HANDLED)");
  }
  refuseUnknown("", options, ["ttlSeconds"]);
  const { ttlSeconds = defaultTtlSeconds } = options;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < minTtlSeconds) {
    throw configError(`ttlSeconds out of range: a whole number of at least ${minTtlSeconds} is expected`);
  }
  return {
    async run({ eventId, env }, work) {
      const store = bound(namespace(env), "get", "KV namespace of kv()");
      const key = `handled:${eventId}`;
      if ((await store.get(key)) !== null) {
        return "duplicate";
      }
      refuseStatements(await work());
      await mark(() => store.put(key, "", { expirationTtl: ttlSeconds }), eventId);
      return "handled";
    },
  };
}

/**
 * Writes a marker. If that fails, the effect may happen a second time one day; another attempt of the message would have it
 * happen at once.
 */
async function mark(put: () => Promise<unknown>, eventId: string): Promise<void> {
  try {
    await put().catch(put);
  } catch (error) {
    log("error", "marker_failed", { eventId, reason: reasonOf(error) });
  }
}

/** Trusts the handlers to have each effect once. */
export const unguarded: Once<unknown> = {
  async run(_, work) {
    refuseStatements(await work());
    return "handled";
  },
};

function refuseStatements(result: unknown): void {
  const list: unknown[] = Array.isArray(result) ? result : [Object(result).statements ?? result].flat();
  if (list.some((item) => hasMethod(item, "bind"))) {
    throw new NonRetryableError("D1 statements returned without once: d1(...): nothing would run them");
  }
}
