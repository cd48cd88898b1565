// The consumer of the queue: handles each event, keeps those that fail as dead letters, and answers operators.

import { console as adminConsole } from "cronozen-edge/console";
import { consume, d1, deadLetters, signingSecrets } from "cronozen-edge/consumer";
import { handlers } from "./handlers.js";

/**
 * @typedef {object} Env
 * @property {D1Database} DB
 * @property {D1Database} DEAD_LETTERS_DB
 * @property {Queue} EVENTS
 * @property {Queue} DEAD_LETTERS
 * @property {DurableObjectNamespace} [ACTIVITY]
 * @property {R2Bucket} [BODIES] if the gateway has it: see wrangler.toml
 * @property {string} CRONOZEN_SIGNING_SECRET
 * @property {string} [CRONOZEN_SIGNING_SECRET_NEXT] while a secret rotates
 * @property {string} [EVENTS_QUEUE] the name of the queue of events, if it is not cronozen-events
 * @property {string} ADMIN_TOKEN
 */

/** @type {import("cronozen-edge/consumer").DeadLetters<Env>} */
const letters = deadLetters({
  queue: (env) => env.DEAD_LETTERS,
  events: (env) => env.EVENTS,
  ledger: (env) => env.DB,
  database: (env) => env.DEAD_LETTERS_DB,
  bodies: (env) => env.BODIES,
  activity: (env) => env.ACTIVITY,
});

/** @type {ExportedHandler<Env>} */
const consumer = {
  queue: consume(handlers, {
    once: d1((env) => env.DB),
    deadLetters: letters,
    secrets: signingSecrets,
    bodies: (env) => env.BODIES,
  }),
  fetch: adminConsole({ deadLetters: letters }),
};

export default consumer;
