// The losses in the admin API.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { StubActivity } from "../consumer/activity.mjs";
import { silent } from "../support/log.mjs";
import { messageOf } from "../support/messages.mjs";
import { TestConsole } from "./console.mjs";

/** @type {TestConsole} */
let tested;
before(async () => {
  tested = await TestConsole.start();
});
after(() => tested.stop());

test("without Activity, the answer says how to bind it", async () => {
  const { status, answer } = await tested.ask("/losses");
  assert.deepEqual([status, answer.code], [404, "no_activity"]);
  assert.equal(answer.detail, "Activity not bound: add activity: (env) => env.ACTIVITY to deadLetters()");
});

test("an accepted event that is neither in the ledger nor among the dead letters is lost", async () => {
  const activity = new StubActivity();
  tested.env.ACTIVITY = activity.namespace;
  await tested.letters.letters(tested.env);
  await tested.env.DEAD.prepare("UPDATE cronozen_loss_check SET known_to = ''").run();
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  const justNow = new Date(Date.now() - 3_000_000).toISOString();
  activity.accept("evt_dead", hourAgo);
  activity.accept("evt_lost", hourAgo);
  activity.accept("evt_new", justNow);
  await tested.bury("m1", messageOf({ eventId: "evt_dead" }));
  const { answer: first } = await tested.ask("/losses");
  assert.deepEqual([first.lost, first.waiting], [0, 1]);
  await tested.env.DEAD.prepare("UPDATE cronozen_missing SET unaccounted_at = '2026-01-01T00:00:00Z'").run();
  for (const _ of ["once", "again"]) {
    const { status, answer } = await tested.ask("/losses");
    assert.equal(status, 200);
    const { checkedTo, ...losses } = answer;
    assert.deepEqual(losses, {
      lost: 1,
      waiting: 0,
      events: [{ eventId: "evt_lost", type: "payment.completed", acceptedAt: hourAgo }],
      notKept: 0,
      more: false,
    });
    assert.ok(Math.abs(Date.parse(checkedTo) - (Date.now() - 3_600_000)) < 60_000);
  }
});

test("an Activity that is down is a 503, and an unknown parameter a 400", async () => {
  assert.equal((await tested.ask("/losses?limit=1")).status, 400);
  assert.equal((await tested.post("/losses", {})).status, 405);
  const activity = new StubActivity();
  activity.accepted = async () => assert.fail("the object is down");
  tested.env.ACTIVITY = activity.namespace;
  const lines = await silent(async () => assert.equal((await tested.ask("/losses")).status, 503));
  assert.deepEqual(
    lines.map(({ outcome, path }) => [outcome, path]),
    [["unavailable", "/console/api/losses"]],
  );
});
