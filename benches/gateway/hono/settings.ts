// The settings, read once for an environment.

import type { Deduper } from "./deduper.js";
import { Refusal } from "./refusal.js";
import { importKeys } from "./signature.js";

export interface Env {
  CRONOZEN_SIGNING_SECRET?: string;
  DEDUPE?: string;
  DEDUPE_TTL_SECONDS?: string;
  REPLAY?: string;
  MAX_BODY_BYTES?: string;
  DEADLINE_MS?: string;
  FORGET?: string;
  SEEN: KVNamespace;
  EVENTS: Queue<string>;
  DEDUPER: DurableObjectNamespace<Deduper>;
}

export interface Settings {
  keys: CryptoKey[];
  strict: boolean;
  ttlMs: number;
  refuseReplays: boolean;
  maxBodyBytes: number;
  deadlineMs: number;
  forget: Set<string>;
}

let known: { env: Env; settings: Promise<Settings> } | undefined;

/** Parsed again only for another environment than the last. */
export function settingsOf(env: Env) {
  if (known?.env !== env) {
    known = { env, settings: parse(env) };
  }
  return known.settings;
}

async function parse(env: Env): Promise<Settings> {
  const secrets = (env.CRONOZEN_SIGNING_SECRET ?? "").split(/\s+/).filter((secret) => secret !== "");
  if (secrets.length < 1 || secrets.length > 8) {
    throw new Refusal("misconfigured", `CRONOZEN_SIGNING_SECRET: expected 1 to 8 secrets, got ${secrets.length}`);
  }
  return {
    keys: await importKeys(secrets),
    strict: choice(env, "DEDUPE", ["kv", "durable-object"]) === "durable-object",
    ttlMs: number(env, "DEDUPE_TTL_SECONDS", 172_800, 2 ** 32 - 1, 2_592_000) * 1000,
    refuseReplays: choice(env, "REPLAY", ["accept", "refuse"]) === "refuse",
    maxBodyBytes: number(env, "MAX_BODY_BYTES", 1024, 127_000, 127_000),
    deadlineMs: number(env, "DEADLINE_MS", 1000, 4500, 4000),
    forget: new Set((env.FORGET ?? "").split(/[\s,]+/).filter((id) => id !== "")),
  };
}

/** The first choice is the default. */
function choice(env: Env, name: "DEDUPE" | "REPLAY", choices: [string, string]) {
  const value = env[name] ?? choices[0];
  if (!choices.includes(value)) {
    throw new Refusal("misconfigured", `${name}: expected ${choices.join(" or ")}, got another value`);
  }
  return value;
}

function number(
  env: Env,
  name: "DEDUPE_TTL_SECONDS" | "MAX_BODY_BYTES" | "DEADLINE_MS",
  min: number,
  max: number,
  byDefault: number,
) {
  const value = Number(env[name] ?? byDefault);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Refusal("misconfigured", `${name}: expected a whole number from ${min} to ${max}, got another value`);
  }
  return value;
}
