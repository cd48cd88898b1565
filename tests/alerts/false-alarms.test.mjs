// Tests that no rule opens an incident for what only looks like a failure, and that nothing hides a failure.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { day, hour, minute, TestAlerts } from "./alerts.mjs";

/** @type {TestAlerts} */
let tested;
beforeEach(async () => {
  tested = new TestAlerts();
  await tested.begin();
});
afterEach(() => tested.stop());

test("four 5xx, or one percent of the deliveries, do not open failing", async () => {
  tested.deliver("unavailable", 4);
  await tested.run(minute);
  tested.deliver("accepted", 596);
  tested.deliver("unavailable", 2);
  await tested.run(minute);
  assert.deepEqual(tested.open(), []);
  tested.deliver("unavailable", 1);
  await tested.run(minute);
  assert.deepEqual(tested.open(), ["failing"]);
});

test("a flood of forged deliveries does not hide that all others fail", async () => {
  tested.deliver("unavailable", 500);
  tested.deliver("mismatch", 60_000);
  await tested.run(minute);
  assert.ok(tested.open().includes("failing"));
  const message = tested.messages.find(({ rule }) => rule === "failing");
  assert.match(message?.text ?? "", /^500 of 500 deliveries in the last 10 minutes were answered 5xx\./);
});

test("wrong signatures beside accepted events do not open signatures", async () => {
  tested.deliver("mismatch", 50);
  tested.deliver("duplicate");
  await tested.run(minute);
  assert.deepEqual(tested.open(), []);
  tested.deliver("mismatch", 2, tested.now + 19 * minute);
  await tested.run(20 * minute);
  assert.deepEqual(tested.open(), []);
});

test("wrong signatures within one minute do not open signatures, and those of two do, unless one is accepted", async () => {
  tested.deliver("mismatch", 1000);
  await tested.run(minute);
  assert.deepEqual(tested.open(), []);
  tested.deliver("accepted", 1);
  tested.deliver("mismatch", 3, tested.now + minute);
  await tested.run(2 * minute);
  assert.deepEqual(tested.open(), [], "one was accepted after the first");
  await tested.run(20 * minute);
  tested.deliver("accepted", 1);
  tested.deliver("mismatch", 2, tested.now + minute);
  tested.deliver("mismatch", 1, tested.now + 3 * minute);
  await tested.run();
  assert.deepEqual(tested.open(), ["signatures"], "one was accepted before the first");
});

test("a retry or a redriven dead letter is not a late first attempt", async () => {
  tested.handle("evt_retried", tested.now - hour, 7);
  tested.bury({ eventId: "evt_redriven" });
  tested.inLetters("UPDATE cronozen_dead_letters SET redriven_at = stored_at");
  tested.handle("evt_redriven", tested.now - day);
  await tested.run();
  assert.deepEqual(tested.open(), []);
  // Its dead letter has been pruned since.
  tested.handle("evt_pruned", tested.now - day);
  const at = new Date(tested.now).toISOString();
  tested.inLetters("INSERT INTO cronozen_audit (at, actor, action, details) VALUES (?, 'Ada', 'prune', '{}')", at);
  await tested.run();
  assert.deepEqual(tested.open(), []);
  tested.pass(hour);
  tested.handle("evt_late", tested.now - 16 * minute, 1, null);
  await tested.run();
  assert.deepEqual(tested.open(), ["late"], "an event without a type counts, too");
});

test("a backlog opens late if nothing happens for 15 minutes, and not if its messages are retries that wait", async () => {
  tested.handle("evt_1", tested.now);
  const at = (/** @type {number} */ ms) => new Date(tested.now + ms);
  tested.metrics = { backlogCount: 2, backlogBytes: 9, oldestMessageTimestamp: at(0) };
  await tested.run(14 * minute);
  assert.deepEqual(tested.open(), [], "14 minutes");
  tested.pass(minute);
  for (const eventId of ["evt_a", "evt_b"]) {
    tested.db.query("INSERT INTO cronozen_retries VALUES (?, ?)", eventId, at(hour).toISOString());
  }
  await tested.run(minute);
  assert.deepEqual(tested.open(), [], "both are retries");
  tested.metrics = { ...tested.metrics, backlogCount: 3 };
  const before = tested.metrics.oldestMessageTimestamp;
  tested.metrics.oldestMessageTimestamp = new Date(tested.now - minute);
  await tested.run(minute);
  assert.deepEqual(tested.open(), [], "the oldest is young");
  tested.metrics.oldestMessageTimestamp = before;
  tested.db.query(
    "INSERT INTO cronozen_ignored (event_id, type, ignored_at) VALUES ('evt_i', 'a', ?)",
    at(0).toISOString(),
  );
  await tested.run(minute);
  assert.deepEqual(tested.open(), [], "one was ignored");
  await tested.run(15 * minute);
  assert.deepEqual(tested.open(), ["late"]);
  assert.match(
    tested.messages[0]?.text ?? "",
    /^3 events wait on the queue, and none was handled or became a dead letter/,
  );
});
