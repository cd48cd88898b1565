// What a consumer is set to: checked when the Worker starts, so that a slip is not found by the first failure.

import { unguarded } from "./once.js";
import { scheduleOf } from "./retry.js";
import { wrong } from "./wrong.js";

/**
 * @typedef {import("../../consumer.js").ConsumeOptions<any>} ConsumeOptions
 *
 * @typedef {object} Options
 * @property {import("./once.js").Once} once
 * @property {ConsumeOptions["deadLetters"]} deadLetters
 * @property {ConsumeOptions["secrets"]} secrets
 * @property {ConsumeOptions["bodies"]} bodies
 * @property {ConsumeOptions["onError"]} onError
 * @property {number} timeoutMs
 * @property {import("./retry.js").Schedule} schedule
 */

const names = ["once", "deadLetters", "secrets", "bodies", "onError", "timeoutMs", "retry"];

/** A handler that hangs must not hold its lane until Cloudflare ends the Worker. */
const defaultTimeoutMs = 30_000;

/** Cloudflare ends a consumer after 15 minutes. */
const maxTimeoutMs = 840_000;

/**
 * @param {unknown} given
 * @returns {Options}
 */
export function optionsOf(given) {
  const { once, deadLetters, secrets, bodies, onError, timeoutMs, retry } = known("", names, given ?? {});
  if (typeof deadLetters !== "function") {
    throw wrong("the option deadLetters, as in env => env.DEAD_LETTERS");
  }
  if (once !== false && typeof Object(once).run !== "function") {
    throw wrong("the option once to be d1(...), kv(...), or false");
  }
  for (const [name, option] of Object.entries({ secrets, bodies, onError })) {
    if (option !== undefined && typeof option !== "function") {
      throw wrong(`the option ${name} to be a function`);
    }
  }
  const limit = timeoutMs ?? defaultTimeoutMs;
  if (!Number.isInteger(limit) || limit < 1 || limit > maxTimeoutMs) {
    throw wrong(`the option timeoutMs to be a whole number from 1 to ${maxTimeoutMs}`);
  }
  const schedule = scheduleOf(known("retry.", ["maxAttempts", "firstSeconds", "maxSeconds"], retry ?? {}));
  return { once: once || unguarded, deadLetters, secrets, bodies, onError, timeoutMs: limit, schedule };
}

/**
 * A misspelt option would have no effect, and nobody would know.
 *
 * @param {string} prefix
 * @param {string[]} names
 * @param {unknown} options
 * @returns {any}
 */
function known(prefix, names, options) {
  if (typeof options !== "object" || options === null) {
    throw wrong("options as an object: once and deadLetters at least");
  }
  const other = Object.keys(options).find((name) => !names.includes(name));
  if (other !== undefined) {
    throw wrong(`the options ${names.join(", ")}, got ${prefix}${other}`);
  }
  return options;
}
