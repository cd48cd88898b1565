// Reads the vectors in tests/vectors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/**
 * The vectors in a file; more than ten.
 *
 * @param {string} name
 * @returns {import("../runtimes/checks.js").Vector[]}
 */
export function vectorsIn(name) {
  const { vectors } = JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8"));
  assert.ok(vectors.length > 10, "a file of few vectors tests little");
  return vectors;
}

/** What the checks of every runtime take. */
export const vectors = { signatures: vectorsIn("signatures.json"), envelopes: vectorsIn("envelopes.json") };
