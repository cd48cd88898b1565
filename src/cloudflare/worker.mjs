// The Worker's entry point: hands requests to the WebAssembly instance, and replaces an instance that
// has trapped. `cargo xtask worker` lays it beside the files that it imports.

import { initSync, __wbg_reset_state as replaceInstance, fetch as serve } from "./index.js";
import module from "./index_bg.wasm";

initSync({ module });

/**
 * Ends each request that the present instance is serving, should the instance trap: nothing else would
 * ever answer them.
 *
 * @type {Set<() => void>}
 */
let inFlight = new Set();

/**
 * A trap, or an exception that has passed through the instance, leaves its memory in an unknown state,
 * so the instance is never called again. Other Workers' code may share the isolate; its errors are none
 * of ours, and neither are those of an old instance's timers.
 *
 * @param {unknown} error
 * @returns {boolean} whether it was replaced
 */
function replaceIfTrapped(error) {
  const trapped = error instanceof WebAssembly.RuntimeError;
  if (!trapped && !(error instanceof Error && error.stack?.includes("wasm-function"))) {
    return false;
  }
  const abandoned = inFlight;
  inFlight = new Set();
  replaceInstance();
  log("trapped", { inFlight: abandoned.size });
  for (const abandon of abandoned) {
    abandon();
  }
  return true;
}

/**
 * @param {string} outcome
 * @param {Record<string, unknown>} details
 */
function log(outcome, details) {
  console.error(JSON.stringify({ at: new Date().toISOString(), outcome, code: "unavailable", ...details }));
}

// Rust's futures run in microtasks, where no try around a call can see them trap.
const scope = /** @type {EventTarget} */ (globalThis);
scope.addEventListener("error", (event) => replaceIfTrapped(/** @type {ErrorEvent} */ (event).error));
scope.addEventListener("unhandledrejection", (event) =>
  replaceIfTrapped(/** @type {PromiseRejectionEvent} */ (event).reason),
);

/**
 * @param {Request} request
 * @param {unknown} env
 * @param {ExecutionContext} ctx
 * @returns {Promise<Response>}
 */
async function answer(request, env, ctx) {
  /** @type {() => void} */
  let abandon = () => {};
  /** @type {Promise<undefined>} */
  const abandoned = new Promise((resolve) => {
    abandon = () => resolve(undefined);
  });
  const own = inFlight.add(abandon);
  try {
    return (await Promise.race([serve(request, env, ctx), abandoned])) ?? unavailable();
  } catch (error) {
    if (!replaceIfTrapped(error)) {
      log("failed", { reason: "expected to translate the request and its answer, got an error" });
    }
    return unavailable();
  } finally {
    own.delete(abandon);
  }
}

/** As the core answers when an event is not known to be in the queue. */
function unavailable() {
  const problem = {
    type: "about:blank",
    title: "Service Unavailable",
    status: 503,
    code: "unavailable",
    detail: "the event could not be queued in time; send it again",
  };
  return new Response(JSON.stringify(problem), {
    status: 503,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", "retry-after": "30" },
  });
}

export default {
  /**
   * @param {Request} request
   * @param {unknown} env
   * @param {ExecutionContext} ctx
   * @returns {Promise<Response>}
   */
  fetch(request, env, ctx) {
    const answered = answer(request, env, ctx);
    // Without it a sender that resets its connection would cancel the delivery half-way.
    ctx.waitUntil(answered);
    return answered;
  },
};
