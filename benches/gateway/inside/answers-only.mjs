// The least that a Worker can cost: refuses without reading anything.

import { DurableObject } from "cloudflare:workers";

export class Deduper extends DurableObject {}

export default {
  async fetch() {
    return new Response('{"code":"invalid_signature"}', {
      status: 401,
      headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
    });
  },
};
