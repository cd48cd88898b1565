// What is refused when the Worker starts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { consume, d1, kv } from "cronozen-edge/consumer";

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
    [() => consume(handlers, { ...options, retry: { maxAttempts: 1.5 } }), /expected retry/],
    [() => consume(handlers, { ...options, retry: { firstSeconds: -1 } }), /expected retry/],
    [() => consume(handlers, { ...options, retry: { firstSeconds: 2, maxSeconds: 1 } }), /expected retry/],
    [
      () => consume(handlers, { ...options, .../** @type {any} */ ({ secret: () => "" }) }),
      /options once, .+, got secret/,
    ],
    [() => consume(handlers, { ...options, retry: /** @type {any} */ ({ attempts: 1 }) }), /got retry\.attempts/],
    [() => consume(handlers, { ...options, bodies: /** @type {any} */ ("BODIES") }), /option bodies to be a function/],
    [() => consume(handlers, { ...options, onError: /** @type {any} */ (1) }), /option onError to be a function/],
    [() => consume(handlers, { ...options, timeoutMs: /** @type {any} */ ("30s") }), /option timeoutMs/],
    [() => consume(handlers, { ...options, timeoutMs: 0 }), /option timeoutMs/],
    [() => consume(handlers, { ...options, timeoutMs: 840_001 }), /option timeoutMs/],
    [() => consume(/** @type {any} */ ("ab"), options), /expected handlers/],
    [() => consume(/** @type {any} */ ([() => {}]), options), /expected handlers/],
    [() => d1(/** @type {any} */ ({ batch() {} })), /expected d1\(\) to be given a function/],
    [() => kv(/** @type {any} */ ({ get() {} })), /expected kv\(\) to be given a function/],
    [() => kv(() => /** @type {any} */ ({}), { ttlSeconds: 59 }), /expected ttlSeconds/],
  ])) {
    assert.throws(wrong, (/** @type {any} */ error) => error instanceof TypeError && expected.test(error.message));
  }
});

test("what is undefined counts as not given", () => {
  const options = { once: /** @type {const} */ (false), deadLetters: () => ({ send: async () => {} }) };
  const unset = { secrets: undefined, timeoutMs: undefined, retry: { maxAttempts: undefined } };
  consume({ "*": () => {}, "a.b": undefined }, /** @type {any} */ ({ ...options, ...unset }));
  consume({ "*": () => {} }, { ...options, retry: { maxAttempts: 101, firstSeconds: 0 }, timeoutMs: 840_000 });
});
