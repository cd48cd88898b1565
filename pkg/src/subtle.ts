// The HMACs by Web Crypto: it uses the processor's instructions, but answers only later.

import { Size } from "built/enums";
import { encoder } from "./input.ts";
import type { Keys } from "./instance.ts";

const algorithm = { name: "HMAC", hash: "SHA-256" };

/** Returns false in pages that did not come by HTTPS. */
export function hasSubtle(): boolean {
  return globalThis.crypto?.subtle !== undefined;
}

/** Returns the HMACs of a body with each of the secrets, one after the other. */
export async function macsOf(keys: Keys, body: Uint8Array): Promise<Uint8Array> {
  // Keeps the keys, and not the promise of them: Workers may not wait for what another request began.
  keys.cryptoKeys ??= await Promise.all(keys.secrets.map(importKey));
  const data = unshared(body);
  const macs = await Promise.all(keys.cryptoKeys.map((key) => crypto.subtle.sign("HMAC", key, data)));
  const joined = new Uint8Array(macs.length * Size.Hash);
  for (const [secret, mac] of macs.entries()) {
    joined.set(new Uint8Array(mac), secret * Size.Hash);
  }
  return joined;
}

function importKey(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
}

/** Copies a body if Web Crypto would refuse its memory: it takes none that is shared or can change its size. */
function unshared(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return isFixed(body) ? body : body.slice();
}

function isFixed(body: Uint8Array): body is Uint8Array<ArrayBuffer> {
  return body.buffer instanceof ArrayBuffer && !body.buffer.resizable;
}
