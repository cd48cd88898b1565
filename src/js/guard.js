// Guards the WebAssembly instance of a Worker: replaces it when it has trapped, and ends the calls that it was serving,
// because nothing else would ever answer them. `cargo xtask` copies this file into each Worker's build.

import { initSync, __wbg_reset_state as makeInstance } from "./index.js";
import module from "./index_bg.wasm";

initSync({ module });

/** True if the present instance has trapped and could not be replaced yet. */
let broken = false;

/** The number of the present instance. An object of one instance cannot be used with another. */
export let generation = 0;

/**
 * The functions that end the calls that the present instance is serving. They run if the instance traps, because
 * nothing else would ever answer the calls.
 *
 * @type {Set<() => void>}
 */
let inFlight = new Set();

/**
 * The functions that end the waits for work that the present instance does after an answer. They run if the instance
 * traps.
 *
 * @type {Set<() => void>}
 */
let background = new Set();

/**
 * Replaces the instance after a trap, or after an exception that has passed through it. Both leave its memory in an
 * unknown state, so it is never called again. Other errors are not the instance's: another Worker's code may share the
 * isolate.
 *
 * @param {unknown} error
 */
function replaceIfTrapped(error) {
  const trapped = error instanceof WebAssembly.RuntimeError;
  if (trapped || (error instanceof Error && error.stack?.includes("wasm-function"))) {
    replace();
  }
}

function replace() {
  broken = true;
  const abandonedCalls = inFlight;
  inFlight = new Set();
  log({ outcome: "trapped", inFlight: abandonedCalls.size });
  for (const abandon of [...abandonedCalls, ...background]) {
    abandon();
  }
  background = new Set();
  repair();
}

function repair() {
  try {
    makeInstance();
    generation += 1;
    broken = false;
  } catch {
    // Probably out of memory. Each request tries again, and is answered 503 if that fails.
  }
}

// Rust's futures run in microtasks, where no `try` around a call can catch their traps.
const scope = /** @type {EventTarget} */ (globalThis);
scope.addEventListener("error", (event) => replaceIfTrapped(/** @type {ErrorEvent} */ (event).error));
scope.addEventListener("unhandledrejection", (event) =>
  replaceIfTrapped(/** @type {PromiseRejectionEvent} */ (event).reason),
);

/**
 * Calls the instance.
 *
 * @template T
 * @param {(end: (result: T) => void) => unknown} call calls `end`, or returns a promise that rejects
 * @param {number} [limitMs] the time after which a call that has not ended must have trapped
 * @returns {Promise<T | undefined>} `undefined` if the instance has trapped
 */
export function unlessTrapped(call, limitMs) {
  if (broken) {
    repair();
  }
  if (broken) {
    return Promise.resolve(undefined);
  }
  return new Promise((resolve) => {
    const calls = inFlight;
    const abandon = () => end();
    // Checks that the call is open: a call that ends in another request's context cannot clear this timer.
    const replaceIfOpen = () => calls.has(abandon) && replace();
    const timer = limitMs === undefined ? null : setTimeout(replaceIfOpen, limitMs);
    /** @param {T} [result] */
    const end = (result) => {
      clearTimeout(timer);
      calls.delete(abandon);
      resolve(result);
    };
    calls.add(abandon);
    const fail = (/** @type {unknown} */ error) => {
      replaceIfTrapped(error);
      abandon();
    };
    try {
      const returned = call(end);
      if (returned instanceof Promise) {
        returned.catch(fail);
      }
    } catch (error) {
      fail(error);
    }
  });
}

/**
 * Waits until work that the instance does after an answer has ended, or until the instance has trapped. After a trap,
 * nothing would end the work, and the platform would keep what the work holds.
 *
 * @param {Promise<unknown>} work
 * @returns {Promise<void>}
 */
export function untilTrapped(work) {
  return new Promise((resolve) => {
    const waits = background;
    const end = () => {
      waits.delete(end);
      resolve();
    };
    waits.add(end);
    work.then(end, end);
  });
}

/** @param {Record<string, unknown>} details */
export function log(details) {
  console.error(JSON.stringify({ at: new Date().toISOString(), ...details }));
}
