// Errors when the Worker starts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { console as adminConsole } from "cronozen-edge/console";
import { consume, d1, deadLetters, ignore, kv } from "cronozen-edge/consumer";

/** @type {any} */
const consumeUntyped = consume;
/** @type {any} */
const lettersUntyped = deadLetters;
/** @type {any} */
const consoleUntyped = adminConsole;
const letters = { queue: () => undefined, events: () => undefined, ledger: () => undefined };
const options = { once: false, deadLetters: () => ({ send: async () => {} }) };
const handlers = { "*": () => {} };

for (const [name, call, message] of /** @type {[string, () => unknown, string][]} */ ([
  ["no handlers", () => consumeUntyped({}, options), "handlers missing: pass an object of functions by event type"],
  ["undefined handlers", () => consumeUntyped(undefined, options), "handlers missing"],
  ["a string of handlers", () => consumeUntyped("ab", options), "handlers missing"],
  ["a list of handlers", () => consumeUntyped([() => {}], options), "handlers missing"],
  [
    "a handler that is no function",
    () => consumeUntyped({ "payment.*": "x" }, options),
    "handler of payment.* not a function",
  ],
  [
    "a wildcard within a word",
    () => consumeUntyped({ "pay*": () => {} }, options),
    "unusable wildcard pay*: write payment.*, or * for all",
  ],
  [
    "a wildcard in front",
    () => consumeUntyped({ "*.completed": () => {} }, options),
    "unusable wildcard *.completed: write payment.*, or * for all",
  ],
  [
    "a mistyped event type beside a wildcard",
    () => consumeUntyped({ "payment.complete": () => {}, "*": ignore }, options),
    "undocumented event type payment.complete: did you mean payment.completed? A type newer than this package needs undocumented: before it",
  ],
  [
    "a mistyped wildcard",
    () => consumeUntyped({ "payments.*": () => {} }, options),
    "undocumented event type payments.*: did you mean payment.*? A",
  ],
  [
    "a type in another case",
    () => consumeUntyped({ paymentCompleted: () => {} }, options),
    "undocumented event type paymentCompleted: did you mean payment.completed? A",
  ],
  [
    "a type in capitals",
    () => consumeUntyped({ "PAYMENT.COMPLETED": () => {} }, options),
    "undocumented event type PAYMENT.COMPLETED: did you mean payment.completed? A",
  ],
  ["a short key", () => consumeUntyped({ pay: () => {} }, options), "undocumented event type pay. A"],
  [
    "a misspelt option of kv",
    () => kv(() => undefined, /** @type {any} */ ({ ttlseconds: 60 })),
    "unknown option ttlseconds: did you mean ttlSeconds?",
  ],
  ["a bare mark", () => consumeUntyped({ "undocumented:": () => {} }, options), "event type of a handler empty"],
  [
    "an event type that resembles none",
    () => consumeUntyped({ "comet.sighted": () => {} }, options),
    "undocumented event type comet.sighted. A type newer than this package needs undocumented: before it",
  ],
  [
    "two handlers of one type",
    () => consumeUntyped({ "dpu.sealed": () => {}, "undocumented:dpu.sealed": () => {} }, options),
    "two handlers of dpu.sealed",
  ],
  [
    "no options",
    () => consumeUntyped(handlers),
    "options of consume missing: pass them after the handlers, such as { once: d1(",
  ],
  ["null as options", () => consumeUntyped(handlers, null), "options of consume missing"],
  [
    "no dead-letter queue",
    () => consumeUntyped(handlers, { once: false }),
    "option deadLetters missing: write deadLetters({ ... }) or (env) => env.DEAD_LETTERS",
  ],
  [
    "a dead-letter queue that is no function",
    () => consumeUntyped(handlers, { ...options, deadLetters: {} }),
    "option deadLetters of another kind: write deadLetters({ ... }) or (env) => env.DEAD_LETTERS",
  ],
  [
    "no options of deadLetters",
    () => lettersUntyped(),
    "options of deadLetters missing: pass { queue, events, ledger }",
  ],
  ...["queue", "events", "ledger"].map((name) => [
    `deadLetters without ${name}`,
    () => lettersUntyped({ ...letters, [name]: undefined }),
    `option ${name} of deadLetters missing: write (env) => env.BINDING`,
  ]),
  [
    "a database in place of the function",
    () => lettersUntyped({ ...letters, database: {} }),
    "option database not a function",
  ],
  [
    "a misspelt option of deadLetters",
    () => lettersUntyped({ ...letters, event: () => {} }),
    "unknown option event: did",
  ],
  ["maxBytes: 0", () => lettersUntyped({ ...letters, maxBytes: 0 }), "option maxBytes out of range"],
  ...[0, 1.5, 10_081, "60"].map((lossMinutes) => [
    `lossMinutes: ${lossMinutes}`,
    () => lettersUntyped({ ...letters, lossMinutes }),
    "option lossMinutes out of range: a whole number from 1 to 10080 is expected",
  ]),
  [
    "a namespace in place of the function",
    () => lettersUntyped({ ...letters, activity: { idFromName() {} } }),
    "option activity not a function",
  ],
  ["no options of console", () => consoleUntyped(), "options of console missing: pass { deadLetters }"],
  [
    "a console with only the queue of dead letters",
    () => consoleUntyped({ deadLetters: () => undefined }),
    "option deadLetters missing or of another kind: pass what deadLetters({ ... }) returns",
  ],
  ...["console", "/", "/console/", "/con sole", ""].map((mount) => [
    `mount: "${mount}"`,
    () => consoleUntyped({ deadLetters: deadLetters(letters), mount }),
    "option mount not a path, such as /console",
  ]),
  [
    "no once",
    () => consumeUntyped(handlers, { ...options, once: undefined }),
    "option once missing or of another kind: write d1((env) => env.DB), kv(...) or false",
  ],
  ["once: true", () => consumeUntyped(handlers, { ...options, once: true }), "option once missing or of another kind"],
  [
    "a secret in place of the function",
    () => consumeUntyped(handlers, { ...options, secrets: "whsec_x" }),
    "option secrets not a function",
  ],
  [
    "a bucket in place of the function",
    () => consumeUntyped(handlers, { ...options, bodies: "BODIES" }),
    "option bodies not a function",
  ],
  ["onError: 1", () => consumeUntyped(handlers, { ...options, onError: 1 }), "option onError not a function"],
  [
    "a misspelt option",
    () => consumeUntyped(handlers, { ...options, secret: () => "" }),
    "unknown option secret: did you mean secrets?",
  ],
  [
    "an unknown option",
    () => consumeUntyped(handlers, { ...options, concurrency: 1 }),
    "unknown option concurrency (known: once, deadLetters, secrets, bodies, onError, timeoutMs, retry)",
  ],
  [
    "an unknown option of retry",
    () => consumeUntyped(handlers, { ...options, retry: { attempts: 1 } }),
    "unknown option retry.attempts",
  ],
  ["retry: 5", () => consumeUntyped(handlers, { ...options, retry: 5 }), "option retry not an object"],
  ...[0, 102, 1.5].map((maxAttempts) => [
    `${maxAttempts} attempts`,
    () => consumeUntyped(handlers, { ...options, retry: { maxAttempts } }),
    "retry.maxAttempts out of range: a whole number from 1 to 101 is expected",
  ]),
  ...[
    { firstSeconds: Number.NaN },
    { maxSeconds: 43_201 },
    { firstSeconds: -1 },
    { firstSeconds: 2, maxSeconds: 1 },
  ].map((retry) => [
    `retry: ${JSON.stringify(retry)}`,
    () => consumeUntyped(handlers, { ...options, retry }),
    "retry out of range: firstSeconds up to maxSeconds, and maxSeconds up to 43200 are expected",
  ]),
  ...[59, 1_209_601, "1 day", "86400"].map((retentionSeconds) => [
    `a retention of ${retentionSeconds}`,
    () => consumeUntyped(handlers, { ...options, retry: { retentionSeconds } }),
    "retry.retentionSeconds out of range: a number from 60 to 1209600 is expected",
  ]),
  ...["30s", 0, 840_001].map((timeoutMs) => [
    `a time-out of ${timeoutMs}`,
    () => consumeUntyped(handlers, { ...options, timeoutMs }),
    "option timeoutMs out of range: a whole number from 1 to 840000 is expected",
  ]),
  ["d1() of a database", () => d1(/** @type {any} */ ({ batch() {} })), "d1() got no function: write d1((env)"],
  ["kv() of a namespace", () => kv(/** @type {any} */ ({ get() {} })), "kv() got no function: write kv((env)"],
  [
    "a TTL that is too short",
    () => kv(() => /** @type {any} */ ({}), { ttlSeconds: 59 }),
    "ttlSeconds out of range: a whole number of at least 60 is expected",
  ],
])) {
  test(`${name} is refused when the Worker starts, and the error names the cure`, () => {
    assert.throws(call, (/** @type {any} */ error) => {
      assert.equal(error.name, "TypeError");
      assert.ok(error.message.startsWith(`cronozen-edge: ${message}`), error.message);
      return true;
    });
  });
}

test("undefined counts as not given", () => {
  const unset = { secrets: undefined, timeoutMs: undefined, retry: { maxAttempts: undefined } };
  consumeUntyped({ "*": () => {}, "payment.failed": undefined }, { ...options, ...unset });
  consumeUntyped(handlers, { ...options, retry: { maxAttempts: 101, firstSeconds: 0 }, timeoutMs: 840_000 });
});

test("documented types, their wildcards and marked new types are accepted", () => {
  const types = ["payment.failed", "payment.*", "agent.*", "agent.decision.*", "*"];
  const marked = ["undocumented:comet.sighted", "undocumented:comet.*", "undocumented:certificate.issued"];
  for (const type of [...types, ...marked]) {
    consumeUntyped({ [type]: () => {} }, options);
  }
});
