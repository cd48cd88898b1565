// Runs in workerd: verifies the request's body `times` times. The time is measured outside.

import { DurableObject } from "cloudflare:workers";
import { Verifier } from "./package/edge.js";

export class Deduper extends DurableObject {}

/** @type {Verifier | undefined} */
let verifier;

export default {
  /** @param {Request} request @param {{ CRONOZEN_SIGNING_SECRET: string }} env */
  async fetch(request, env) {
    verifier ??= new Verifier(env.CRONOZEN_SIGNING_SECRET);
    const times = Number(new URL(request.url).searchParams.get("times"));
    const body = new Uint8Array(await request.arrayBuffer());
    const signature = request.headers.get("x-cronozen-signature") ?? "";
    let matched = 0;
    for (let time = 0; time < times; time += 1) {
      matched += verifier.matches(body, signature) ? 1 : 0;
    }
    return new Response(String(matched));
  },
};
