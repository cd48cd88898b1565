// The runs: one at a time, within its limits of time and subrequests, and after one that was broken off.

import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { json } from "cronozen-edge/alerts";
import { change } from "../../pkg/src/alerts/changes.ts";
import { silent } from "../support/log.mjs";
import { minute, TestAlerts } from "./alerts.mjs";
import { Service, stopServices } from "./service.mjs";

/** @type {TestAlerts} */
let tested;
afterEach(() => {
  tested.stop();
  stopServices();
});

test("of two runs at once, one does nothing", async () => {
  const service = await Service.start();
  tested = new TestAlerts({ sinks: () => [json(service.url)] });
  await tested.begin();
  tested.losses.lost = 1;
  tested.bury();
  // Each call of the database waits, so that the runs overlap at every step.
  tested.dead.before = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  tested.pass(5 * minute);
  await silent(() => Promise.all(Array.from({ length: 5 }, () => tested.scheduled({}, {}))));
  assert.deepEqual(service.taken.map(({ rule }) => rule).sort(), ["dead_letter", "loss"]);
  assert.equal(tested.inLetters("SELECT 1 FROM cronozen_incidents").length, 2);
});

test("two runs without a lease open one incident for a rule", async () => {
  tested = new TestAlerts();
  await tested.begin();
  const finding = { title: "t", text: "x", details: [] };
  /** @type {any} */
  const db = tested.dead;
  const due = [];
  const lines = [];
  for (const ms of [0, 1]) {
    const now = tested.now + ms;
    // The second run opens another incident after the one that is open already.
    const rules = ["loss", "late"].slice(0, ms + 1);
    const results = new Map(rules.map((rule) => [rule, finding]));
    lines.push(...(await silent(async () => due.push(await change(db, [], results, { now, sinks: ["test"] })))));
  }
  assert.deepEqual(
    tested.inLetters("SELECT rule FROM cronozen_incidents ORDER BY id").map(({ rule }) => rule),
    ["loss", "late"],
  );
  assert.equal(tested.inLetters("SELECT 1 FROM cronozen_incident_messages").length, 2);
  const logged = lines.map(({ outcome, rule }) => [outcome, rule]);
  assert.deepEqual(logged, [
    ["alert_opened", "loss"],
    ["alert_opened", "late"],
  ]);
  for (const { incident, rule } of lines) {
    assert.deepEqual(tested.inLetters("SELECT rule FROM cronozen_incidents WHERE id = ?", incident), [{ rule }]);
  }
});

test("a run that was broken off keeps the next one waiting for two minutes at most", async () => {
  tested = new TestAlerts();
  await tested.begin();
  tested.losses.lost = 1;
  let calls = 0;
  tested.dead.before = async () => {
    calls += 1;
    if (calls > 3) {
      throw new Error("D1 is gone");
    }
  };
  const [line] = await tested.run();
  assert.deepEqual([line?.outcome, line?.reason], ["alerts_failed", "Error: D1 is gone"]);
  delete tested.dead.before;
  await tested.run(119_000);
  assert.deepEqual(tested.took(), []);
  await tested.run(1000);
  assert.deepEqual(tested.took(), ["opened loss"]);
});

test("a run starts no message after 40 s: the rest waits for the next one", async () => {
  tested = new TestAlerts();
  const { send } = tested.sink;
  await tested.begin();
  tested.sink.send = async (/** @type {any} */ message) => {
    tested.pass(41_000);
    await send(message);
  };
  tested.losses.lost = 1;
  tested.bury();
  await tested.run();
  assert.equal(tested.took().length, 1);
  await tested.run();
  assert.equal(tested.took().length, 1);
});

test("a run that hangs is given up after 60 s", async () => {
  tested = new TestAlerts({ deadLetters: { totals: async () => {}, letters: () => new Promise(() => {}) } });
  tested.stop();
  mock.timers.enable({ apis: ["Date", "setTimeout"] });
  const run = silent(() => tested.scheduled({}, {}));
  mock.timers.tick(60_000);
  const [line] = await run;
  assert.equal(line?.reason, "Error: alerts timed out after 60000 ms");
});
