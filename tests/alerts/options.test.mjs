// Errors when the Worker starts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { alerts } from "cronozen-edge/alerts";
import { deadLetters } from "cronozen-edge/consumer";

/** @type {any} */
const untyped = alerts;
const letters = deadLetters({ queue: () => undefined, events: () => undefined, ledger: () => undefined });
const options = { deadLetters: letters, sinks: () => [] };

for (const [name, given, message] of /** @type {[string, unknown, string][]} */ ([
  ["no options", undefined, "options of alerts missing: pass { deadLetters, sinks }"],
  ["no dead letters", { sinks: () => [] }, "option deadLetters missing or of another kind"],
  ["a queue of dead letters", { ...options, deadLetters: () => {} }, "option deadLetters missing or of another kind"],
  ["a list of sinks", { ...options, sinks: [] }, "option sinks missing or not a function"],
  ["a misspelt option", { ...options, quiethours: 1 }, "unknown option quiethours: did you mean quietHours?"],
  ["a heartbeat that is a text", { ...options, heartbeat: "https://x" }, "option heartbeat not a function"],
  ["a console without https", { ...options, console: "http://example.com/console" }, "option console not an address"],
  ["a console that ends a link", { ...options, console: "https://example.com/>x" }, "option console not an address"],
  ["no quiet hours", { ...options, quietHours: 0 }, "option quietHours out of range: a number above 0 and at most 720"],
  ["an unknown rule", { ...options, rules: { lat: false } }, "unknown option rules.lat"],
  [
    "an unknown threshold",
    { ...options, rules: { late: { minute: 1 } } },
    "unknown option rules.late.minute: did you mean minutes?",
  ],
  ["a rule that is true", { ...options, rules: { loss: true } }, "option rules.loss neither false nor an object"],
  ["a threshold of text", { ...options, rules: { late: { minutes: "5" } } }, "option rules.late.minutes out of range"],
  ["rules that are a list", { ...options, rules: [] }, "option rules not an object"],
])) {
  test(`${name}: an error that says what to write`, () => {
    assert.throws(
      () => untyped(given),
      (error) => error instanceof TypeError && error.message.startsWith(`cronozen-edge: ${message}`),
    );
  });
}

test("all options together are accepted", () => {
  const scheduled = alerts({
    ...options,
    console: "https://edge.example.com/console/",
    heartbeat: () => "https://example.com",
    quietHours: 24,
    rules: { late: { minutes: 30 }, failing: { answers: 9, percent: 5 }, ledger_full: { maxBytes: 1e10 }, loss: false },
  });
  assert.equal(typeof scheduled, "function");
});
