// Deliveries as the sender makes them.

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./command.mjs";

/** The gateway's default path. */
export const webhookPath = "/webhooks/cronozen";

/** Returns the gateway's path as wrangler.toml sets it. */
export function configuredPath() {
  const settings = readFileSync(join(root, "wrangler.toml"), "utf8");
  return /^\s*WEBHOOK_PATH\s*=\s*["'](.*)["']/m.exec(settings)?.[1] ?? webhookPath;
}

/**
 * The signature header's value: HMAC-SHA256 of the raw body, as lowercase hexadecimal digits.
 *
 * @param {string | Uint8Array} body
 * @param {string} secret
 */
export function sign(body, secret) {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/**
 * Posts a signed body to a gateway.
 *
 * @param {URL} url the webhook's
 * @param {string} body
 * @param {string} secret
 * @returns {Promise<{ status: number, answer: Record<string, unknown> }>}
 */
export async function deliver(url, body, secret) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-cronozen-signature": sign(body, secret) },
    body,
  });
  const answer = /** @type {Record<string, unknown>} */ (await response.json());
  return { status: response.status, answer };
}
