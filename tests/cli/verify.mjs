// Runs `verify` on captured requests.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { runCli } from "./cli.mjs";

export const secret = "whsec_5f1d2c7b9a8e4d31";
export const newSecret = "whsec_0a9b8c7d6e5f4a3b";
export const event = { eventId: "evt_1", type: "payment.completed", data: { to: "Zoë", amount: 49, note: "a/b <c>" } };
export const body = JSON.stringify(event);

/** @param {string | Buffer} text @param {string | Buffer} [key] @param {"hex" | "base64"} [encoding] */
export const sign = (text, key = secret, encoding = "hex") => createHmac("sha256", key).update(text).digest(encoding);

/** A request as a proxy shows it. @param {string | Buffer} text @param {string | undefined} signature @param {string[]} [headers] */
export function request(text, signature, headers = []) {
  const lines = ["POST /webhooks/cronozen HTTP/1.1", "Host: example.com", "Content-Type: application/json", ...headers];
  const own = signature === undefined ? [] : [`X-Cronozen-Signature: ${signature}`];
  return Buffer.concat([Buffer.from(`${[...lines, ...own].join("\r\n")}\r\n\r\n`), Buffer.from(text)]);
}

/**
 * @param {string[]} args
 * @param {{ input?: string | Buffer, folder?: string, secrets?: Record<string, string> }} [options]
 */
export async function verify(args, { input = "", folder, secrets = { CRONOZEN_SIGNING_SECRET: secret } } = {}) {
  const options = { input, secrets, ...(folder === undefined ? {} : { folder }) };
  const { code, stdout, stderr } = await runCli(["verify", "--json", ...args], /** @type {any} */ (options));
  assert.equal(stderr, "");
  assert.doesNotMatch(stdout, /5f1d2c7b9a8e4d31|0a9b8c7d6e5f4a3b|evt_1/);
  /** @type {{ ok: boolean, error?: string, verified: number | null, secrets: number, bytes: number, notes: string[], findings: { code: string, proof?: string, cure: string }[] }} */
  const result = JSON.parse(stdout);
  return { code, ...result, codes: result.findings?.map((finding) => finding.code) };
}
