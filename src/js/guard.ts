// Guards the WebAssembly instance of a Worker: replaces it when it has trapped, and ends the calls that it was serving,
// because nothing else would ever answer them. `cargo xtask` compiles this file into each Worker's build.

import { initSync, __wbg_reset_state as makeInstance } from "./index.js";
import module from "./index_bg.wasm";
import { log } from "./log.js";

initSync({ module });

// The promises below are settled by whichever request meets a trap, and continue in their own request. V8 loses that
// request if it compiles a hot `new Promise` inline: hence Promise.withResolvers.

/** True if the present instance has trapped and could not be replaced yet. */
let broken = false;

/** The number of the present instance. An object of one instance cannot be used with another. */
export let generation = 0;

/**
 * The functions that end the calls that the present instance is serving. They run if the instance traps, because
 * nothing else would ever answer the calls.
 */
let inFlight = new Set<() => void>();

/** The functions that end what waits for the present instance after an answer. They run if the instance traps. */
let background = new Set<() => void>();

/**
 * Replaces the instance after a trap, or after an exception that has passed through it. Both leave its memory in an
 * unknown state, so it is never called again. Other errors are not the instance's: another Worker's code may share the
 * isolate.
 */
function replaceIfTrapped(error: unknown): void {
  const trapped = error instanceof WebAssembly.RuntimeError;
  if (trapped || (error instanceof Error && error.stack?.includes("wasm-function"))) {
    replace();
  }
}

function replace(): void {
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

function repair(): void {
  try {
    makeInstance();
    generation += 1;
    broken = false;
  } catch {
    // Probably out of memory. Each request tries again, and is answered 503 if that fails.
  }
}

// Rust's futures run in microtasks, where no `try` around a call can catch their traps.
globalThis.addEventListener("error", (event) => replaceIfTrapped(event.error));
globalThis.addEventListener("unhandledrejection", (event) => replaceIfTrapped(event.reason));

/**
 * Calls the instance. Resolves to `undefined` if the instance has trapped.
 *
 * @param call calls `end`, or returns a promise that rejects
 * @param limitMs the time after which a call that has not ended must have trapped
 */
export function unlessTrapped<Result>(
  call: (end: (result: Result) => void) => unknown,
  limitMs?: number,
): Promise<Result | undefined> {
  if (broken) {
    repair();
  }
  if (broken) {
    return Promise.resolve(undefined);
  }
  const { promise, resolve } = Promise.withResolvers<Result | undefined>();
  const calls = inFlight;
  const abandon = () => end();
  // Checks that the call is open: a call that ends in another request's context cannot clear this timer.
  const replaceIfOpen = () => calls.has(abandon) && replace();
  const timer = limitMs === undefined ? null : setTimeout(replaceIfOpen, limitMs);
  const end = (result?: Result) => {
    clearTimeout(timer);
    calls.delete(abandon);
    resolve(result);
  };
  calls.add(abandon);
  const fail = (error: unknown) => {
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
  return promise;
}

/**
 * Does something if the present instance traps, in the context of the request that calls this function. Returns a function that
 * forgets about it.
 */
export function afterTrap(action: () => void): () => void {
  const waits = background;
  const { promise, resolve } = Promise.withResolvers<void>();
  promise.then(action);
  waits.add(resolve);
  return () => waits.delete(resolve);
}

/**
 * Waits until work that the instance does after an answer has ended, or until the instance has trapped. After a trap,
 * nothing would end the work, and the platform would keep what the work holds.
 */
export function untilTrapped(work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const waits = background;
  const end = () => {
    waits.delete(end);
    resolve();
  };
  waits.add(end);
  work.then(end, end);
  return promise;
}
