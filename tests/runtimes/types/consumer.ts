// With Cloudflare's types: a consumer is a handler of queues, and its handlers know their events.

import {
  type CronozenEvent,
  consume,
  d1,
  type EventOf,
  type Handler,
  ifNewest,
  kv,
  Permanent,
  readDeadLetter,
} from "cronozen-edge/consumer";

interface Env {
  DB: D1Database;
  HANDLED: KVNamespace;
  EVENTS: Queue;
  DEAD_LETTERS: Queue;
  BODIES: R2Bucket;
  SECRET: string;
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
      assertType<Equal<typeof event.type, "payment.completed" | "payment.failed">>();
    },
    "agent.decision.*": (event) => {
      assertType<Equal<typeof event.type, "agent.decision.completed">>();
    },
    "agent.*": (event) => {
      assertType<Equal<typeof event.type, "agent.decision.completed" | "agent.approval.requested">>();
    },
    "certificate.issued": ({ createdAt }, env) => ifNewest("certificate:1", env.DB.prepare("").bind(createdAt)),
    "payment.failed": (event: EventOf<"payment.failed"> & { data: { amountCents: number } }, env: Env) =>
      env.DB.prepare("").bind(event.data.amountCents),
    "not.known.yet": async () => {
      throw new Permanent("never");
    },
    "*": everything,
  },
  {
    once: d1((env) => env.DB),
    deadLetters: (env) => env.DEAD_LETTERS,
    secrets: (env) => env.SECRET,
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

export const weaker = consume<Env>(
  { "*": () => {} },
  { once: kv((env) => env.HANDLED, { ttlSeconds: 60 }), deadLetters: (env) => env.DEAD_LETTERS },
);

// @ts-expect-error a handler returns statements, or nothing
consume<Env>({ "*": (_, env) => env.DB.prepare("").run() }, { once: false, deadLetters: (env) => env.DEAD_LETTERS });

// @ts-expect-error there is nowhere to put dead letters
consume<Env>({ "*": () => {} }, { once: false });

// @ts-expect-error it is not said how an event takes effect once
consume<Env>({ "*": () => {} }, { deadLetters: (env) => env.DEAD_LETTERS });
