// A Worker that mounts the gateway under a path, and changes its settings as a test asks.

import gateway from "cronozen-edge/worker";

export { Activity, Deduper } from "cronozen-edge/worker";

export default {
  /**
   * @param {Request} request
   * @param {Record<string, unknown>} env
   * @param {import("cronozen-edge/worker").GatewayContext} ctx
   */
  fetch(request, env, ctx) {
    if (!URL.parse(request.url)?.pathname.startsWith("/hooks/")) {
      return new Response("mine");
    }
    const settings = JSON.parse(request.headers.get("x-test-settings") ?? "{}");
    const broken = request.headers.has("x-test-broken-queue") && {
      EVENTS: { send: () => Promise.reject(new Error("full")) },
    };
    return gateway.fetch(request, { ...env, WEBHOOK_PATH: "/hooks/cronozen", ...settings, ...broken }, ctx);
  },
  /** @param {{ messages: { body: unknown }[] }} batch */
  queue(batch) {
    for (const { body } of batch.messages) {
      console.log(`queued ${body}`);
    }
  },
};
