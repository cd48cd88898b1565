// The number of accepted events that are found nowhere.

import assert from "node:assert/strict";
import { test } from "node:test";
import { silent } from "../support/log.mjs";
import { idsOf, timeAt, World } from "./losses.mjs";

test("without Activity, the losses are not known", async (context) => {
  for (const activity of [undefined, () => undefined]) {
    const world = await World.start(context, { activity });
    assert.equal(await world.letters.losses(world.env), null);
    assert.equal(world.letters.activity(world.env), undefined);
    context.mock.timers.reset();
  }
});

test("events that the consumer has handled are not lost", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 30);
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  await world.handle(ids);
  world.at(61);
  assert.deepEqual(await world.losses(), {
    lost: 0,
    waiting: 0,
    events: [],
    checkedTo: timeAt(1),
    notKept: 0,
    more: false,
  });
});

test("events that the queue has lost are lost after 60 minutes and not before, until they turn up", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 450);
  for (const [number, eventId] of ids.entries()) {
    world.activity.accept(eventId, timeAt(number / 100), number === 449 ? null : "payment.completed");
  }
  const lost = ids.filter((_, number) => number % 100 === 49);
  await world.fill(ids.filter((eventId) => !lost.includes(eventId)));
  for (const [minutes, found] of [
    [59, 0],
    [60.48, 0],
    [60.49, 1],
    [62.48, 2],
    [62.5, 3],
    [64.49, 5],
    [90, 5],
    [5000, 5],
  ]) {
    world.at(minutes ?? 0);
    assert.deepEqual(await world.found(), [lost.slice(0, found), 0], `after ${minutes} minutes`);
  }
  const { events } = await world.losses();
  assert.deepEqual(events[0], { eventId: "evt_49", type: "payment.completed", acceptedAt: timeAt(0.49) });
  assert.deepEqual(events[4], { eventId: "evt_449", type: null, acceptedAt: timeAt(4.49) });
  await world.handle(lost.slice(0, 3));
  assert.deepEqual(await world.found(), [lost.slice(3), 0]);
  await world.handle(lost.slice(3));
  assert.deepEqual(await world.found(), [[], 0]);
  assert.deepEqual(await world.env.DEAD.rows("SELECT * FROM cronozen_missing"), []);
});

test("lossMinutes is the time after which an event is lost", async (context) => {
  const world = await World.start(context, { lossMinutes: 5 });
  world.activity.accept("evt", timeAt(0));
  world.at(4.99);
  assert.deepEqual(await world.found(), [[], 0]);
  world.at(5);
  assert.deepEqual(await world.found(), [["evt"], 0]);
});

