// Runs in workerd around main.mjs, for tests/soak: sets its clock ahead, and has the defects that the soak must
// find.

import main from "./main.mjs";

export { Activity, Deduper } from "./main.mjs";

const { now } = Date;
let aheadMs = 0;
Date.now = () => now() + aheadMs;

/** The deliveries between two that a defect spoils. */
const spoiledEach = 50;

let deliveries = 0;

/** @type {ArrayBuffer[]} */
const kept = [];

/** @param {any} env the queue loses a message that it has acknowledged */
function losing(env) {
  return { ...env, EVENTS: { send: async () => ({}) } };
}

export default {
  /** @param {Request} request @param {any} env @param {any} ctx */
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = URL.parse(request.url) ?? new URL("http://unset");
    if (pathname === "/soak/clock") {
      aheadMs = Number(searchParams.get("ahead"));
      return new Response();
    }
    if (pathname === "/soak/collect") {
      /** @type {any} */ (globalThis).gc();
      return new Response();
    }
    if (!pathname.startsWith("/webhooks") || env.DEFECT === "") {
      return main.fetch(request, env, ctx);
    }
    deliveries += 1;
    const isSpoiled = deliveries % spoiledEach === 0;
    if (env.DEFECT === "unnamed" && isSpoiled) {
      return new Response("", { status: 500 });
    }
    if (env.DEFECT === "leak" && request.body !== null) {
      // Ten times, so that a short run sees it in spite of noise.
      request
        .clone()
        .arrayBuffer()
        .then(
          (body) => void kept.push(...Array.from({ length: 10 }, () => body.slice(0))),
          () => {},
        );
    }
    return main.fetch(request, env.DEFECT === "lost" && isSpoiled ? losing(env) : env, ctx);
  },
};
