// Messages as the gateway puts them on the queue.

import { createHash } from "node:crypto";
import { sign } from "../../scripts/delivery.mjs";

/** @typedef {{ eventId: string } & Record<string, unknown>} Event */

/** The secret that signs everything in the tests. */
export const secret = "whsec_test";

/** The shortest valid token of the console. */
export const token = "a-token-of-thirty-two-characters";

export { sign };

/**
 * Returns the message of an event.
 *
 * @param {Event} event
 * @param {Record<string, unknown>} [fields] of the envelope that differ from the event's
 */
export function messageOf(event, fields) {
  const body = JSON.stringify(event);
  return `${envelopeOf(event, body, fields)},"event":${body}}`;
}

/**
 * Returns the message of an event whose body is in R2, and the body with its key.
 *
 * @param {Event} event
 * @param {string} [signature] by default the right one
 */
export function storedMessageOf(event, signature) {
  const body = JSON.stringify(event);
  const sha256 = createHash("sha256").update(body).digest("hex");
  const key = `bodies/${sha256}`;
  const stored = JSON.stringify({ bodyKey: key, bodySha256: sha256, bodyBytes: Buffer.byteLength(body) });
  const envelope = envelopeOf(event, body, signature === undefined ? {} : { signature });
  return { message: `${envelope},${stored.slice(1)}`, body, key };
}

/** Without its last brace. @param {Event} event @param {string} body @param {Record<string, unknown>} [fields] */
function envelopeOf({ eventId, type, createdAt }, body, fields) {
  const own = { eventId, type: type ?? null, createdAt: createdAt ?? null };
  const said = { receivedAt: "2026-11-24T06:55:01.204Z", key: 0, dedupe: "new", window: "inside" };
  return JSON.stringify({ v: 1, ...own, ...said, signature: sign(body, secret), ...fields }).slice(0, -1);
}
