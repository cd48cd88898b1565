// A consumer whose handlers and database fail as a test asks, and whose queue delivers acknowledged messages again.

import { console as adminConsole } from "cronozen-edge/console";
import { consume, d1, deadLetters, ifNewest, NonRetryableError } from "cronozen-edge/consumer";

/** @param {any} env @param {string} eventId @param {number} amount */
function effect(env, eventId, amount) {
  return [
    env.DB.prepare("INSERT INTO effects (event_id) VALUES (?)").bind(eventId),
    env.DB.prepare("UPDATE totals SET effects = effects + 1, amount = amount + ?").bind(amount),
  ];
}

/** Picks a failure for FAILING percent of the calls. @param {any} env */
function pickFailure({ FAILING = 0 }) {
  const drawn = Math.random() * 100;
  if (drawn >= FAILING) {
    return undefined;
  }
  return ["before", "in the middle of", "after"][Math.floor((drawn / FAILING) * 3)];
}

/** The faulty databases, one for each binding, so that the consumer looks for its tables once. */
const faulty = new WeakMap();

/** A database that can fail once after a commit. @param {any} db */
function failingAfterwards(db) {
  const known = faulty.get(db);
  if (known !== undefined) {
    return known;
  }
  const made = {
    prepare: (/** @type {string} */ query) => db.prepare(query),
    batch: async (/** @type {any[]} */ statements) => {
      const results = await db.batch(statements);
      const claimed = statements.length > 1;
      if (claimed && afterwards.delete(db)) {
        throw new Error("failed after its effect");
      }
      return results;
    },
  };
  faulty.set(db, made);
  return made;
}

/** The databases whose next batch fails although it is committed. */
const afterwards = new Set();

/** @type {Record<string, number>} */
const failed = {};

/** @type {import("cronozen-edge/consumer").DeadLetters<any>} */
const letters = deadLetters({
  queue: (env) => env.DEAD_LETTERS,
  events: ({ EVENTS, SEND_MS = 0 }) => ({
    async send(body, options) {
      await new Promise((resolve) => setTimeout(resolve, SEND_MS));
      return EVENTS.send(body, options);
    },
  }),
  ledger: (env) => env.DB,
  bodies: (env) => env.BODIES,
});

const answer = adminConsole({ deadLetters: letters });

const queue = consume(
  {
    "payment.completed": ({ eventId, data }, env) => {
      const fails = pickFailure(env);
      const amount = Number(/** @type {any} */ (data).amount);
      if (fails !== undefined) {
        failed[fails] = (failed[fails] ?? 0) + 1;
      }
      if (fails === "before") {
        throw new Error("failed before its effect");
      }
      if (fails === "in the middle of") {
        return [...effect(env, eventId, amount), env.DB.prepare("INSERT INTO effects (event_id) VALUES (NULL)")];
      }
      if (fails === "after") {
        afterwards.add(env.DB);
      }
      return effect(env, eventId, amount);
    },
    "certificate.*": ({ eventId, data }, env) => {
      const { certificateId: id, state } = /** @type {any} */ (data);
      const write =
        "INSERT INTO states (id, state) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state";
      return ifNewest(`certificate:${id}`, [
        env.DB.prepare(write).bind(id, state),
        env.DB.prepare("INSERT INTO effects (event_id) VALUES (?)").bind(eventId),
      ]);
    },
    "undocumented:test.poison": () => {
      throw new Error("never works");
    },
    "undocumented:test.non-retryable": () => {
      throw new NonRetryableError("will never work");
    },
    "undocumented:test.hangs": () => new Promise(() => {}),
  },
  {
    once: d1((env) => failingAfterwards(env.DB)),
    deadLetters: letters,
    secrets: (env) => env.CRONOZEN_SIGNING_SECRET,
    bodies: (env) => env.BODIES,
    retry: { firstSeconds: 0, maxSeconds: 1, maxAttempts: 6 },
    timeoutMs: 1000,
  },
);

/** A message that the queue delivers again, although it has been acknowledged. @param {any} message */
function copyOf(message) {
  const { id, timestamp, body, attempts } = message;
  return { id, timestamp, body, attempts, ack() {}, retry() {} };
}

export default {
  /** @param {any} batch @param {any} env @param {any} ctx */
  async queue(batch, env, ctx) {
    const again = batch.messages.filter(() => Math.random() * 100 < (env.REPEATED ?? 0));
    const copies = again.map(copyOf);
    const half = copies.length / 2;
    // One half together with the messages, the other after them.
    await queue({ queue: batch.queue, messages: [...batch.messages, ...copies.slice(half)] }, env, ctx);
    await queue({ queue: batch.queue, messages: copies.slice(0, half) }, env, ctx);
  },

  /** @param {Request} request @param {any} env */
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/observed") {
      return Response.json({ failed });
    }
    if (pathname.startsWith("/console")) {
      return answer(request, env);
    }
    const list = /** @type {any[]} */ (await request.json());
    if (pathname === "/sql") {
      const results = await env.DB.batch(list.map((query) => env.DB.prepare(query)));
      return Response.json(results.map((/** @type {any} */ { results }) => results));
    }
    await env.EVENTS.sendBatch(list.map((body) => ({ body, contentType: typeof body === "string" ? "text" : "json" })));
    return Response.json(null);
  },
};
