// The gateway, and the consumer of docs/consumers.md with its console, in a single Worker.

import gateway from "cronozen-edge/worker";
import consumer from "./consumer.js";

export { Deduper } from "cronozen-edge/worker";

export default {
  queue: consumer.queue,

  /** @param {Request} request @param {any} env @param {any} ctx */
  async fetch(request, env, ctx) {
    const pathname = URL.parse(request.url)?.pathname;
    if (pathname?.startsWith("/console/")) {
      return consumer.fetch(request, env, ctx);
    }
    if (pathname !== "/sql") {
      return gateway.fetch(request, env, ctx);
    }
    const queries = /** @type {string[]} */ (await request.json());
    const results = await env.DB.batch(queries.map((query) => env.DB.prepare(query)));
    return Response.json(results.map((/** @type {any} */ { results }) => results));
  },
};
