// The loop in workerd: a request in, a reply out.

import { startLoop } from "./loop.mjs";

/** @type {ReturnType<typeof startLoop> | undefined} */
let starting;

export default {
  /** @param {globalThis.Request} request */
  async fetch(request) {
    // Started by the first request: a Worker cannot do this at the top of a module.
    starting ??= startLoop("workerd");
    const loop = await starting;
    return Response.json(request.method === "GET" ? loop.contenders : await loop.run(await request.json()));
  },
};
