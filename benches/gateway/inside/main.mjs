// Runs in workerd around a gateway, and gives it bindings that answer at once.
//
// `DEDUPE` is the gateway's own setting. In strict mode the gateway's own class `Deduper` leases the events. It is
// called as a plain object in this isolate, on a storage that answers at once (OBJECTS = "in-isolate"), or as when
// deployed, with the runtime's remote calls and SQLite (OBJECTS = "remote"). With ACTIVITY = "in-isolate", the gateway
// flushes its log lines to an object that copies them, as a remote call would, and drops them. With
// FAILURES = "in-isolate", it has a limit on failed signatures that answers at once.

import { activity, failures, ObjectNamespace, ObjectStorage, stubs, takeMessage } from "./bindings.mjs";
import gateway, { Deduper as OwnDeduper } from "./gateway/worker.js";

/**
 * The objects, by name. Only the runtime can create them.
 *
 * @type {Map<string, Deduper>}
 */
const objects = new Map();

export class Deduper extends OwnDeduper {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    if (env.OBJECTS === "in-isolate") {
      Object.defineProperty(this, "ctx", { value: { storage: new ObjectStorage() } });
      objects.set(ctx.id.name, this);
    }
  }

  /** Does nothing: the call makes the runtime create the object. */
  begin() {}
}

/** Created only once: a gateway may cache what it reads from its environment. @type {any} */
let environment;

/** @param {any} env */
async function prepare(env) {
  environment = { ...env, ...stubs };
  if (env.ACTIVITY === "in-isolate") {
    environment.ACTIVITY = activity;
  }
  if (env.FAILURES === "in-isolate") {
    environment.FAILURES = failures;
  }
  if (env.DEDUPE === "durable-object" && env.OBJECTS === "in-isolate") {
    // One for each of the gateways' shards.
    await Promise.all(Array.from({ length: 16 }, (_, shard) => env.DEDUPER.getByName(String(shard)).begin()));
    environment.DEDUPER = new ObjectNamespace(objects);
  }
}

export default {
  /** @param {Request} request @param {any} env @param {any} ctx */
  fetch(request, env, ctx) {
    if (environment !== undefined && !request.url.endsWith("/bench")) {
      return gateway.fetch(request, environment, ctx);
    }
    return serveSpecial(request, env, ctx);
  },
};

/**
 * Answers the first request, and requests for the last queued message.
 *
 * @param {Request} request
 * @param {any} env
 * @param {any} ctx
 */
async function serveSpecial(request, env, ctx) {
  if (request.url.endsWith("/bench")) {
    return new Response(takeMessage() ?? "");
  }
  await prepare(env);
  return gateway.fetch(request, environment, ctx);
}
