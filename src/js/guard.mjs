// Guards the WebAssembly instance of a Worker: replaces it when it has trapped, and ends the calls that it was serving.
// Nothing else would ever answer them. `cargo xtask` lays this beside each Worker's build.

import { initSync, __wbg_reset_state as makeInstance } from "./index.js";
import module from "./index_bg.wasm";

initSync({ module });

/** Whether the present instance has trapped and could not be replaced yet. */
let broken = false;

/** Counts the instances. What belongs to one cannot be used with another. */
export let generation = 0;

/**
 * Ends each call that the present instance is serving, should the instance trap: nothing else would
 * ever answer them.
 *
 * @type {Set<() => void>}
 */
let inFlight = new Set();

/**
 * Ends the wait for each work that the present instance does after an answer.
 *
 * @type {Set<() => void>}
 */
let background = new Set();

/**
 * A trap, or an exception that has passed through the instance, leaves its memory in an unknown state,
 * so the instance is never called again. Other errors are not the instance's: another Worker's code may
 * share the isolate.
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
  const abandoned = inFlight;
  inFlight = new Set();
  log({ outcome: "trapped", inFlight: abandoned.size });
  for (const abandon of [...abandoned, ...background]) {
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
    // Out of memory, most likely. The next request tries again, and is answered 503 until then.
  }
}

// Rust's futures run in microtasks, where no try around a call can see them trap.
const scope = /** @type {EventTarget} */ (globalThis);
scope.addEventListener("error", (event) => replaceIfTrapped(/** @type {ErrorEvent} */ (event).error));
scope.addEventListener("unhandledrejection", (event) =>
  replaceIfTrapped(/** @type {PromiseRejectionEvent} */ (event).reason),
);

/**
 * Calls the instance.
 *
 * @template T
 * @param {(end: (result: T) => void) => unknown} call ends itself; a promise that it returns may fail instead
 * @param {number} [limitMs] when a call that has not ended must have trapped
 * @returns {Promise<T | undefined>} nothing if the instance has trapped
 */
export function unlessTrapped(call, limitMs) {
  if (broken) {
    repair();
  }
  if (broken) {
    return Promise.resolve(undefined);
  }
  return new Promise((resolve) => {
    const own = inFlight;
    const abandon = () => end();
    // It acts for an open call only: a call that ends in another request's context cannot clear this timer.
    const replaceIfOpen = () => own.has(abandon) && replace();
    const lastResort = limitMs === undefined ? null : setTimeout(replaceIfOpen, limitMs);
    /** @param {T} [result] */
    const end = (result) => {
      clearTimeout(lastResort);
      own.delete(abandon);
      resolve(result);
    };
    own.add(abandon);
    const fail = (/** @type {unknown} */ error) => {
      replaceIfTrapped(error);
      abandon();
    };
    try {
      const called = call(end);
      if (called instanceof Promise) {
        called.catch(fail);
      }
    } catch (error) {
      fail(error);
    }
  });
}

/**
 * Waits for work that the instance does after an answer, or until the instance has trapped: then nothing would end it, and
 * the platform would keep what it holds.
 *
 * @param {Promise<unknown>} work
 * @returns {Promise<void>}
 */
export function untilTrapped(work) {
  return new Promise((resolve) => {
    const own = background;
    const end = () => {
      own.delete(end);
      resolve();
    };
    own.add(end);
    work.then(end, end);
  });
}

/** @param {Record<string, unknown>} details */
export function log(details) {
  console.error(JSON.stringify({ at: new Date().toISOString(), ...details }));
}
