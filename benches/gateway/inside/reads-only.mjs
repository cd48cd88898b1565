// The least that a gateway could do: reads the body, and answers.

import { DurableObject } from "cloudflare:workers";

export class Deduper extends DurableObject {}

export default {
  /** @param {Request} request */
  async fetch(request) {
    await request.arrayBuffer();
    return new Response('{"status":"accepted"}', {
      status: 202,
      headers: { "content-type": "application/json", "cache-control": "no-store" },
    });
  },
};
