// The gateway's settings and their limits, which crates/gateway/src/settings.rs defines.

import type { Worker } from "./workers.ts";

/** The value of `DEDUPE` for strict mode. */
export const strictMode = "durable-object";

export const limits = {
  /** 48 hours: the sender's last retry starts up to 31 h 13 min after the first attempt. */
  DEDUPE_TTL_SECONDS: { least: 172_800, most: 4_294_967_295, default: 2_592_000 },
  /** The default is what fits into a message. More goes to a bucket, and is at most what the reader of messages takes. */
  MAX_BODY_BYTES: { least: 1024, most: 1_048_576, default: 127_000 },
  /** The sender waits for 5 s. */
  DEADLINE_MS: { least: 1000, most: 4500, default: 4000 },
};

export type Limits = typeof limits;

export const defaultPath = "/webhooks/cronozen";
export const healthPath = "/healthz";

/** The port of `wrangler dev`, unless another one is chosen. */
export const localPort = 8787;

/** Returns the text of a variable. Numbers and booleans become text, as in the gateway. */
export function settingOf(worker: Worker | undefined, name: string): string | undefined {
  const value = worker?.settings.vars[name];
  return value === undefined ? undefined : String(value);
}

/** Returns the webhook's path, or nothing if `WEBHOOK_PATH` cannot be used: crates/gateway/src/configuration.rs. */
export function pathOf(gateway: Worker | undefined): string | undefined {
  const path = settingOf(gateway, "WEBHOOK_PATH") ?? defaultPath;
  const segments = path.split("/").slice(1);
  const isPlain = /^(\/[A-Za-z0-9._~-]*)+$/.test(path) && !segments.includes(".") && !segments.includes("..");
  return isPlain && path !== healthPath ? path : undefined;
}
