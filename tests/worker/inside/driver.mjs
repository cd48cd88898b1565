// Delivers events of every outcome to the gateway in its own isolate, and counts the answers.

import { createHmac } from "node:crypto";
import gateway from "./gateway/worker.js";

export { Activity } from "./gateway/worker.js";

const secret = "whsec_test";
const webhook = "http://gateway/webhooks/cronozen";

/** @typedef {{ path?: string, method?: string, body?: BodyInit, headers?: Record<string, string>, env: any }} Delivery */

/** @param {any} env the bindings of the isolate */
function environments({ ACTIVITY }) {
  const seen = new Set();
  const works = {
    ACTIVITY,
    CRONOZEN_SIGNING_SECRET: secret,
    REPLAY: "refuse",
    SEEN: {
      get: async (/** @type {string} */ key) => (seen.has(key) ? "" : null),
      put: async (/** @type {string} */ key) => {
        seen.add(key);
        return {};
      },
    },
    EVENTS: { send: async () => ({}) },
  };
  const fails = async () => {
    throw new Error("asked for by a test");
  };
  return {
    works,
    sendFails: { ...works, EVENTS: { send: fails } },
    markFails: { ...works, SEEN: { ...works.SEEN, put: fails } },
    sendIsLate: {
      ...works,
      DEADLINE_MS: 1000,
      EVENTS: { send: () => new Promise((resolve) => setTimeout(() => resolve({}), 900)) },
    },
    misconfigured: { ...works, DEDUPE: "sometimes" },
  };
}

/** @param {string} body */
function signed(body) {
  return { "x-cronozen-signature": createHmac("sha256", secret).update(body).digest("hex") };
}

/** @param {string} eventId @param {object} [fields] */
function event(eventId, fields) {
  const body = JSON.stringify({ eventId, type: "payment.completed", createdAt: new Date().toISOString(), ...fields });
  return { body, headers: signed(body) };
}

function brokenBody() {
  return new ReadableStream({
    pull(controller) {
      controller.error(new Error("connection lost"));
    },
  });
}

/**
 * A delivery of each outcome.
 *
 * @param {string} id
 * @param {ReturnType<typeof environments>} environments
 * @returns {Delivery[]}
 */
function deliveries(id, { works, sendFails, markFails, misconfigured }) {
  const forged = { ...event(`${id}_forged`), headers: signed("other") };
  return [
    { ...event(id), env: works },
    { ...event(id), env: works },
    { ...event(`${id}_second`), env: works },
    { ...forged, env: works },
    { ...forged, headers: {}, env: works },
    { ...forged, headers: { "x-cronozen-signature": "sha256=1" }, env: works },
    { body: "[]", headers: signed("[]"), env: works },
    { ...event(id), path: "/elsewhere", env: works },
    { method: "GET", env: works },
    { ...event(id, { data: "x".repeat(130_000) }), env: works },
    { ...event(`${id}_old`, { createdAt: "2020-01-01T00:00:00Z" }), env: works },
    { headers: signed("x"), body: brokenBody(), env: works },
    { ...event(`${id}_failed`), env: sendFails },
    { ...event(`${id}_unmarked`), env: markFails },
    { ...event(`${id}_500`), env: misconfigured },
  ];
}

/** @type {Record<string, number>} */
const counted = {};

/** @param {Delivery} delivery @param {any} ctx */
async function deliver({ path, method = "POST", body, headers, env }, ctx) {
  const request = new Request(path ? new URL(path, webhook) : webhook, {
    method,
    ...(body && { body }),
    ...(headers && { headers }),
  });
  const response = await gateway.fetch(request, env, ctx);
  const { code, status } = /** @type {any} */ (await response.json());
  const name = code ?? status;
  counted[name] = (counted[name] ?? 0) + 1;
  return response.status;
}

/** @type {ReturnType<typeof environments> | undefined} */
let made;

export default {
  /** @param {Request} request @param {any} env @param {any} ctx */
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    const prefix = searchParams.get("prefix") ?? "";
    made ??= environments(env);
    const all = made;
    if (pathname === "/drive") {
      for (let round = 0; round < Number(searchParams.get("rounds")); round += 1) {
        // One after the other, because a duplicate follows its event.
        for (const delivery of deliveries(`${prefix}_${round}`, all)) {
          await deliver(delivery, ctx);
        }
        // Real deliveries wait for other services. Without this, nothing else would run in the isolate.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    if (pathname === "/late") {
      const late = Array.from({ length: 20 }, (_, index) => ({
        ...event(`${prefix}_late_${index}`),
        env: all.sendIsLate,
      }));
      await Promise.all(late.map((delivery) => deliver(delivery, ctx)));
      // Until the sends are committed.
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    if (pathname === "/trap") {
      const pending = Array.from({ length: 20 }, (_, index) => ({
        ...event(`${prefix}_hung_${index}`),
        env: all.sendIsLate,
      }));
      const answers = pending.map((delivery) => deliver(delivery, ctx));
      const trap = { ...event(`${prefix}_trap`), env: all.works };
      await deliver({ ...trap, headers: { ...trap.headers, "x-test-trap": "unreachable after a wait" } }, ctx);
      await Promise.all(answers);
    }
    if (pathname === "/activity") {
      const { method, args } = /** @type {any} */ (await request.json());
      const object = env.ACTIVITY.get(env.ACTIVITY.idFromName("activity"));
      return Response.json(await object[method](...args));
    }
    return Response.json(counted);
  },
};
