// Takes events from the queue, keeps those that fail as dead letters, and serves the operators.

import { alerts, slack } from "cronozen-edge/alerts";
import { console as adminConsole } from "cronozen-edge/console";
import { consume, d1, deadLetters, signingSecrets } from "cronozen-edge/consumer";
import type { Env } from "./env.ts";
import { handlers } from "./handlers.ts";

const letters = deadLetters({
  queue: (env: Env) => env.DEAD_LETTERS,
  events: (env) => env.EVENTS,
  ledger: (env) => env.DB,
  database: (env) => env.DEAD_LETTERS_DB,
  activity: (env) => env.ACTIVITY,
});

export default {
  queue: consume(handlers, { once: d1((env) => env.DB), deadLetters: letters, secrets: signingSecrets }),
  fetch: adminConsole({ deadLetters: letters }),
  scheduled: alerts({
    deadLetters: letters,
    sinks: (env) => (env.SLACK_URL ? [slack(env.SLACK_URL)] : []),
  }),
};
