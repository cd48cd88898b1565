// Only for `npm start`: the example consumer, with retries after a second and three types of events of its own, and the
// gateway on the same port.

import { consume, d1, signingSecrets } from "cronozen-edge/consumer";
import { handlers } from "../../examples/consumer/src/handlers.js";
import example from "../../examples/consumer/src/index.js";

/**
 * @typedef {import("../../examples/consumer/src/index.js").Env & { GATEWAY: Fetcher }} Env
 * @typedef {import("cronozen-edge/consumer").CronozenEvent} CronozenEvent
 * @typedef {import("cronozen-edge/consumer").Delivery} Delivery
 */

const maxAttempts = 3;

/** @param {CronozenEvent} _event @param {Env} _env @param {Delivery} delivery */
function failTwice(_event, _env, { attempt }) {
  if (attempt < maxAttempts) {
    throw new Error("fails twice");
  }
}

/** The events that have failed for good. @type {Set<string>} */
const failed = new Set();

/** @param {CronozenEvent} event @param {Env} _env @param {Delivery} delivery */
function failUntilRedriven({ eventId }, _env, { attempt }) {
  if (failed.has(eventId)) {
    return;
  }
  if (attempt === maxAttempts) {
    failed.add(eventId);
  }
  throw new Error("fails until redriven");
}

const handleEvents = consume(
  {
    ...handlers,
    "undocumented:demo.works": () => {},
    "undocumented:demo.fails_twice": failTwice,
    "undocumented:demo.fails": failUntilRedriven,
  },
  {
    once: d1((env) => env.DB),
    deadLetters: (env) => env.DEAD_LETTERS,
    secrets: signingSecrets,
    retry: { maxAttempts, firstSeconds: 1, maxSeconds: 1 },
  },
);

/** @type {ExportedHandler<Env>} */
const demo = {
  async queue(batch, env, context) {
    await (batch.queue === env.EVENTS_QUEUE ? handleEvents(batch, env, context) : example.queue?.(batch, env, context));
  },

  async fetch(request, env, context) {
    const isConsole = /^\/console(\/|$)/.test(new URL(request.url).pathname);
    return isConsole && example.fetch ? example.fetch(request, env, context) : env.GATEWAY.fetch(request);
  },
};

export default demo;
