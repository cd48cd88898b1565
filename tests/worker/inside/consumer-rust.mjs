// Runs in workerd around the built example consumer in Rust. The custom metadata `fault` of a body in R2 makes its read
// hang, never end, or return more bytes than WebAssembly can address, which traps the instance. The name of the queue makes
// a binding fail. A request is answered with the size of WebAssembly's memory.

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

/** What happens to a batch of statements, by the name of the queue. @type {Record<string, (db: any, batch: any[]) => unknown>} */
const batchFaults = {
  "faster-copy": async (db, batch) => {
    await db.batch(batch);
    // Without the other copy's effect, only its claim can prevent a second one.
    await db.prepare("DELETE FROM events").run();
    return db.batch(batch);
  },
  "lost-answer": async (db, batch) => {
    await db.batch(batch);
    throw new Error("answer lost");
  },
};

/** @param {any} db @param {string} queue */
function faultyDatabase(db, queue) {
  const fault = batchFaults[queue];
  if (fault === undefined) {
    return db;
  }
  const prepare = (/** @type {string} */ query) => db.prepare(query);
  return { prepare, batch: (/** @type {any[]} */ batch) => fault(db, batch) };
}

export default {
  fetch() {
    return new Response(String(wasmBytes()));
  },

  /** @param {any} batch @param {any} env */
  queue(batch, env) {
    const get = async (/** @type {string} */ key) => faulty(await env.BODIES.get(key));
    const BODIES = batch.queue === "without-a-bucket" ? undefined : { get };
    return consumer.queue(batch, { ...env, BODIES, DB: faultyDatabase(env.DB, batch.queue) });
  },
};
