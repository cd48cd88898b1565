// The settings, read once for an environment.

import type { Deduper } from "./deduper.js";
import { Refusal } from "./refusal.js";
import { importKeys } from "./signature.js";

export interface Env {
  CRONOZEN_SIGNING_SECRET?: string;
  CRONOZEN_SIGNING_SECRET_NEXT?: string;
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

const maxSecrets = 8;

const quoted = /^['"`]|['"`]$/;

/** Control characters, characters without width, and the character that decoders write for invalid bytes. */
const invisible = /[\p{Cc}\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2064}\u{feff}\u{fffd}]/u;

let cached: { env: Env; settings: Promise<Settings> } | undefined;

/** Returns the settings. Parses them again only if the environment has changed. */
export function settingsOf(env: Env) {
  if (cached?.env !== env) {
    cached = { env, settings: parse(env) };
  }
  return cached.settings;
}

async function parse(env: Env): Promise<Settings> {
  return {
    keys: await importKeys(secretsOf(env)),
    strict: choice(env, "DEDUPE", ["kv", "durable-object"]) === "durable-object",
    ttlMs: number(env, "DEDUPE_TTL_SECONDS", 172_800, 2 ** 32 - 1, 2_592_000) * 1000,
    refuseReplays: choice(env, "REPLAY", ["accept", "refuse"]) === "refuse",
    maxBodyBytes: number(env, "MAX_BODY_BYTES", 1024, 127_000, 127_000),
    deadlineMs: number(env, "DEADLINE_MS", 1000, 4500, 4000),
    forget: new Set((env.FORGET ?? "").split(/[\s,]+/).filter((id) => id !== "")),
  };
}

/** Returns the secrets, newest first: those of the second setting, which is optional, are newer. */
function secretsOf(env: Env) {
  const expected = `1 to ${maxSecrets} secrets separated by white space`;
  const current = secretsIn(env, "CRONOZEN_SIGNING_SECRET", expected);
  if (current.length < 1 || current.length > maxSecrets) {
    const reason = `CRONOZEN_SIGNING_SECRET: expected ${expected}, got ${current.length || "none"}`;
    throw new Refusal("misconfigured", reason);
  }
  const expectedNext = `at most ${maxSecrets} secrets, with those of CRONOZEN_SIGNING_SECRET`;
  const secrets = [...secretsIn(env, "CRONOZEN_SIGNING_SECRET_NEXT", expectedNext), ...current];
  if (secrets.length > maxSecrets) {
    const reason = `CRONOZEN_SIGNING_SECRET_NEXT: expected ${expectedNext}, got ${secrets.length}`;
    throw new Refusal("misconfigured", reason);
  }
  return secrets;
}

function secretsIn(env: Env, name: "CRONOZEN_SIGNING_SECRET" | "CRONOZEN_SIGNING_SECRET_NEXT", expected: string) {
  const secrets = (env[name] ?? "").split(/\s+/).filter((secret) => secret !== "");
  for (const secret of secrets) {
    const mistake = quoted.test(secret)
      ? "one that starts or ends with a quotation mark"
      : invisible.test(secret) && "one with an invisible character";
    if (mistake) {
      throw new Refusal("misconfigured", `${name}: expected ${expected}, got ${mistake}`);
    }
  }
  return secrets;
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
