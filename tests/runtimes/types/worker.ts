// With Cloudflare's types: the gateway is a handler, mounted or exported.

import gateway, { type Deduper as DeduperClass } from "cronozen-edge/worker";

interface Env {
  SEEN: KVNamespace;
}

export { Deduper, default as exported } from "cronozen-edge/worker";

export default {
  fetch(request, env, ctx) {
    return URL.parse(request.url)?.pathname === "/mine" ? new Response("mine") : gateway.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;

export const whole = gateway satisfies ExportedHandler<Env>;

// @ts-expect-error the context is missing
gateway.fetch(new Request("http://localhost/"), {});

/** The binding's type from `wrangler types`. */
export type Bindings = { DEDUPER: DurableObjectNamespace<DeduperClass> };
