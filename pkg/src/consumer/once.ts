// An event has its effect once, however often its message comes: in Workers KV, or left to the handlers.

import { bound } from "./binding.js";
import { log, reasonOf } from "./log.js";
import { Permanent } from "./permanent.js";
import { wrong } from "./wrong.js";

/**
 * @typedef {import("../../consumer.js").KeyValueStore} KeyValueStore
 *
 * @typedef {object} Occasion one message
 * @property {string} eventId
 * @property {string | null} createdAt
 * @property {any} env
 *
 * @typedef {"handled" | "duplicate" | "outdated"} Outcome
 *
 * @typedef {object} Once
 * @property {(occasion: Occasion, work: () => Promise<unknown>) => Promise<Outcome>} run does the work, unless it
 * has been done
 */

/** 60 days: longer than the gateway remembers an event, unless it is set otherwise. */
const defaultTtlSeconds = 5_184_000;

/** Workers KV takes no less. */
const minTtlSeconds = 60;

/**
 * Remembers handled events in Workers KV.
 *
 * @param {(env: any) => KeyValueStore | undefined} namespace
 * @param {{ ttlSeconds?: number }} [options]
 * @returns {Once}
 */
export function kv(namespace, { ttlSeconds = defaultTtlSeconds } = {}) {
  if (typeof namespace !== "function") {
    throw wrong("kv() to be given a function, as in kv((env) => env.HANDLED)");
  }
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < minTtlSeconds) {
    throw wrong(`ttlSeconds to be a whole number of at least ${minTtlSeconds}`);
  }
  return {
    async run({ eventId, env }, work) {
      const store = bound(namespace(env), "get", "kv() to be given a KV namespace");
      const key = `handled:${eventId}`;
      if ((await store.get(key)) !== null) {
        return "duplicate";
      }
      expectNoStatements(await work());
      await mark(() => store.put(key, "", { expirationTtl: ttlSeconds }), eventId);
      return "handled";
    },
  };
}

/**
 * A marker that cannot be written may cost a second effect one day. To try the message again would cost it at once.
 *
 * @param {() => Promise<unknown>} put
 * @param {string} eventId
 */
async function mark(put, eventId) {
  try {
    await put().catch(put);
  } catch (error) {
    log("error", "marker_failed", { eventId, reason: reasonOf(error) });
  }
}

/** The handlers see to it themselves. @type {Once} */
export const unguarded = {
  async run(_, work) {
    expectNoStatements(await work());
    return "handled";
  },
};

/** @param {unknown} result */
function expectNoStatements(result) {
  const list = Array.isArray(result) ? result : [Object(result).statements ?? result].flat();
  if (list.some((item) => typeof item?.bind === "function")) {
    throw new Permanent("expected the handler to return no D1 statements, got some: they need once: d1(...)");
  }
}
