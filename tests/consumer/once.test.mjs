// What a handler returns, and events that come again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { d1, kv, readDeadLetter } from "cronozen-edge/consumer";
import { message, Run } from "./run.mjs";

/** @typedef {import("cronozen-edge/consumer").ConsumeOptions<any>} Options */

test("with kv, an event that has been handled is a duplicate, and one that failed is not", async () => {
  /** @type {Map<string, any>} */
  const store = new Map();
  const namespace = {
    get: async (/** @type {string} */ key) => store.get(key) ?? null,
    put: async (/** @type {string} */ key, /** @type {string} */ _, /** @type {any} */ options) =>
      store.set(key, options),
  };
  let calls = 0;
  const handler = () => {
    calls += 1;
    if (calls === 1) {
      throw new Error("not yet");
    }
  };
  const run = new Run({ "*": handler }, { once: kv(() => namespace) });
  await run.take(message);
  assert.equal(store.size, 0);
  await run.take(message);
  await run.take(message);
  assert.equal(calls, 2);
  assert.deepEqual([...store], [["handled:evt_1", { expirationTtl: 5_184_000 }]]);
  assert.deepEqual(
    run.log.map(({ outcome }) => outcome),
    ["retried", "handled", "duplicate"],
  );
});

const database = {
  prepare: () => statement,
  batch: async () => {},
};
const statement = { bind: () => statement, first: async () => null, run: async () => {} };

for (const [name, options, result] of /** @type {[string, Partial<Options>, any][]} */ ([
  ["the result of a statement that has been run, to d1", { once: d1(() => database) }, { success: true, results: [] }],
  ["a list with something else in it, to d1", { once: d1(() => database) }, [statement, null]],
  ["statements to nobody", {}, [statement]],
  ["statements to kv", { once: kv(() => ({ get: async () => null, put: async () => {} })) }, statement],
])) {
  test(`a handler that returns ${name} is told so, and is not called again`, async () => {
    const run = new Run({ "*": () => result }, options);
    assert.equal(await run.take(message), "acknowledged");
    assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^expected the handler to return /);
  });
}
