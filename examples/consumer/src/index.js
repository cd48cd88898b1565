// The consumer of the queue: handles each event, and keeps those that fail as dead letters.

import { consume, d1, signingSecrets } from "cronozen-edge/consumer";
import { answer } from "./admin-api.js";
import { storeDeadLetters } from "./dead-letters.js";
import { handlers } from "./handlers.js";

/**
 * @typedef {object} Env
 * @property {D1Database} DB
 * @property {Queue} EVENTS
 * @property {Queue} DEAD_LETTERS
 * @property {R2Bucket} [BODIES] if the gateway has it: see wrangler.toml
 * @property {string} CRONOZEN_SIGNING_SECRET
 * @property {string} [CRONOZEN_SIGNING_SECRET_NEXT] while a secret rotates
 * @property {string} ADMIN_TOKEN
 */

/** The name of the dead-letter queue starts with this, in every environment. */
const deadLetterQueue = "cronozen-events-dead";

const handleEvents = consume(handlers, {
  once: d1((env) => env.DB),
  deadLetters: (env) => env.DEAD_LETTERS,
  secrets: signingSecrets,
  bodies: (env) => env.BODIES,
});

/** @type {ExportedHandler<Env>} */
const consumer = {
  async queue(batch, env, context) {
    await (batch.queue.startsWith(deadLetterQueue) ? storeDeadLetters(batch, env) : handleEvents(batch, env, context));
  },
  fetch: answer,
};

export default consumer;
