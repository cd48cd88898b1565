// Only for `npm start`: the example consumer, with retries after a second and two types of events that fail, and the
// gateway on the same port.

import { consume, d1, signingSecrets } from "cronozen-edge/consumer";
import { handlers } from "../../examples/consumer/src/handlers.js";
import example from "../../examples/consumer/src/index.js";

/**
 * @typedef {import("../../examples/consumer/src/index.js").Env & { GATEWAY: Fetcher }} Env
 * @typedef {import("cronozen-edge/consumer").CronozenEvent} CronozenEvent
 * @typedef {import("cronozen-edge/consumer").Delivery} Delivery
 */

/** Adds a row to the ledger, without the example's own handlers. @param {CronozenEvent} event @param {Env} env */
function row({ eventId }, env) {
  const query = `INSERT INTO payments (event_id, outcome, amount, currency, recorded_at)
    VALUES (?, 'completed', '49.00', 'EUR', ?)`;
  return env.DB.prepare(query).bind(eventId, new Date().toISOString());
}

/** @param {CronozenEvent} event @param {Env} env @param {Delivery} delivery */
function failsTwice(event, env, { attempt }) {
  if (attempt < 3) {
    throw new Error("fails twice");
  }
  return row(event, env);
}

/** @param {CronozenEvent} event @param {Env} env */
async function failsUntilRedriven(event, env) {
  const query = "SELECT 1 FROM dead_letters WHERE event_id = ? AND redrives > 0";
  if ((await env.DB.prepare(query).bind(event.eventId).first()) === null) {
    throw new Error("fails until redriven");
  }
  return row(event, env);
}

const handleEvents = consume(
  { ...handlers, "undocumented:demo.fails_twice": failsTwice, "undocumented:demo.fails": failsUntilRedriven },
  {
    once: d1((env) => env.DB),
    deadLetters: (env) => env.DEAD_LETTERS,
    secrets: signingSecrets,
    retry: { maxAttempts: 3, firstSeconds: 1, maxSeconds: 1 },
  },
);

/** @type {ExportedHandler<Env>} */
const demo = {
  async queue(batch, env, context) {
    await (batch.queue === "cronozen-events"
      ? handleEvents(batch, env, context)
      : example.queue?.(batch, env, context));
  },

  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/demo/payments") {
      const query = "SELECT count(*) AS count FROM payments WHERE event_id = ?";
      return Response.json(await env.DB.prepare(query).bind(searchParams.get("eventId")).first());
    }
    return pathname.startsWith("/dead-letters") && example.fetch
      ? example.fetch(request, env, context)
      : env.GATEWAY.fetch(request);
  },
};

export default demo;
