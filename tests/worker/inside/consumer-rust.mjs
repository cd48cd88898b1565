// Runs in workerd around the built example consumer in Rust: a body that lies in R2 with the custom metadata
// `fault` hangs, never ends or, larger than WebAssembly's memory can be told, has the instance trap. It answers a request
// with the size of WebAssembly's memory.

import { wasmBytes } from "./footprint.mjs";

// The Worker instantiates itself as soon as it is imported, which the footprint must see.

import consumer from "./consumer/worker.mjs";

const tooLarge = 2 ** 31;

/** @param {any} object */
function faulty(object) {
  const { fault } = object?.customMetadata ?? {};
  if (fault === undefined) {
    return object;
  }
  const arrayBuffer = async () => {
    if (fault === "never ends") {
      // A timer is pending, or the platform would take the message for hung.
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
