// Deliveries as the sender makes them.

import { createHmac } from "node:crypto";

/** The gateway's default path. */
export const webhookPath = "/webhooks/cronozen";

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
