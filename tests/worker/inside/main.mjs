// Runs in workerd around the built Worker: makes KV, R2, the queue and the Durable Objects misbehave as a
// request's headers say, counts what they do, and keeps what the queue delivers. The Worker itself is
// untouched.

import { Bucket, calls, KvNamespace, Namespace, Queue, queueOf } from "./faults.mjs";
import { wasmBytes } from "./footprint.mjs";
import gateway from "./gateway/worker.mjs";
import { objectFaults } from "./object.mjs";

export { Deduper } from "./object.mjs";

/** @type {string[]} */
const received = [];

function failToInstantiateOnce() {
  const { Instance } = WebAssembly;
  const scope = /** @type {any} */ (WebAssembly);
  scope.Instance = class {
    constructor() {
      scope.Instance = Instance;
      throw new RangeError("out of memory");
    }
  };
}

/** @param {Request} request @param {any} env */
function environment(request, env) {
  const faults = JSON.parse(decodeURIComponent(request.headers.get("x-test-faults") ?? "null"));
  const settings = JSON.parse(decodeURIComponent(request.headers.get("x-test-settings") ?? "null"));
  if (faults === null && settings === null) {
    return env;
  }
  if (faults?.instance === "fails once") {
    failToInstantiateOnce();
  }
  const changed = { ...env, EVENTS: queueOf(env), ...settings };
  if (faults !== null) {
    changed.SEEN = new KvNamespace(env.SEEN, faults);
    changed.EVENTS = new Queue(queueOf(env), faults);
    changed.DEDUPER = new Namespace(env.DEDUPER, faults);
    changed.BODIES = new Bucket(env.BODIES, faults);
  }
  if (settings?.BODIES !== undefined) {
    changed.BODIES = settings.BODIES === "a KV namespace" ? env.SEEN : settings.BODIES;
  }
  for (const [name, value] of Object.entries(changed)) {
    if (value === "absent") {
      delete changed[name];
    }
  }
  return changed;
}

export default {
  /** @param {Request} request @param {any} env @param {any} ctx */
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/test/observed") {
      return Response.json({ received, calls, wasmBytes: wasmBytes() });
    }
    if (pathname === "/test/faults") {
      objectFaults.set(searchParams.get("event") ?? "", /** @type {any} */ (await request.json()));
      return new Response();
    }
    if (pathname === "/test/object") {
      const object = env.DEDUPER.get(env.DEDUPER.idFromName(searchParams.get("place")));
      const { method, args } = /** @type {any} */ (await request.json());
      // A restart ends the call with an error.
      const result = await object[method](...args).catch((/** @type {unknown} */ error) => String(error));
      return Response.json(result ?? null);
    }
    return gateway.fetch(request, environment(request, env), ctx);
  },

  /** @param {any} batch */
  async queue(batch) {
    for (const message of batch.messages) {
      received.push(message.body);
    }
  },
};
