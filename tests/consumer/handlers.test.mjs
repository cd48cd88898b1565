// The handler of an event, and its arguments.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readDeadLetter } from "cronozen-edge/consumer";
import { messageOf } from "../support/messages.mjs";
import { event, message, Run } from "./run.mjs";

test("a handler gets the event, the environment, the delivery, and the context", async () => {
  /** @type {any[]} */
  const calls = [];
  const run = new Run({ "payment.completed": (...args) => void calls.push(args) });
  assert.equal(await run.take(message, 3), "acknowledged");
  const receivedAt = "2026-11-24T06:55:01.204Z";
  const delivery = { receivedAt, dedupe: "new", window: "inside", key: 0, attempt: 3 };
  assert.deepEqual(calls, [[event, { name: "env" }, delivery, "context"]]);
  const [{ at, ms, ...line } = {}] = run.log;
  assert.deepEqual(line, { level: "log", outcome: "handled", attempt: 3, eventId: "evt_1", type: "payment.completed" });
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000 && ms >= 0);
});

test("the most specific handler gets the event", async () => {
  const patterns = ["agent.decision.completed", "agent.decision.*", "agent.*", "*"];
  for (let first = 0; first < patterns.length; first += 1) {
    /** @type {string[]} */
    const called = [];
    // The least specific first: the object's order does not matter.
    const names = patterns.slice(first).reverse();
    const run = new Run(Object.fromEntries(names.map((name) => [name, () => void called.push(name)])));
    await run.take(messageOf({ ...event, type: "agent.decision.completed" }));
    assert.deepEqual(called, [patterns[first]]);
  }
});

for (const [type, pattern] of [
  ["payments.completed", "payment.*"],
  ["payment", "payment.*"],
  ["payment.completed.", "payment.completed"],
  ["toString", "payment.*"],
  ["__proto__", "payment.*"],
  [undefined, "payment.*"],
]) {
  test(`${type} does not match ${pattern}, and becomes a dead letter`, async () => {
    const run = new Run({ [String(pattern)]: () => assert.fail("called") });
    assert.equal(await run.take(messageOf({ ...event, type })), "acknowledged");
    assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^no_handler/);
  });
}

test("the type is the first string of type, event and eventType, as in the gateway", async () => {
  /** @type {string[]} */
  const called = [];
  const run = new Run({ "undocumented:a.b": () => void called.push("a.b") });
  const body = { eventId: "evt_1", type: 5, event: "a.b", eventType: "c.d" };
  await run.take(messageOf(body, { type: "a.b" }));
  assert.deepEqual(called, ["a.b"]);
});
