// The Worker's entry point: hands each message to the WebAssembly instance, and replaces an instance that has
// trapped. What the instance was asked for would otherwise be awaited for ever, in every batch of the isolate.

import { bury, initSync, __wbg_reset_state as makeInstance, receive } from "./index.js";
import module from "./index_bg.wasm";

const deadLetters = "cronozen-events-dead";

/** Long enough for a message that traps each time to leave the others in peace; in seconds. */
const delaySeconds = 300;

initSync({ module });

/** Whether the present instance has trapped and could not be replaced yet. */
let broken = false;

/**
 * Ends each call that the present instance is serving, should it trap.
 *
 * @type {Set<() => void>}
 */
let inFlight = new Set();

/**
 * After a trap, or an exception that has passed through the instance, its memory is in an unknown state.
 *
 * @param {unknown} error
 */
function replaceIfTrapped(error) {
  const trapped = error instanceof WebAssembly.RuntimeError;
  if (trapped || (error instanceof Error && error.stack?.includes("wasm-function"))) {
    broken = true;
    const abandoned = inFlight;
    inFlight = new Set();
    for (const abandon of abandoned) {
      abandon();
    }
    repair();
  }
}

function repair() {
  try {
    makeInstance();
    broken = false;
  } catch {
    // Out of memory, most likely. The next message tries again.
  }
}

// Rust's futures run in microtasks, where no try around a call can see them trap.
const scope = /** @type {EventTarget} */ (globalThis);
scope.addEventListener("error", (event) => replaceIfTrapped(/** @type {ErrorEvent} */ (event).error));
scope.addEventListener("unhandledrejection", (event) =>
  replaceIfTrapped(/** @type {PromiseRejectionEvent} */ (event).reason),
);

/**
 * @param {() => Promise<void>} call
 * @returns {Promise<boolean>} whether it has ended without a trap
 */
async function ends(call) {
  if (broken) {
    repair();
  }
  if (broken) {
    return false;
  }
  let abandon = () => {};
  /** @type {Promise<boolean>} */
  const abandoned = new Promise((resolve) => {
    abandon = () => resolve(false);
  });
  const own = inFlight.add(abandon);
  try {
    return await Promise.race([call().then(() => true), abandoned]);
  } catch (error) {
    replaceIfTrapped(error);
    return false;
  } finally {
    own.delete(abandon);
  }
}

export default {
  /**
   * @param {{ queue: string, messages: readonly any[] }} batch
   * @param {unknown} env
   */
  async queue(batch, env) {
    const take = batch.queue === deadLetters ? bury : receive;
    for (const message of batch.messages) {
      // It acknowledges the message, or has it come again.
      if (!(await ends(() => take(message, env)))) {
        console.error(JSON.stringify({ outcome: "trapped", id: message.id }));
        message.retry({ delaySeconds });
      }
    }
  },
};
