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

const mismatch =
  "signature mismatch: no active secret matches the body. Usual causes: another secret, another registration's " +
  "secret, a body that was parsed and serialised again, an added newline " +
  "(see 'When a signature does not match' in the README of the npm package cronozen-edge)";

export function parseSignature(value: string | undefined) {
  if (value === undefined) {
    throw new Refusal("invalid_signature", "signature header missing: expected x-cronozen-signature");
  }
  if (!form.test(value)) {
    const reason = `signature malformed: ${mistakeIn(value)} (64 lowercase hexadecimal digits are expected)`;
    throw new Refusal("invalid_signature", reason);
  }
  const bytes = new Uint8Array(32);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(value.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

/** Returns the mistake in a malformed value. */
function mistakeIn(value: string) {
  if (value.length === 64) {
    const position = value.search(/[^0-9a-f]/i);
    return position < 0 ? "upper-case hexadecimal digits" : `invalid character at position ${position}`;
  }
  if (isBase64(value)) {
    return "base64 of 32 bytes";
  }
  if (/^[\s"'`]*[0-9a-f]{64}[\s"'`]*$/i.test(value)) {
    return "surrounded by white space or quotation marks";
  }
  const [, afterPrefix = ""] = /^[^=]*=(.*)$/s.exec(value) ?? [];
  if (/^[0-9a-f]{64}$/i.test(afterPrefix) || isBase64(afterPrefix)) {
    return "starts with a prefix such as sha256=";
  }
  return value === "" ? "empty" : `${value.length} bytes`;
}

/** Returns true for 32 bytes in base64 or base64url. Hexadecimal digits alone are rather a truncated signature. */
function isBase64(value: string) {
  return /^[\w+/-]{43}=?$/.test(value) && !/^[0-9a-f]+=?$/i.test(value);
}

/** Returns the index of the key that signed the body. Tries all keys, so that the time does not reveal it. */
export async function verify(body: ArrayBuffer, signature: Uint8Array<ArrayBuffer>, keys: CryptoKey[]) {
  const matches = await Promise.all(keys.map((key) => crypto.subtle.verify("HMAC", key, signature, body)));
  const key = matches.indexOf(true);
  if (key < 0) {
    throw new Refusal("invalid_signature", mismatch);
  }
  return key;
}
