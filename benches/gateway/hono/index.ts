// The same gateway in TypeScript, on Hono and Web Crypto: the baseline for the Worker in Rust. It makes the
// same promises and gives the same answers, but has no bucket for large bodies and no migration from KV.

import { type Context, Hono } from "hono";
import { Holding, readBody } from "./body.js";
import { commit } from "./commit.js";
import { readEvent } from "./event.js";
import { KvStore } from "./kv.js";
import { type Line, log } from "./log.js";
import { messageOf } from "./message.js";
import { Refusal } from "./refusal.js";
import { type Env, settingsOf } from "./settings.js";
import { ShardStore } from "./shards.js";
import { parseSignature, verify } from "./signature.js";
import { describe } from "./time.js";

export { Deduper } from "./deduper.js";

type GatewayContext = Context<{ Bindings: Env }>;

const webhookPath = "/webhooks/cronozen";

/** In characters. */
const maxLoggedType = 64;

const app = new Hono<{ Bindings: Env }>();

app.post(webhookPath, async (c) => {
  const arrived = Date.now();
  const line: Line = {
    at: new Date(arrived).toISOString(),
    outcome: "failed",
    ms: 0,
    address: c.req.header("cf-connecting-ip"),
    ray: c.req.header("cf-ray"),
  };
  try {
    const committed = await deliver(c, arrived, line);
    line.outcome = committed.outcome;
    line.code = committed.outcome;
    const doubt = committed.outcome === "accepted" ? committed.doubt : undefined;
    if (committed.outcome === "accepted") {
      line.dedupe = doubt === undefined ? "new" : "unknown";
      line.reason = doubt;
    }
    end(doubt === undefined ? "log" : "warn", line, arrived);
    c.header("cache-control", "no-store");
    return c.json({ status: line.code, eventId: line.eventId }, line.code === "accepted" ? 202 : 200);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal("unavailable", describe(error));
    line.code = refusal.code;
    line.outcome = refusal.outcome;
    line.reason = refusal.reason;
    end(refusal.level, line, arrived);
    return problem(c, refusal);
  }
});

app.all(webhookPath, (c) => {
  c.header("allow", "POST");
  return refuse(c, new Refusal("method_not_allowed", "method not allowed (allowed: POST)"));
});

app.get("/healthz", async (c) => {
  try {
    const { strict, maxBodyBytes, keys } = await settingsOf(c.env);
    const secrets = keys.length;
    c.header("cache-control", "no-store");
    return c.json({ status: "ok", dedupe: strict ? "durable-object" : "kv", maxBodyBytes, secrets });
  } catch (error) {
    return problem(c, error instanceof Refusal ? error : new Refusal("misconfigured", describe(error)));
  }
});

app.notFound((c) => refuse(c, new Refusal("not_found", "nothing is served at this path")));

async function deliver(c: GatewayContext, arrived: number, line: Line) {
  const settings = await settingsOf(c.env);
  const { deadlineMs } = settings;
  const header = c.req.header("x-cronozen-signature");
  const signature = parseSignature(header);

  const holding = new Holding();
  try {
    const body = await readBody(c.req.raw, settings.maxBodyBytes, (deadlineMs * 3) / 8, holding);
    line.bytes = body.byteLength;
    const key = await verify(body, signature, settings.keys);
    line.key = key;

    const event = readEvent(body);
    line.eventId = event.id;
    line.type = event.type?.slice(0, maxLoggedType);
    const received = { receivedAt: arrived, key, signature: header ?? "", bytes: body.byteLength };
    const message = messageOf(event, received, settings);

    const store = settings.strict ? new ShardStore(c.env.DEDUPER) : new KvStore(c.env.SEEN);
    const keep = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
    return await commit({ message, holding, arrived, deadlineMs }, { store, queue: c.env.EVENTS, keep });
  } finally {
    holding.release();
  }
}

function end(level: "log" | "warn" | "error", line: Line, arrived: number) {
  line.ms = Date.now() - arrived;
  log(level, line);
}

/** Refuses a request that is not a delivery. */
function refuse(c: GatewayContext, refusal: Refusal) {
  const { code, outcome, reason } = refusal;
  log("warn", {
    at: new Date().toISOString(),
    outcome,
    code,
    reason,
    ms: 0,
    address: c.req.header("cf-connecting-ip"),
    ray: c.req.header("cf-ray"),
  });
  return problem(c, refusal);
}

function problem(c: GatewayContext, refusal: Refusal) {
  c.header("cache-control", "no-store");
  if (refusal.code === "unavailable") {
    c.header("retry-after", "30");
  }
  return c.json(refusal.problem(), refusal.status, { "content-type": "application/problem+json" });
}

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext) {
    const answered = Promise.resolve(app.fetch(request, env, ctx));
    // A sender that resets its connection must not cancel the delivery half-way.
    ctx.waitUntil(answered);
    return answered;
  },
} satisfies ExportedHandler<Env>;
