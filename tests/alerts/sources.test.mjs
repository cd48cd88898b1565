// Sources that are missing, fail or say nothing leave their rules as they are, and are reported.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { inspect } from "node:util";
import { minute, TestAlerts } from "./alerts.mjs";

/** @type {TestAlerts} */
let tested;
afterEach(() => tested.stop());

async function begin() {
  tested = new TestAlerts();
  await tested.begin();
}

test("without activity its rules are not watched, and the others are", async () => {
  await begin();
  delete (/** @type {any} */ (tested.letters).activity);
  tested.stop();
  const { dead, db, letters } = tested;
  tested = new TestAlerts({
    deadLetters: { ...letters, losses: async () => null, activity: () => undefined },
    quietHours: 1,
  });
  await tested.run();
  const [run] = dead.query("SELECT not_watched FROM cronozen_alert_run");
  assert.deepEqual(JSON.parse(run.not_watched), ["signatures", "failing", "misconfigured", "loss", "quiet"]);
  db.bytes = 499_000_000;
  await tested.run();
  assert.deepEqual(
    dead.query("SELECT rule FROM cronozen_incidents").map(({ rule }) => rule),
    ["ledger_full"],
  );
});

/** The sources that failed in the last run. */
const failures = () =>
  Object.keys(JSON.parse(tested.dead.query("SELECT failures FROM cronozen_alert_run")[0].failures));

test("a source over which a rule fails has failed, and the other alerts go on", async () => {
  await begin();
  Object.assign(tested.losses, { lost: 1, events: [null] });
  tested.letters.totals = async () => /** @type {any} */ ({ open: 0, bytes: 1n, maxBytes: 9n });
  tested.deliver("misconfigured", 1);
  await tested.run(minute);
  assert.deepEqual([failures(), tested.took()], [["letters", "losses"], ["opened misconfigured"]]);
});

test("without the rule loss, odd lost events are ignored", async () => {
  tested = new TestAlerts({ rules: { loss: false } });
  Object.assign(tested.losses, { lost: 1, events: [null] });
  await tested.run(minute);
  assert.deepEqual([failures(), tested.took()], [[], []]);
});

test("a source whose counts are not whole numbers has failed, and opens no alert", async () => {
  const hostile = {
    valueOf() {
      throw new Error("hostile");
    },
  };
  for (const odd of ["x", "1", 1n, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, null, [1], hostile]) {
    for (const fields of [
      { codes: { accepted: odd } },
      { codes: { misconfigured: odd, unavailable: 9 } },
      { others: { trapped: odd }, codes: { unavailable: 9 } },
      { mismatches: odd },
    ]) {
      await begin();
      const period = { at: new Date(tested.now).toISOString(), codes: {}, others: {}, mismatches: 0 };
      const periods = [period, { ...period, ...fields }];
      tested.summary = async () => /** @type {any} */ ({ periods });
      tested.losses = /** @type {any} */ ({ lost: odd, events: [] });
      tested.handle("evt_1", tested.now);
      tested.bury();
      await tested.run(minute);
      assert.deepEqual([failures(), tested.took()], [["activity", "losses"], ["opened dead_letter"]], inspect(fields));
      tested.stop();
    }
  }
});

test("a source that fails or hangs keeps its rules as they are, and is reported at the third run in a row", async () => {
  await begin();
  tested.losses.lost = 1;
  tested.deliver("misconfigured", 1);
  await tested.run(minute);
  assert.deepEqual(tested.took(), ["opened misconfigured", "opened loss"]);
  tested.letters.losses = async () => {
    throw new Error("ledger closed: https://secret.example.com/x");
  };
  tested.summary = () => new Promise(() => {});
  tested.bury();
  const started = performance.now();
  await tested.run(20 * minute);
  assert.ok(performance.now() - started < 9000, "both wait at the same time, and 5 s at most");
  assert.deepEqual(tested.took(), ["opened dead_letter"], "the others are read");
  tested.summary = async () => {
    throw new Error("object overloaded");
  };
  await tested.run();
  assert.deepEqual(tested.took(), [], "two runs");
  await tested.run();
  const [message] = tested.messages;
  assert.equal(message?.rule, "unreadable");
  assert.match(message?.text ?? "", /^Reading failed 3 times or more in a row: activity, losses\./);
  assert.deepEqual(message?.details, [
    { name: "activity", value: "Error: object overloaded" },
    { name: "losses", value: "Error: ledger closed: (URL)" },
  ]);
  assert.deepEqual(tested.took(), ["opened unreadable"]);
  await tested.run();
  assert.deepEqual(tested.open(), ["misconfigured", "loss", "dead_letter", "unreadable"], "nothing closes meanwhile");
  tested.letters.losses = async () => ({ lost: 0, events: [] });
  delete (/** @type {any} */ (tested).summary);
  tested.deliver("accepted");
  await tested.run();
  await tested.run();
  assert.deepEqual(tested.took(), ["closed misconfigured", "closed loss", "closed unreadable"]);
});

test("metrics without a count open no alert but unreadable", async () => {
  for (const metrics of [{}, 5, { backlogCount: Number.NaN }, { backlogCount: "x" }, { backlogCount: -1 }]) {
    await begin();
    tested.handle("evt_1", tested.now);
    tested.metrics = metrics;
    for (let runs = 0; runs < 5; runs += 1) {
      await tested.run();
    }
    assert.deepEqual(tested.took(), ["opened unreadable"], JSON.stringify(metrics));
    tested.stop();
  }
});

test("without the ledger's database, the other rules work, and unreadable opens at the third run", async () => {
  tested = new TestAlerts();
  tested.db.before = async () => {
    throw new Error("D1 is gone");
  };
  await tested.run();
  tested.bury();
  await tested.run();
  assert.deepEqual(tested.took(), ["opened dead_letter"]);
  await tested.run();
  assert.deepEqual(tested.messages[0]?.details, [{ name: "ledger", value: "Error: D1 is gone" }]);
  assert.deepEqual(tested.took(), ["opened unreadable"]);
});

test("an Activity without lines is reported, if events that arrived meanwhile are handled", async () => {
  await begin();
  // The line of one event may have been lost with its isolate.
  tested.handle("evt_alone", tested.now + 5 * minute - 1, 1, null, tested.now + 5 * minute);
  for (let runs = 0; runs < 5; runs += 1) {
    await tested.run();
  }
  assert.deepEqual(tested.open(), []);
  for (let passed = 0; passed < 15 * minute; passed += minute / 2) {
    tested.handle(`evt_${tested.now}`, tested.now - 1000, 1, null);
    tested.pass(minute / 2);
    if (passed % (5 * minute) === 0) {
      await tested.run(0);
    }
  }
  const [message] = tested.messages;
  assert.deepEqual(message?.details, [
    { name: "activity", value: "no line of an event that was handled: is ACTIVITY bound to the gateway?" },
  ]);
  assert.deepEqual(tested.took(), ["opened unreadable"]);
  tested.deliver("accepted");
  await tested.run();
  await tested.run();
  assert.deepEqual(tested.took(), ["closed unreadable"]);
});
