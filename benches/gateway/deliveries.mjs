// Deliveries, signed before the timing: whole HTTP requests, and their expected statuses.

import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { secret } from "./server.mjs";

/** The numbers out of a hundred deliveries. */
const duplicates = 9;
const forgeries = 1;

/** The size of a body, in bytes. */
const bodyBytes = 1024;

/** @typedef {{ bytes: Buffer, status: number | undefined }} Delivery `status` is the expected one, if there is one */

/** @param {string} eventId @param {number} [bytes] */
export function bodyOf(eventId, bytes = bodyBytes) {
  const event = { eventId, type: "payment.completed", createdAt: new Date().toISOString(), data: "" };
  const padding = bytes - JSON.stringify(event).length;
  // One string, but its text varies like an event's data.
  const data = Array.from({ length: Math.ceil(padding / 32) }, (_, field) => `"field_${field}":"${field * 7919}"`);
  const text = `{${data.join(",")}}`.slice(0, Math.max(0, padding)).replaceAll('"', "'");
  return JSON.stringify({ ...event, data: text.padEnd(padding, "x") });
}

/**
 * A whole request.
 *
 * @param {string | Buffer} body
 * @param {string | undefined} signature no header if undefined
 * @param {{ method?: string, path?: string, address?: string }} [others]
 */
export function request(body, signature, { method = "POST", path = webhookPath, address = "203.0.113.7" } = {}) {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: gateway.example",
    "Content-Type: application/json",
    "User-Agent: Cronozen-Webhooks/1.0",
    "Accept: */*",
    `CF-Connecting-IP: ${address}`,
    "CF-Ray: 8c1d2e3f4a5b6c7d-FRA",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(signature === undefined ? [] : [`X-Cronozen-Signature: ${signature}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body)]);
}

let deliveryNumber = 0;

/**
 * Returns the load: of a hundred events, 90 are new, 9 are duplicates and 1 is forged.
 *
 * @param {number} count
 * @returns {Delivery[]}
 */
export function deliveries(count) {
  return Array.from({ length: count }, (_, index) => {
    deliveryNumber += 1;
    // Spreads the kinds out: 37 and 100 have no common divisor.
    const place = (index * 37) % 100;
    const seen = place < duplicates;
    const forged = !seen && place < duplicates + forgeries;
    const body = bodyOf(seen ? `evt_duplicate_${index % 50}` : `evt_${process.pid}_${deliveryNumber}`);
    const signature = sign(body, forged ? "whsec_wrong" : secret);
    return { bytes: request(body, signature), status: forged ? 401 : seen ? 200 : 202 };
  });
}

/** Returns the first deliveries of the events that the load repeats. @returns {Delivery[]} */
export function firstDeliveries() {
  return Array.from({ length: 50 }, (_, index) => {
    const body = bodyOf(`evt_duplicate_${index}`);
    return { bytes: request(body, sign(body, secret)), status: undefined };
  });
}
