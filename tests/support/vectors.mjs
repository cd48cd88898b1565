// Reads the vectors in tests/vectors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/**
 * A message, the body that is stored for it, and what it says of its event, or, as a text, why it is refused.
 *
 * @typedef {{ name: string, message: string, body: string | null, expected: any }} MessageVector
 */

/** @param {string} name @returns {any} */
function fileOf(name) {
  const file = JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8"));
  assert.ok(file.vectors.length > 10, "a file of few vectors tests little");
  return file;
}

/**
 * The vectors in a file; more than ten.
 *
 * @param {string} name
 * @returns {import("../runtimes/checks.js").Vector[]}
 */
export function vectorsIn(name) {
  return fileOf(name).vectors;
}

/** What a consumer finds on the queue. @returns {{ secret: string, vectors: MessageVector[] }} */
export function messageVectors() {
  return fileOf("messages.json");
}

/** What the checks of every runtime take. */
export const vectors = { signatures: vectorsIn("signatures.json"), envelopes: vectorsIn("envelopes.json") };
