// The shared vectors of queue messages, through the helper.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readDeadLetter } from "cronozen-edge/consumer";
import { messageVectors } from "../support/vectors.mjs";
import { Run } from "./run.mjs";

const { secret, vectors } = messageVectors();

/** The beginning of a dead letter's reason, where it is not the code. @type {Record<string, string>} */
const beginnings = { signature_malformed: "signature malformed: ", signature_mismatch: "signature mismatch: " };

/** @param {import("../support/vectors.mjs").MessageVector} vector */
async function take({ message, body }) {
  /** @type {any[]} */
  const calls = [];
  const bytes = Buffer.from(body ?? "");
  const object = { size: bytes.length, arrayBuffer: async () => Uint8Array.from(bytes).buffer };
  /** @type {string[]} */
  const keys = [];
  const get = async (/** @type {string} */ key) => {
    keys.push(key);
    return object;
  };
  const run = new Run(
    { "*": (event, _, delivery) => void calls.push({ event, delivery }) },
    { secrets: () => secret, bodies: () => ({ get, delete: () => assert.fail("deleted") }) },
  );
  assert.equal(await run.take(message), "acknowledged");
  return { calls, keys, dead: run.dead.map(({ body }) => readDeadLetter(body)) };
}

for (const vector of vectors) {
  test(vector.name, async () => {
    const { expected } = vector;
    const { calls, keys, dead } = await take(vector);
    if (typeof expected === "string") {
      assert.deepEqual(calls, []);
      const [{ reason, text } = assert.fail("there is no dead letter")] = dead;
      assert.ok(reason?.startsWith(beginnings[expected] ?? `${expected}: `), `${expected}, not ${reason}`);
      assert.equal(text, vector.message);
      return;
    }
    assert.deepEqual(dead, []);
    const { receivedAt, key, dedupe, window, bodyKey } = expected;
    const delivery = { receivedAt, key, dedupe, window, attempt: 1 };
    assert.deepEqual(calls, [{ event: JSON.parse(expected.event), delivery }]);
    assert.deepEqual(keys, bodyKey === null ? [] : [bodyKey]);
  });
}

test("there are vectors of both kinds", () => {
  const good = vectors.filter(({ expected }) => typeof expected === "object").length;
  assert.ok(good > 10 && vectors.length - good > 10);
});
