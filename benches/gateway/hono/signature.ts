// HMAC-SHA256 of the raw body, with Web Crypto.

import { Refusal } from "./refusal.js";

const algorithm = { name: "HMAC", hash: "SHA-256" };

export function importKeys(secrets: string[]) {
  const encoder = new TextEncoder();
  return Promise.all(
    secrets.map((secret) => crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["verify"])),
  );
}

/** Exactly 64 lowercase hexadecimal digits. */
const form = /^[0-9a-f]{64}$/;

export function parseSignature(value: string | undefined) {
  if (value === undefined) {
    throw new Refusal("invalid_signature", "signature header missing: expected x-cronozen-signature");
  }
  if (!form.test(value)) {
    throw new Refusal("invalid_signature", "signature malformed: expected 64 lowercase hexadecimal digits");
  }
  const bytes = new Uint8Array(32);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(value.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

/** Which key the body was signed with. Tries them all, so that the time does not tell which. */
export async function verify(body: ArrayBuffer, signature: Uint8Array<ArrayBuffer>, keys: CryptoKey[]) {
  const matches = await Promise.all(keys.map((key) => crypto.subtle.verify("HMAC", key, signature, body)));
  const key = matches.indexOf(true);
  if (key < 0) {
    throw new Refusal("invalid_signature", "signature mismatch: no active secret matches the body");
  }
  return key;
}
