// Results of handlers, and repeated events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { d1, ifNewest, ignore, kv, readDeadLetter } from "cronozen-edge/consumer";
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

for (const [times, written] of /** @type {const} */ ([
  [1, true],
  [2, false],
])) {
  test(`with kv, a marker that fails ${times} times leaves its event handled and not retried`, async () => {
    let puts = 0;
    const namespace = {
      get: async () => null,
      put: async () => {
        puts += 1;
        if (puts <= times) {
          throw new Error("refused");
        }
      },
    };
    const run = new Run({ "*": () => {} }, { once: kv(() => namespace) });
    assert.equal(await run.take(message), "acknowledged");
    assert.equal(puts, 2);
    assert.deepEqual(run.outcomes(), written ? ["handled"] : ["marker_failed", "handled"]);
  });
}

for (const [name, once] of /** @type {[string, Options["once"]][]} */ ([
  ["kv", kv(() => ({ get: async () => null, put: async () => {} }))],
  ["false", false],
])) {
  test(`with ${name}, other results of a handler are ignored`, async () => {
    for (const result of [{ success: true }, new Response(), [1], "text", 0]) {
      const run = new Run({ "*": () => /** @type {any} */ (result) }, { once });
      await run.take(message);
      assert.deepEqual(run.outcomes(), ["handled"]);
    }
  });
}

/** Has its tables already. */
const database = {
  prepare: () => statement,
  batch: async () => [{ results: [] }, { results: [{ version: 1 }] }],
};
/** @type {import("cronozen-edge/consumer").Statement} */
const statement = { bind: () => statement, all: async () => ({ results: [] }), run: async () => {} };

for (const [name, options, result] of /** @type {[string, Partial<Options>, any][]} */ ([
  ["the result of a statement that has been run, to d1", { once: d1(() => database) }, { success: true, results: [] }],
  ["a list with something else in it, to d1", { once: d1(() => database) }, [statement, null]],
  ["statements without once", {}, [statement]],
  ["an update without once", {}, ifNewest("certificate:1", /** @type {any} */ (statement))],
  ["statements to kv", { once: kv(() => ({ get: async () => null, put: async () => {} })) }, statement],
])) {
  test(`a handler that returns ${name} gets an error that says so, and is not called again`, async () => {
    const run = new Run({ "*": () => result }, options);
    assert.equal(await run.take(message), "acknowledged");
    assert.match(
      readDeadLetter(run.dead[0]?.body).reason ?? "",
      /^(handler returned something else than D1 statements|D1 statements returned without once: d1)/,
    );
  });
}

test("an ignored event is acknowledged even if D1 fails, and a forged one is still refused", async () => {
  const run = new Run({ "*": ignore }, { once: d1(() => ({ ...database, batch: async () => assert.fail("down") })) });
  assert.equal(await run.take(message), "acknowledged");
  assert.deepEqual(run.outcomes(), ["ignored_not_recorded", "ignored"]);
  await run.take(message.replace('"amount":"49.00"', '"amount":"42.00"'));
  assert.deepEqual(run.outcomes(), ["ignored_not_recorded", "ignored", "dead"]);
});
