// Only for `npm start`: the starter's Worker, with retries after a second and three more types of events.

import { consume, d1, type Handlers, signingSecrets } from "cronozen-edge/consumer";
import type { Env } from "../examples/starter/src/env.ts";
import { handlers } from "../examples/starter/src/handlers.ts";
import starter from "../examples/starter/src/index.ts";

export { Activity, Deduper } from "cronozen-edge/worker";

const maxAttempts = 3;

/** The events that have failed for good. */
const failed = new Set<string>();

const demonstrated: Handlers<Env> = {
  "undocumented:demo.works": () => {},

  "undocumented:demo.fails_twice": (_event, _env, { attempt }) => {
    if (attempt < maxAttempts) {
      throw new Error("fails twice");
    }
  },

  "undocumented:demo.fails": ({ eventId }, _env, { attempt }) => {
    if (failed.has(eventId)) {
      return;
    }
    if (attempt === maxAttempts) {
      failed.add(eventId);
    }
    throw new Error("fails until redriven");
  },
};

const handleEvents = consume<Env>(
  { ...handlers, ...demonstrated },
  {
    once: d1((env) => env.DB),
    deadLetters: (env) => env.DEAD_LETTERS,
    secrets: signingSecrets,
    retry: { maxAttempts, firstSeconds: 1, maxSeconds: 1 },
  },
);

export default {
  ...starter,

  queue(batch: MessageBatch, env: Env, context: ExecutionContext) {
    return batch.queue === "cronozen-events" ? handleEvents(batch, env, context) : starter.queue(batch, env, context);
  },
};
