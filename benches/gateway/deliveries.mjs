// Deliveries, signed before the clock runs: whole HTTP requests, and how they are to be answered.

import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { secret } from "./server.mjs";

/** Of a hundred deliveries, spread out. */
const duplicates = 9;
const forgeries = 1;

/** The size of a body, in bytes. */
const bodyBytes = 1024;

/** @typedef {{ bytes: Buffer, status: number | undefined }} Delivery the status that it must have, if it must */

/** @param {string} eventId @param {number} [bytes] */
export function bodyOf(eventId, bytes = bodyBytes) {
  const event = { eventId, type: "payment.completed", createdAt: new Date().toISOString(), data: "" };
  const padding = bytes - JSON.stringify(event).length;
  // Like an event's own data, not one long string.
  const data = Array.from({ length: Math.ceil(padding / 32) }, (_, field) => `"field_${field}":"${field * 7919}"`);
  const text = `{${data.join(",")}}`.slice(0, Math.max(0, padding)).replaceAll('"', "'");
  return JSON.stringify({ ...event, data: text.padEnd(padding, "x") });
}

/**
 * A whole request.
 *
 * @param {string | Buffer} body
 * @param {string | undefined} signature no header without it
 * @param {{ method?: string, path?: string }} [others]
 */
export function request(body, signature, { method = "POST", path = webhookPath } = {}) {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: gateway.example",
    "Content-Type: application/json",
    "User-Agent: Cronozen-Webhooks/1.0",
    "Accept: */*",
    "CF-Connecting-IP: 203.0.113.7",
    "CF-Ray: 8c1d2e3f4a5b6c7d-FRA",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(signature === undefined ? [] : [`X-Cronozen-Signature: ${signature}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body)]);
}

let made = 0;

/**
 * The load: 90 of a hundred new, 9 seen before, 1 forged.
 *
 * @param {number} count
 * @returns {Delivery[]}
 */
export function deliveries(count) {
  return Array.from({ length: count }, (_, index) => {
    made += 1;
    // Spreads them out: 37 and 100 have no common divisor.
    const place = (index * 37) % 100;
    const seen = place < duplicates;
    const forged = !seen && place < duplicates + forgeries;
    const body = bodyOf(seen ? `evt_duplicate_${index % 50}` : `evt_${process.pid}_${made}`);
    const signature = sign(body, forged ? "whsec_wrong" : secret);
    return { bytes: request(body, signature), status: forged ? 401 : seen ? 200 : 202 };
  });
}

/** Makes what is to be a duplicate one. @returns {Delivery[]} */
export function firstDeliveries() {
  return Array.from({ length: 50 }, (_, index) => {
    const body = bodyOf(`evt_duplicate_${index}`);
    return { bytes: request(body, sign(body, secret)), status: undefined };
  });
}
