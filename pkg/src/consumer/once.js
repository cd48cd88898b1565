// An event has its effect once, however often its message comes.

import { bound } from "./binding.js";
import { Permanent } from "./permanent.js";

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

/**
 * Remembers handled events in Workers KV.
 *
 * @param {(env: any) => KeyValueStore | undefined} namespace
 * @param {{ ttlSeconds?: number }} [options]
 * @returns {Once}
 */
export function kv(namespace, { ttlSeconds = defaultTtlSeconds } = {}) {
  return {
    async run({ eventId, env }, work) {
      const store = bound(namespace(env), "get", "kv() to be given a KV namespace");
      const key = `handled:${eventId}`;
      if ((await store.get(key)) !== null) {
        return "duplicate";
      }
      expectNothing(await work());
      await store.put(key, "", { expirationTtl: ttlSeconds });
      return "handled";
    },
  };
}

/** The handlers see to it themselves. @type {Once} */
export const unguarded = {
  async run(_, work) {
    expectNothing(await work());
    return "handled";
  },
};

/** @param {unknown} result */
function expectNothing(result) {
  if (result !== undefined) {
    // Not an error that is tried again: whatever the handler does, it has done.
    throw new Permanent("expected the handler to return nothing, got something: statements need once: d1(...)");
  }
}
