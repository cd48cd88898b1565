// The bodies that are verified. Node, Deno, Bun and workerd make them from their size, each for itself.

import { Buffer } from "node:buffer";

/** @typedef {import("../types.js").Description} Description */

/**
 * An event of exactly `size` bytes. Nearly all of it is one text, so that the parsing of JSON, which costs
 * every contender the same, hides as little as may be of what is compared.
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
 * The same body in one of its forms; always the same object, as if it had just been read.
 *
 * @param {Description} description
 * @param {import("../types.js").Form} form
 * @param {boolean} asBuffer bytes as Node's Buffer, which some peers demand
 */
export function inputOf(description, form, asBuffer) {
  const name = `${description.size} ${description.altered}`;
  let inputs = made.get(name);
  if (inputs === undefined) {
    const bytes = new TextEncoder().encode(bodyOf(description));
    // Decoded, so that it is one flat string and no rope.
    const text = new TextDecoder().decode(bytes);
    inputs = { text, bytes, buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    made.set(name, inputs);
  }
  if (form === "string") {
    return inputs.text;
  }
  return asBuffer ? inputs.buffer : inputs.bytes;
}
