// Runs in workerd around the built Worker: makes KV, R2, the queue and the Durable Objects misbehave as a
// request's headers say, counts what they do, and keeps what the queue delivers. The Worker itself is
// untouched.

import {
  activityOf,
  Bucket,
  Connections,
  calls,
  KvNamespace,
  limiterOf,
  Namespace,
  Queue,
  queueOf,
} from "./faults.mjs";
import { wasmBytes } from "./footprint.mjs";
import gateway from "./gateway/worker.js";

export { Activity } from "./activity.mjs";
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
    const connections = new Connections();
    changed.SEEN = new KvNamespace(env.SEEN, faults, connections);
    changed.EVENTS = new Queue(queueOf(env), faults, connections);
    changed.DEDUPER = new Namespace(env.DEDUPER, faults, connections);
    changed.BODIES = new Bucket(env.BODIES, faults, connections);
    changed.ACTIVITY = activityOf(env.ACTIVITY, faults, connections);
    changed.FAILURES = limiterOf(env.FAILURES, faults, connections);
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

/**
 * Delivers a request many times at once, without a socket for each.
 *
 * @param {Request} request
 * @param {any} env
 * @param {any} ctx
 */
async function crowd(request, env, ctx) {
  const { searchParams } = new URL(request.url);
  const { headers, method } = request;
  const body = await request.arrayBuffer();
  const url = new URL("/webhooks/cronozen", request.url);
  const deliver = () => gateway.fetch(new Request(url, { method, headers, body }), environment(request, env), ctx);
  const answers = await Promise.all(Array.from({ length: Number(searchParams.get("times")) }, deliver));
  return Response.json(answers.map(({ status }) => status));
}

export default {
  /** @param {Request} request @param {any} env @param {any} ctx */
  async fetch(request, env, ctx) {
    // Not every request has a URL that can be parsed.
    const { pathname, searchParams } = URL.parse(request.url) ?? new URL("http://unset");
    if (pathname === "/test/observed") {
      return Response.json({ received, calls, wasmBytes: wasmBytes() });
    }
    if (pathname === "/test/object" || pathname === "/test/activity") {
      const [namespace, name] = pathname.endsWith("object")
        ? [env.DEDUPER, searchParams.get("shard")]
        : [env.ACTIVITY, "activity"];
      const object = namespace.get(namespace.idFromName(name));
      const { method, args } = /** @type {any} */ (await request.json());
      // A restart ends the call with an error.
      const result = await object[method](...args).catch((/** @type {unknown} */ error) => String(error));
      return Response.json(result ?? null);
    }
    if (pathname === "/test/crowd") {
      return crowd(request, env, ctx);
    }
    if (request.headers.has("x-test-lives-on")) {
      // Like a gateway that is mounted in a Worker with other work.
      ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 10_000)));
    }
    if (request.headers.has("x-test-locked-body")) {
      request.body?.getReader();
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
