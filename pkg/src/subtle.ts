// The HMACs by Web Crypto: it uses the processor's instructions, but answers only later.

import { encoder, hashBytes } from "./input.js";

/** @typedef {import("./instance.js").Keys} Keys */

const algorithm = { name: "HMAC", hash: "SHA-256" };

/** Pages that did not come by HTTPS have none. */
export function hasSubtle() {
  return globalThis.crypto?.subtle !== undefined;
}

/**
 * The HMACs of a body with each of the secrets, one after the other.
 *
 * @param {Keys} keys
 * @param {Uint8Array} body
 */
export async function macsOf(keys, body) {
  // The keys are kept, and not the promise of them: Workers may not wait for what another request began.
  keys.cryptoKeys ??= await Promise.all(keys.secrets.map(importKey));
  const macs = await Promise.all(keys.cryptoKeys.map((key) => crypto.subtle.sign("HMAC", key, accepted(body))));
  const joined = new Uint8Array(macs.length * hashBytes);
  for (const [secret, mac] of macs.entries()) {
    joined.set(new Uint8Array(mac), secret * hashBytes);
  }
  return joined;
}

/** @param {string} secret */
function importKey(secret) {
  return crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
}

/**
 * Web Crypto takes no memory that is shared or changes its size.
 *
 * @param {Uint8Array} body
 * @returns {Uint8Array<ArrayBuffer>}
 */
function accepted(body) {
  const { buffer } = /** @type {Uint8Array<any>} */ (body);
  const taken = buffer instanceof ArrayBuffer && !(/** @type {any} */ (buffer).resizable);
  return /** @type {Uint8Array<ArrayBuffer>} */ (taken ? body : body.slice());
}
