// With Cloudflare's types: a consumer is a handler of queues, and its handlers know their events.

import { alerts, discord, email, json, type Sink, slack, teams } from "cronozen-edge/alerts";
import { type AccessSettings, console as adminConsole } from "cronozen-edge/console";
import {
  type CronozenEvent,
  consume,
  type DeadLetters,
  d1,
  deadLetters,
  type EventOf,
  type Handler,
  ifNewest,
  is,
  kv,
  NonRetryableError,
  readDeadLetter,
  signingSecrets,
} from "cronozen-edge/consumer";

interface Env {
  DB: D1Database;
  HANDLED: KVNamespace;
  EVENTS: Queue;
  DEAD_LETTERS: Queue;
  BODIES: R2Bucket;
  CRONOZEN_SIGNING_SECRET: string;
  CRONOZEN_SIGNING_SECRET_NEXT?: string;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertType<_ extends true>() {}

const everything: Handler<CronozenEvent, Env> = (event, env) => env.DB.prepare("").bind(event.type);

const queue = consume<Env>(
  {
    "payment.completed": async (event, env, delivery, context: ExecutionContext) => {
      assertType<Equal<typeof event.type, "payment.completed">>();
      assertType<Equal<typeof env, Env>>();
      assertType<Equal<typeof delivery.window, "inside" | "outside" | "unknown">>();
      context.waitUntil(Promise.resolve());
      return [env.DB.prepare("").bind(event.eventId, delivery.attempt)];
    },
    "payment.*": (event) => {
      assertType<Equal<typeof event.type, `payment.${string}`>>();
      if (!is(event, "payment.completed")) {
        // @ts-expect-error it need not be payment.failed: there may be new types
        const type: "payment.failed" = event.type;
        console.log(type);
      }
    },
    "agent.decision.*": (event) => {
      assertType<Equal<typeof event.type, `agent.decision.${string}`>>();
    },
    "agent.*": (event) => {
      assertType<Equal<typeof event.type, `agent.${string}`>>();
    },
    "certificate.issued": ({ createdAt }, env) => ifNewest("certificate:1", env.DB.prepare("").bind(createdAt)),
    "payment.failed": (event: EventOf<"payment.failed"> & { data: { amount: string } }, env: Env) =>
      env.DB.prepare("").bind(event.data.amount),
    "undocumented:not.known.yet": async () => {
      throw new NonRetryableError("never");
    },
    "*": everything,
  },
  {
    once: d1((env) => env.DB),
    deadLetters: (env) => env.DEAD_LETTERS,
    secrets: (env) => env.CRONOZEN_SIGNING_SECRET,
    bodies: (env) => env.BODIES,
    retry: { maxAttempts: 5 },
    timeoutMs: 1000,
    onError: (error, message) => console.error(message.id, error),
  },
);

export default {
  async queue(batch, env, ctx) {
    if (batch.queue === "cronozen-events-dead") {
      for (const message of batch.messages) {
        const { text, reason }: { text: string; reason: string | null } = readDeadLetter(message.body);
        await env.EVENTS.send(text, { contentType: "text" });
        console.log(reason);
      }
      return;
    }
    await queue(batch, env, ctx);
  },
} satisfies ExportedHandler<Env>;

export const alone = { queue } satisfies ExportedHandler<Env>;

type ConsoleEnv = Env & AccessSettings;

const letters: DeadLetters<ConsoleEnv> = deadLetters({
  queue: (env) => env.DEAD_LETTERS,
  events: (env) => env.EVENTS,
  ledger: (env) => env.DB,
  bodies: (env) => env.BODIES,
});

/** All of the package in one Worker. */
export const whole = {
  queue: consume<ConsoleEnv>({ "*": everything }, { once: d1((env) => env.DB), deadLetters: letters }),
  fetch: adminConsole({ deadLetters: letters }),
  async scheduled(_, env) {
    const { upTo } = await letters.preview(env, { upTo: Number.MAX_SAFE_INTEGER });
    const { redriven } = await letters.redrive(env, { upTo }, "cron");
    redriven.map(({ id }) => id.toFixed());
  },
} satisfies ExportedHandler<ConsoleEnv>;

interface AlertEnv extends ConsoleEnv {
  EMAIL: SendEmail;
  SLACK_URL?: string;
  HEARTBEAT_URL: string;
}

const pager: Sink = { name: "pager", send: async ({ incident, title }) => console.log(incident.toFixed(), title) };

const watched: DeadLetters<AlertEnv> = deadLetters({
  queue: (env) => env.DEAD_LETTERS,
  events: (env) => env.EVENTS,
  ledger: (env) => env.DB,
});

export const watching = {
  scheduled: alerts({
    deadLetters: watched,
    sinks: (env) => [
      slack(env.SLACK_URL),
      discord(env.SLACK_URL, { name: "discord-ops" }),
      teams(env.SLACK_URL),
      json(env.SLACK_URL),
      email(env.EMAIL, { from: "alerts@example.com", to: "ops@example.com" }),
      pager,
    ],
    console: "https://edge.example.com/console",
    heartbeat: (env) => env.HEARTBEAT_URL,
    quietHours: 24,
    rules: { late: { minutes: 30 }, ledger_full: { maxBytes: 10_000_000_000 }, loss: false },
  }),
} satisfies ExportedHandler<AlertEnv>;

// @ts-expect-error a misspelt rule would have no effect
alerts<AlertEnv>({ deadLetters: watched, sinks: () => [pager], rules: { latte: false } });

// @ts-expect-error an email needs a receiver
email({ send: async () => {} }, { from: "alerts@example.com" });

// @ts-expect-error the queue of events is missing
deadLetters<Env>({ queue: (env) => env.DEAD_LETTERS, ledger: (env) => env.DB });

// @ts-expect-error the console redrives, and needs more than the queue
adminConsole<Env>({ deadLetters: (env: Env) => env.DEAD_LETTERS });

export const weaker = consume<Env>(
  { "*": () => {} },
  { once: kv((env) => env.HANDLED, { ttlSeconds: 60 }), deadLetters: (env) => env.DEAD_LETTERS },
);

interface Payment {
  amount: string;
  currency: string;
}

/** With a payload map. */
export const typed = consume<
  Env,
  { "payment.completed": Payment; "payment.refunded": { reason: string }; "refund.made": Payment }
>(
  {
    "undocumented:refund.made": (event, env) => {
      assertType<Equal<typeof event.data, Payment>>();
      return env.DB.prepare("").bind(event.data.amount);
    },
    "payment.completed": ({ eventId, data }, env) => env.DB.prepare("").bind(eventId, data.amount),
    "payment.*": (event) => {
      if (is(event, "payment.completed")) {
        assertType<Equal<typeof event.data, Payment>>();
      } else if (is(event, "payment.refunded")) {
        assertType<Equal<typeof event.data, { reason: string }>>();
      } else {
        assertType<Equal<typeof event.data, unknown>>();
      }
    },
    "undocumented:refund.*": (event: EventOf<"refund.paid", Payment>, env) =>
      env.DB.prepare("").bind(event.data.amount),
    "undocumented:refund.later.*": (event) => {
      if (is(event, "refund.made")) {
        assertType<Equal<typeof event.data, Payment>>();
      }
    },
    "*": (event) => {
      if (is(event, "payment.completed")) {
        assertType<Equal<typeof event.data, Payment>>();
      }
    },
  },
  { once: false, deadLetters: (env) => env.DEAD_LETTERS, secrets: signingSecrets },
);

// @ts-expect-error a mistyped type would drop payments
consume<Env>({ "payment.complete": () => {}, "*": () => {} }, { once: false, deadLetters: (env) => env.DEAD_LETTERS });

// @ts-expect-error a mistyped wildcard, too
consume<Env>({ "payments.*": () => {} }, { once: false, deadLetters: (env) => env.DEAD_LETTERS });

consume<Env, { "payment.completed": Payment }>(
  // @ts-expect-error a payment has no such field
  { "payment.completed": ({ data }) => console.log(data.cents) },
  { once: false, deadLetters: (env) => env.DEAD_LETTERS },
);

// @ts-expect-error no such option
consume<Env>({ "*": () => {} }, { once: false, deadLetters: (env) => env.DEAD_LETTERS, secret: () => "" });

// @ts-expect-error a handler returns statements, or nothing
consume<Env>({ "*": (_, env) => env.DB.prepare("").run() }, { once: false, deadLetters: (env) => env.DEAD_LETTERS });

// @ts-expect-error the option deadLetters is missing
consume<Env>({ "*": () => {} }, { once: false });

// @ts-expect-error the option once is missing
consume<Env>({ "*": () => {} }, { deadLetters: (env) => env.DEAD_LETTERS });
