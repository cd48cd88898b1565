// The bodies that are verified. Node, Deno, Bun and workerd each make them from their size.

import { Buffer } from "node:buffer";

/** @typedef {import("../types.js").Description} Description */

/**
 * Returns an event of exactly `size` bytes. Nearly all of it is one string, which is quick to parse: parsing costs
 * every contender the same, and hides their differences.
 *
 * @param {Description} description
 */
export function bodyOf({ size, altered }) {
  const [start, end] = ['{"eventId":"evt_0001","type":"dpu.sealed","createdAt":"2026-11-24T07:00:00Z","text":"', '"}'];
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(size / 45 + 1);
  const body = start + text.slice(0, size - start.length - end.length) + end;
  return altered ? body.replace("fox", "fix") : body;
}

/** @type {Map<string, { text: string, bytes: Uint8Array, buffer: Buffer }>} */
const made = new Map();

/**
 * Returns the body in one of its forms: always the same object, as if it had just been read.
 *
 * @param {Description} description
 * @param {import("../types.js").Form} form
 * @param {boolean} asBuffer bytes as Node's Buffer, which some peers require
 */
export function inputOf(description, form, asBuffer) {
  const name = `${description.size} ${description.altered}`;
  let inputs = made.get(name);
  if (inputs === undefined) {
    const bytes = new TextEncoder().encode(bodyOf(description));
    // Decoded, so that it is a flat string and not a rope.
    const text = new TextDecoder().decode(bytes);
    inputs = { text, bytes, buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    made.set(name, inputs);
  }
  if (form === "string") {
    return inputs.text;
  }
  return asBuffer ? inputs.buffer : inputs.bytes;
}
