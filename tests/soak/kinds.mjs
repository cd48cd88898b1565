// The kinds of traffic: how often each comes, what it sends, and the codes that may answer it.

import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { secret } from "../support/messages.mjs";
import { maxBodyBytes } from "./world.mjs";

/**
 * Events, which are sent until they are accepted, by how often they come. Only the first attempt stalls or is reset.
 *
 * @type {Record<string, number>}
 */
export const eventKinds = {
  "good, small": 44,
  "good, large": 3,
  "repeated at once": 8,
  "repeated later": 8,
  "stalled body": 2,
  "reset in the body": 2,
  "reset after the body": 2,
};

/**
 * Requests that are sent once, by how often they come.
 *
 * @type {Record<string, number>}
 */
export const refusedKinds = {
  "no signature": 4,
  "malformed signature": 6,
  "another secret": 4,
  "another body": 4,
  "signed, not JSON": 3,
  "signed, no eventId": 3,
  "over the cap": 2,
  "another path": 2,
  "another method": 2,
};

/** The code of each request that is refused. A trap may answer `unavailable` in its place. @type {Record<string, string>} */
export const refusalCodes = {
  "no signature": "invalid_signature",
  "malformed signature": "invalid_signature",
  "another secret": "invalid_signature",
  "another body": "invalid_signature",
  "signed, not JSON": "invalid_event",
  "signed, no eventId": "invalid_event",
  "over the cap": "body_too_large",
  "another path": "not_found",
  "another method": "method_not_allowed",
};

/** One event in so many fails until its cause is cured, and is a dead letter until then. */
const poisonedEach = 40;

/** @param {string} eventId @param {number} number @param {import("./random.mjs").Random} random @param {boolean} [isLarge] */
export function eventOf(eventId, number, random, isLarge = false) {
  const type =
    number % poisonedEach === 0
      ? "payment.failed"
      : random.pick(["payment.completed", "payment.completed", "dpu.sealed", "undocumented:new.type"]);
  const data = { amount: "49.00", currency: "EUR", note: "é".repeat(random.between(0, 500)) };
  const attachment = isLarge ? "x".repeat(random.between(130_000, maxBodyBytes - 5000)) : undefined;
  return JSON.stringify({ eventId, type, createdAt: new Date().toISOString(), data, attachment });
}

/**
 * A request that is refused.
 *
 * @param {string} kind
 * @param {string} eventId of the event that it forges
 * @param {import("./random.mjs").Random} random
 * @returns {import("./ask.mjs").Asked}
 */
export function refusedRequest(kind, eventId, random) {
  const body = eventOf(eventId, 1, random);
  const signature = sign(body, secret);
  const post = (/** @type {string | undefined} */ header, text = body, changes = {}) => ({
    method: "POST",
    path: webhookPath,
    body: text,
    headers: {
      "content-type": "application/json",
      ...(header === undefined ? {} : { "x-cronozen-signature": header }),
    },
    ...changes,
  });
  switch (kind) {
    case "no signature":
      return post(undefined);
    case "malformed signature":
      return post(
        random.pick([
          "",
          signature.toUpperCase(),
          `sha256=${signature}`,
          signature.slice(1),
          `${signature}0`,
          `${signature},${signature}`,
          `t=1,v1=${signature}`,
          "z".repeat(64),
          Buffer.from(signature, "hex").toString("base64"),
        ]),
      );
    case "another secret":
      return post(sign(body, "whsec_another"));
    case "another body":
      return post(signature, body.replace("49.00", "0.01"));
    case "signed, not JSON": {
      const text = random.pick(["", "[]", body.slice(0, -1), `${body}{}`, "null", '"evt"', "{"]);
      return post(sign(text, secret), text);
    }
    case "signed, no eventId": {
      const text = random.pick(['{"id":"evt_1"}', '{"eventId":1}', '{"eventId":""}', '{"eventId":"a\\u0000"}']);
      return post(sign(text, secret), text);
    }
    case "over the cap":
      // The length alone refuses it: the body is withheld, because the gateway does not read it.
      return post(signature, "x".repeat(maxBodyBytes + 1), { cut: { at: "half" } });
    case "another path":
      return post(signature, body, { path: random.pick(["/", "/webhooks/cronozen/", "/webhooks", "/.env"]) });
    default:
      return post(signature, body, { method: random.pick(["GET", "PUT", "DELETE"]) });
  }
}
