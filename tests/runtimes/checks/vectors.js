// The shared vectors.

import { header, same } from "./report.js";

/** @typedef {import("./report.js").Checks} Checks */

/**
 * The body of a vector.
 *
 * @param {import("../checks.js").Part[]} parts
 */
export function bytesOf(parts) {
  const pieces = parts.flatMap(({ text, hex = "", times = 1 }) => {
    const unit = text === undefined ? fromHex(hex) : new TextEncoder().encode(text);
    return Array(times).fill(unit);
  });
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** @param {string} digits */
function fromHex(digits) {
  return new Uint8Array((digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
}

/** @param {Uint8Array} bytes */
export function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** @param {Checks} report @param {import("../checks.js").Package} cronozen @param {import("../checks.js").Vector} vector */
export function checkSignature(report, { Verifier, sign }, { name, secrets, body, signature, expect }) {
  const verifier = new Verifier(secrets);
  const bytes = bytesOf(body);
  const text = textOf(bytes);
  const headers = signature === null ? {} : { "content-type": "application/json", [header]: signature };
  for (const [form, raw] of Object.entries({ bytes, buffer: bytes.buffer, text })) {
    if (raw === undefined) {
      continue;
    }
    for (const [source, value] of Object.entries({ value: signature, headers })) {
      const result = verifier.check(raw, value);
      const code = result.ok || result.code === "invalid_event" ? "signed" : result.code;
      report.equal(`${name}, ${form}, ${source}`, code, expect.ok ? "signed" : expect.error);
      report.equal(`${name}, ${form}, ${source}, matches`, verifier.matches(raw, value), expect.ok);
      if (result.ok) {
        report.equal(`${name}, ${form}, key`, result.key, expect.key);
      }
    }
    if (expect.ok) {
      report.equal(`${name}, ${form}, sign`, sign(raw, secrets[expect.key] ?? ""), signature);
    }
  }
}

/** @param {Checks} report @param {import("../checks.js").Package} cronozen @param {import("../checks.js").Vector} vector */
export function checkEnvelope(report, { Verifier }, { name, secrets, body, signature, expect }) {
  const verifier = new Verifier(secrets);
  const bytes = bytesOf(body);
  const text = textOf(bytes);
  for (const [form, raw] of Object.entries({ bytes, text })) {
    if (raw === undefined) {
      continue;
    }
    const result = verifier.check(raw, signature);
    report.equal(`${name}, ${form}`, result.ok ? "event" : result.code, expect.ok ? "event" : "invalid_event");
    if (result.ok) {
      report.equal(`${name}, ${form}, id`, result.event.eventId, expect.eventId);
      // `same` cannot compare deep ones.
      if (bytes.length < 5000) {
        report.equal(`${name}, ${form}, equal`, same(result.event, JSON.parse(String(text))), true);
      }
    } else {
      report.equal(`${name}, ${form}, status`, result.status, 400);
    }
  }
}
