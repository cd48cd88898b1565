// Runs in workerd around a gateway, and gives it bindings that answer at once.
//
// `DEDUPE` is the gateway's own setting. In strict mode the gateway's own class `Deduper` leases the events: called as a
// plain object in this isolate, on a storage that answers at once (OBJECTS = "in-isolate"); or as a deployed one is, by
// the runtime's remote calls and on its SQLite (OBJECTS = "remote").

import { ObjectNamespace, ObjectStorage, stubs, takeMessage } from "./bindings.mjs";
import gateway, { Deduper as OwnDeduper } from "./gateway/worker.js";

/**
 * The objects that the runtime has made: only it can make one.
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

  /** Exists from now on. */
  begin() {}
}

/** Made once: a gateway may keep what it has read of its environment. @type {any} */
let environment;

/** @param {any} env */
async function prepare(env) {
  environment = { ...env, ...stubs };
  if (env.DEDUPE === "durable-object" && env.OBJECTS === "in-isolate") {
    // As many as the gateways share their events among.
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
    return other(request, env, ctx);
  },
};

/**
 * The first request, and the question what the queue has taken.
 *
 * @param {Request} request
 * @param {any} env
 * @param {any} ctx
 */
async function other(request, env, ctx) {
  if (request.url.endsWith("/bench")) {
    return new Response(takeMessage() ?? "");
  }
  await prepare(env);
  return gateway.fetch(request, environment, ctx);
}