test("an event that was ignored, outdated, dead, redriven, erased or accepted twice is not lost", async (context) => {
  const world = await World.start(context);
  for (const eventId of [
    "ignored",
    "newest",
    "outdated",
    "dead",
    "redriven",
    "erased",
    "twice",
    "lost",
    "twice",
    "lost",
  ]) {
    world.activity.accept(eventId, timeAt(0));
  }
  await world.handle(["ignored"], "dpu.sealed");
  await world.handle(["newest"], "certificate.issued", 1, timeAt(1));
  await world.handle(["outdated"], "certificate.issued");
  await world.handle(["dead", "redriven"], "payment.failed", 11);
  await world.handle(["twice"]);
  await world.take("cronozen-events-dead", world.dead);
  await silent(() => world.letters.redrive(world.env, { ids: [2] }, "test"));
  await world.env.DB.db
    .prepare("INSERT INTO cronozen_erased (event_id, erased_at) VALUES ('erased', ?)")
    .bind(timeAt(0))
    .run();
  const outcomes = world.log.map(({ outcome }) => outcome);
  const stored = "dead_letter_stored";
  assert.deepEqual(outcomes, ["ignored", "handled", "outdated", "dead", "dead", "handled", stored, stored]);
  world.at(60);
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("what is deleted after an event was found does not make it a loss", async (context) => {
  const world = await World.start(context);
  world.activity.accept("pruned", timeAt(0));
  world.activity.accept("old", timeAt(0));
  world.activity.accept("last", timeAt(0));
  await world.handle(["pruned"], "payment.failed", 11);
  await world.handle(["old", "last"]);
  await world.take("cronozen-events-dead", world.dead);
  world.at(60);
  assert.deepEqual(await world.found(), [[], 0]);
  await world.letters.prune(world.env, { ids: [1] }, "test");
  await world.env.DB.rows("DELETE FROM cronozen_events WHERE event_id = 'old'");
  assert.deepEqual(await world.found(), [[], 0]);
  // Also if the positions are read again, because the last event is not at its position any more.
  await world.letters.erase(world.env, "last", "test");
  world.activity.accept("lost", timeAt(59));
  world.at(200);
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("an event waits while a retry is known and 60 minutes more, and is lost then", async (context) => {
  const world = await World.start(context);
  for (const eventId of ["retried", "buried", "lost"]) {
    world.activity.accept(eventId, timeAt(0));
  }
  context.mock.method(Math, "random", () => 0);
  // The first delay is of a minute, the eighth of 128.
  await world.handle(["retried"], "payment.failed", 8);
  await world.handle(["retried"], "payment.failed", 1);
  await world.handle(["buried"], "payment.failed", 11);
  assert.deepEqual(await world.env.DB.rows("SELECT * FROM cronozen_retries"), [
    { event_id: "retried", next_at: timeAt(128) },
  ]);
  for (const minutes of [60, 130, 187.99]) {
    world.at(minutes);
    assert.deepEqual(await world.found(), [["buried", "lost"], 1], `after ${minutes} minutes`);
  }
  world.at(188);
  assert.deepEqual(await world.found(), [["retried", "buried", "lost"], 0]);
  await world.handle(["retried"]);
  assert.deepEqual(await world.found(), [["buried", "lost"], 0]);
});

test("a batch whose messages fail records all of its retries with two statements", async (context) => {
  const world = await World.start(context);
  await world.handle(["first"]);
  const ids = idsOf("evt", 100);
  world.env.DB.statements = 0;
  await world.handle(ids, "payment.failed");
  assert.equal(world.env.DB.statements, 2);
  const [{ n }] = await world.env.DB.rows("SELECT count(*) AS n FROM cronozen_retries");
  assert.equal(n, 100);
  // They are forgotten a day after their time, two for each new one.
  world.at(1440 + 3);
  await world.handle(["later", "latest"], "payment.failed");
  const [{ left }] = await world.env.DB.rows("SELECT count(*) AS left FROM cronozen_retries");
  assert.equal(left, 98);
});

test("a retry that cannot be recorded fails no message, and delays the batch by a second at most", async (context) => {
  const world = await World.start(context);
  await world.handle(["first"]);
  world.env.DB.onBatch = () => assert.fail("D1 is down");
  await world.handle(["evt"], "payment.failed");
  world.env.DB.onBatch = () => new Promise(() => {});
  const started = performance.now();
  await world.handle(["evt"], "payment.failed");
  assert.ok(performance.now() - started < 4500);
  assert.deepEqual(
    world.log.slice(1).map(({ outcome, reason, messages }) => [outcome, reason, messages]),
    [
      ["retried", "Error: no luck", undefined],
      ["retries_not_recorded", "AssertionError [ERR_ASSERTION]: D1 is down", 1],
      ["retried", "Error: no luck", undefined],
      ["retries_not_recorded", "Error: timed out after 1000 ms", 1],
    ],
  );
});

test("a missing event is forgotten after 90 days", async (context) => {
  const world = await World.start(context);
  world.activity.accept("lost", timeAt(0));
  world.at(60);
  assert.deepEqual(await world.found(), [["lost"], 0]);
  world.at(90 * 1440);
  assert.deepEqual(await world.found(), [["lost"], 0]);
  world.at(90 * 1440 + 1);
  assert.deepEqual(await world.found(), [[], 0]);
  assert.deepEqual(await world.env.DEAD.rows("SELECT * FROM cronozen_missing"), []);
});

test("hostile ids are found, or lost, as they are", async (context) => {
  const world = await World.start(context);
  const quotes = `${"\\\"'".repeat(85)}x`;
  const hostile = [
    "' OR 1=1 --",
    '"},{"x":"',
    "%",
    "_",
    "ü".repeat(128),
    quotes,
    "1",
    "1.0",
    "null",
    "[1]",
    " a",
    "a ",
  ];
  const twins = ["2", "2.0", "' OR 1=1 -- ", "a", "u".repeat(128), '{"eventId":"a"}', "EVT", "evt", "💣", "\u2028"];
  for (const eventId of [...hostile, ...twins]) {
    world.activity.accept(eventId, timeAt(0), eventId);
  }
  await world.handle(hostile);
  world.at(60);
  const { events } = await world.losses();
  assert.deepEqual(
    events.map(({ eventId, type }) => [eventId, type]),
    twins.map((eventId) => [eventId, eventId]),
  );
  const again = await world.losses();
  assert.deepEqual(again.events.map(({ eventId }) => eventId).sort(), [...twins].sort());
  await world.handle(twins);
  assert.deepEqual(await world.found(), [[], 0]);
});

test("a list of the longest ids fits", async (context) => {
  const world = await World.start(context);
  const ids = Array.from({ length: 1000 }, (_, number) => `${number}`.padEnd(256, '"'));
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  world.at(60);
  assert.equal((await world.losses()).lost, 1000);
  assert.equal((await world.losses()).lost, 1000);
  await world.fill(ids);
  assert.equal((await world.losses()).lost, 0);
});
