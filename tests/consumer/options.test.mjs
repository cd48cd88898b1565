// What is refused when the Worker starts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { consume, ifNewest } from "cronozen-edge/consumer";

test("what is wrong with handlers and options is told at the start", () => {
  const handlers = { "*": () => {} };
  const options = { once: /** @type {const} */ (false), deadLetters: () => ({ send: async () => {} }) };
  for (const [wrong, expected] of /** @type {[() => unknown, RegExp][]} */ ([
    [() => consume({}, options), /expected handlers/],
    [() => consume(/** @type {any} */ (undefined), options), /expected handlers/],
    [() => consume({ "a.b": /** @type {any} */ ("x") }, options), /expected a function as the handler of a\.b/],
    [() => consume({ "pay*": () => {} }, options), /expected a type, a wildcard such as payment\.\*, or \*, got pay\*/],
    [() => consume({ "*.completed": () => {} }, options), /expected a type, a wildcard/],
    [() => consume(handlers, /** @type {any} */ (undefined)), /option deadLetters/],
    [() => consume(handlers, { ...options, deadLetters: /** @type {any} */ ({}) }), /option deadLetters/],
    [() => consume(handlers, { ...options, once: /** @type {any} */ (undefined) }), /option once/],
    [() => consume(handlers, { ...options, once: /** @type {any} */ (true) }), /option once/],
    [
      () => consume(handlers, { ...options, secrets: /** @type {any} */ ("whsec_x") }),
      /option secrets to be a function/,
    ],
    [() => consume(handlers, { ...options, retry: { maxAttempts: 0 } }), /expected retry/],
    [() => consume(handlers, { ...options, retry: { maxAttempts: 102 } }), /expected retry/],
    [() => consume(handlers, { ...options, retry: { firstSeconds: Number.NaN } }), /expected retry/],
    [() => consume(handlers, { ...options, retry: { maxSeconds: 43_201 } }), /expected retry/],
    [() => ifNewest("", []), /expected the entity/],
  ])) {
    assert.throws(wrong, (/** @type {any} */ error) => error instanceof TypeError && expected.test(error.message));
  }
});
