// The consumer of the soak, with its console and alerts: handlers, D1 and acknowledgements fail as the soak asks.

import { alerts, json } from "cronozen-edge/alerts";
import { console as adminConsole } from "cronozen-edge/console";
import { consume, d1, deadLetters, NonRetryableError } from "cronozen-edge/consumer";

/** Far beyond the consumer's own limits, but not for ever: the queue would wait for the batch. */
const hangMs = 10_000;

/** Retries come soon, so that a short run sees the end of each event. */
const longestDelaySeconds = 2;

const { now } = Date;

/** @type {{ d1?: string, acknowledgements?: string, aheadMs: number, isCured: boolean }} */
let state = { aheadMs: 0, isCured: false };
Date.now = () => now() + state.aheadMs;

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The faulty databases, one for each binding, so that the consumer looks for its tables once. */
const faulty = new WeakMap();

/** @param {any} db */
function databaseOf(db) {
  const known = faulty.get(db);
  if (known !== undefined) {
    return known;
  }
  const made = {
    prepare: (/** @type {string} */ query) => db.prepare(query),
    async batch(/** @type {any[]} */ statements) {
      const fault = state.d1;
      if (fault === "throws") {
        throw new Error("D1_ERROR: asked for by the soak");
      }
      if (fault === "hangs" || fault === "is late") {
        await sleep(fault === "hangs" ? hangMs : 400);
      }
      const results = await db.batch(statements);
      if (fault === "fails after its commit") {
        throw new Error("D1_ERROR: asked for by the soak, after the commit");
      }
      return results;
    },
  };
  faulty.set(db, made);
  return made;
}

/** @type {import("cronozen-edge/consumer").DeadLetters<any>} */
const letters = deadLetters({
  queue: (env) => env.DEAD_LETTERS,
  events: (env) => env.EVENTS,
  ledger: (env) => databaseOf(env.DB),
  database: (env) => databaseOf(env.DEAD_LETTERS_DB),
  bodies: (env) => env.BODIES,
  activity: (env) => env.ACTIVITY,
});

/** @param {any} env @param {string} eventId */
function effect(env, eventId) {
  return env.DB.prepare("INSERT INTO effects (event_id) VALUES (?)").bind(eventId);
}

const consumer = consume(
  {
    /** Fails at the first attempt of one event in twenty. */
    "payment.completed": ({ eventId }, env, { attempt }) => {
      const number = Number(/\d+$/.exec(eventId)?.[0]);
      if (attempt === 1 && number % 20 === 7) {
        if (number % 40 === 7) {
          throw new Error("failed before its effect");
        }
        return [effect(env, eventId), env.DB.prepare("INSERT INTO effects (event_id) VALUES (NULL)")];
      }
      return effect(env, eventId);
    },
    "payment.failed": ({ eventId }, env) => {
      if (!state.isCured) {
        throw new NonRetryableError("the cause is not cured yet");
      }
      return effect(env, eventId);
    },
    "*": ({ eventId }, env) => effect(env, eventId),
  },
  {
    once: d1((env) => databaseOf(env.DB)),
    deadLetters: letters,
    secrets: (env) => env.CRONOZEN_SIGNING_SECRET,
    bodies: (env) => env.BODIES,
    retry: { firstSeconds: 1, maxSeconds: longestDelaySeconds, maxAttempts: 50 },
    timeoutMs: 1500,
  },
);

const answer = adminConsole({ deadLetters: letters });

const scheduled = alerts({
  deadLetters: letters,
  sinks: (/** @type {any} */ env) => [json(env.SINK_URL)],
});

/** A message whose first acknowledgement is lost, if asked for. @param {any} message @param {any} env @param {number} position */
function controlled(message, env, position) {
  const { id, timestamp, body, attempts } = message;
  return {
    id,
    timestamp,
    body,
    attempts,
    ack: () => (state.acknowledgements === "are lost" && attempts === 1 ? message.retry() : message.ack()),
    retry: ({ delaySeconds = 0 } = {}) =>
      env.DEFECT === "unhandled" && position === 0
        ? message.ack()
        : message.retry({ delaySeconds: Math.min(delaySeconds, longestDelaySeconds) }),
  };
}

export default {
  /** @param {any} batch @param {any} env @param {any} ctx */
  async queue(batch, env, ctx) {
    const isLate = state.acknowledgements === "are late";
    const messages = batch.messages.map((/** @type {any} */ message, /** @type {number} */ position) =>
      controlled(message, env, position),
    );
    await consumer({ queue: batch.queue, messages }, env, ctx);
    if (isLate) {
      await sleep(1500);
    }
  },

  /** @param {Request} request @param {any} env */
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/soak/state") {
      state = { ...state, d1: undefined, acknowledgements: undefined, .../** @type {any} */ (await request.json()) };
      return Response.json(null);
    }
    if (pathname === "/soak/collect") {
      /** @type {any} */ (globalThis).gc();
      return new Response();
    }
    if (pathname === "/soak/alerts") {
      await scheduled(undefined, env);
      return Response.json(null);
    }
    if (pathname === "/soak/sql" || pathname === "/soak/dead-letters-sql") {
      const db = pathname === "/soak/sql" ? env.DB : env.DEAD_LETTERS_DB;
      const queries = /** @type {string[]} */ (await request.json());
      const results = await db.batch(queries.map((query) => db.prepare(query)));
      return Response.json(results.map((/** @type {any} */ { results: rows }) => rows));
    }
    return answer(request, env);
  },
};
