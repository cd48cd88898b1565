// Runs in workerd around the built example consumer in Rust. The custom metadata `fault` of a body in R2 makes its read
// hang, never end, or return more bytes than WebAssembly can address, which traps the instance. A request is answered with
// the size of WebAssembly's memory.

import { wasmBytes } from "./footprint.mjs";

// The Worker instantiates itself as soon as it is imported, which the footprint must see.

import consumer from "./consumer/worker.js";

const tooLarge = 2 ** 31;

/** @param {any} object */
function faulty(object) {
  const { fault } = object?.customMetadata ?? {};
  if (fault === undefined) {
    return object;
  }
  const arrayBuffer = async () => {
    if (fault === "never ends") {
      // The platform treats a message without a pending timer as hung.
      await new Promise((resolve) => setTimeout(resolve, 120_000));
    }
    if (fault === "hangs") {
      await new Promise((resolve) => setTimeout(resolve, 10_000));
    }
    return new ArrayBuffer(tooLarge);
  };
  return { size: object.size, arrayBuffer };
}

export default {
  fetch() {
    return new Response(String(wasmBytes()));
  },

  /** @param {any} batch @param {any} env */
  queue(batch, env) {
    const get = async (/** @type {string} */ key) => faulty(await env.BODIES.get(key));
    const BODIES = batch.queue === "without-a-bucket" ? undefined : { get };
    return consumer.queue(batch, { ...env, BODIES });
  },
};
