// One Worker: the gateway takes deliveries, and the consumer does the rest.

import gateway from "cronozen-edge/worker";
import consumer from "./consumer.ts";
import type { Env } from "./env.ts";

export { Activity, Deduper } from "cronozen-edge/worker";

export default {
  ...consumer,

  fetch(request: Request, env: Env, context: ExecutionContext) {
    // Not every Host header makes a URL that can be parsed: the gateway refuses the others.
    const isConsole = /^\/console(\/|$)/.test(URL.parse(request.url)?.pathname ?? "");
    return isConsole ? consumer.fetch(request, env, context) : gateway.fetch(request, env, context);
  },
};
