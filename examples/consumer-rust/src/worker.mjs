// The Worker's entry point: hands each batch to the WebAssembly instance.

import { queue as handle, initSync, __wbg_reset_state as makeInstance } from "./index.js";
import module from "./index_bg.wasm";

initSync({ module });

// After a trap the instance's memory is in an unknown state, so the next batch gets a new one. The queue
// delivers again what was not acknowledged.
const scope = /** @type {EventTarget} */ (globalThis);
scope.addEventListener("error", (event) => {
  if (/** @type {ErrorEvent} */ (event).error instanceof WebAssembly.RuntimeError) {
    makeInstance();
  }
});

export default {
  /**
   * @param {unknown} batch
   * @param {unknown} env
   */
  async queue(batch, env) {
    await handle(batch, env);
  },
};
