// Messages as the gateway puts them on the queue.

import { createHash } from "node:crypto";
import { sign } from "../../scripts/delivery.mjs";

/** @typedef {{ eventId: string } & Record<string, unknown>} Event */

/** The secret that everything in the tests is signed with. */
export const secret = "whsec_test";

export { sign };

/**
 * The message of an event.
 *
 * @param {Event} event
 * @param {Partial<Event>} [head] what its envelope says, if that is something else
 */
export function messageOf(event, head) {
  const body = JSON.stringify(event);
  return `${headOf({ ...event, ...head }, sign(body, secret))},"event":${body}}`;
}

/**
 * The message of an event whose body lies in R2, and the body with its key.
 *
 * @param {Event} event
 * @param {string} [signature] the right one unless told
 */
export function storedMessageOf(event, signature) {
  const body = JSON.stringify(event);
  const sha256 = createHash("sha256").update(body).digest("hex");
  const key = `bodies/${sha256}`;
  const fields = JSON.stringify({ bodyKey: key, bodySha256: sha256, bodyBytes: Buffer.byteLength(body) });
  return { message: `${headOf(event, signature ?? sign(body, secret))},${fields.slice(1)}`, body, key };
}

/** @param {Event} event @param {string} signature */
function headOf({ eventId, type, createdAt }, signature) {
  const own = { eventId, type: type ?? null, createdAt: createdAt ?? null };
  const said = { receivedAt: "2026-11-24T06:55:01.204Z", key: 0, dedupe: "new", window: "inside" };
  return JSON.stringify({ v: 1, ...own, ...said, signature }).slice(0, -1);
}
