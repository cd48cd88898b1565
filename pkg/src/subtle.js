// The HMACs by Web Crypto: it uses the processor's instructions, but answers only later.

/** @typedef {import("./instance.js").Keys} Keys */

const algorithm = { name: "HMAC", hash: "SHA-256" };
const encoder = new TextEncoder();

/** Pages that did not come by HTTPS have none. */
export function hasSubtle() {
  return typeof globalThis.crypto?.subtle?.sign === "function";
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
  const [first] = macs;
  return macs.length === 1 && first !== undefined ? new Uint8Array(first) : joined(macs);
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

/** @param {ArrayBuffer[]} parts */
function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return bytes;
}
