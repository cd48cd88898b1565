// A consumer of one version. Its handler fails for events that say so, and its admin API is that of its version.

import { console as adminConsole } from "cronozen-edge/console";
import { consume, d1, deadLetters, NonRetryableError } from "cronozen-edge/consumer";

/** The messages that the queue has delivered, in this isolate. @type {string[]} */
const received = [];

/** @type {import("cronozen-edge/consumer").DeadLetters<any>} */
const letters = deadLetters({
  queue: (env) => env.DEAD_LETTERS,
  events: (env) => env.EVENTS,
  ledger: (env) => env.DB,
  bodies: (env) => env.BODIES,
  activity: (env) => env.ACTIVITY,
});

const answer = adminConsole({ deadLetters: letters });

const queue = consume(
  {
    "*": (event, env) => {
      if (event.failsIn === env.VERSION) {
        throw new NonRetryableError(`fails in the ${env.VERSION} version`);
      }
      return env.DB.prepare("INSERT INTO effects (event_id, version) VALUES (?, ?)").bind(event.eventId, env.VERSION);
    },
  },
  {
    once: d1((env) => env.DB),
    deadLetters: letters,
    secrets: (env) => env.CRONOZEN_SIGNING_SECRET,
    bodies: (env) => env.BODIES,
    retry: { firstSeconds: 0, maxSeconds: 1 },
  },
);

export default {
  /** @param {any} batch @param {any} env @param {any} ctx */
  async queue(batch, env, ctx) {
    if (batch.queue === "cronozen-events") {
      received.push(...batch.messages.map((/** @type {any} */ { body }) => body));
    }
    await queue(batch, env, ctx);
  },

  /** @param {Request} request @param {any} env */
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/received") {
      return Response.json(received);
    }
    if (pathname === "/sql") {
      const { results } = await env.DB.prepare(await request.text()).all();
      return Response.json(results);
    }
    if (pathname === "/send") {
      await env.EVENTS.send(await request.text(), { contentType: "text" });
      return Response.json(null);
    }
    return answer(request, env);
  },
};
