// The backlogs of the queues: a missing event may be on one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { minute, start, timeAt, World } from "./losses.mjs";

test("events that a backlog may hold are waiting", async (context) => {
  const world = await World.start(context);
  world.activity.accept("first", timeAt(0));
  world.activity.accept("second", timeAt(10));
  world.at(100);
  for (const [events, dead, lost, waiting] of /** @type {[any, any, string[], number][]} */ ([
    [{ backlogCount: 0 }, { backlogCount: 0 }, ["first", "second"], 0],
    [{ backlogCount: 0, oldestMessageTimestamp: new Date(start) }, { backlogCount: 0 }, ["first", "second"], 0],
    [{ backlogCount: 5 }, { backlogCount: 0 }, [], 2],
    // The message is put on the queue a little after the delivery's arrival.
    [{ backlogCount: 5, oldestMessageTimestamp: new Date(start + 5000) }, { backlogCount: 0 }, [], 2],
    [{ backlogCount: 5, oldestMessageTimestamp: new Date(start + 5 * minute) }, { backlogCount: 0 }, ["first"], 1],
    [
      { backlogCount: 5, oldestMessageTimestamp: new Date(start + 12 * minute) },
      { backlogCount: 0 },
      ["first", "second"],
      0,
    ],
    // A dead letter's message is younger than the event, and may be that of any.
    [{ backlogCount: 0 }, { backlogCount: 1, oldestMessageTimestamp: new Date(start + 90 * minute) }, [], 2],
    [undefined, {}, ["first", "second"], 0],
  ])) {
    world.backlogs = { events, dead };
    assert.deepEqual(await world.found(), [lost, waiting], JSON.stringify([events, dead]));
  }
});

test("messages that are known to be retries hide no loss, and one more does", async (context) => {
  const world = await World.start(context);
  context.mock.method(Math, "random", () => 0);
  for (const eventId of ["poison", "other", "lost"]) {
    world.activity.accept(eventId, timeAt(0));
  }
  world.at(59);
  // The next attempts are 128 minutes later.
  await world.handle(["poison", "other"], "payment.failed", 8);
  world.at(61);
  const oldestMessageTimestamp = new Date(start);
  world.backlogs.events = { backlogCount: 2, oldestMessageTimestamp };
  assert.deepEqual(await world.found(), [["lost"], 2]);
  world.backlogs.events = { backlogCount: 3, oldestMessageTimestamp };
  assert.deepEqual(await world.found(), [[], 3]);
  // A copy of one was handled meanwhile, so that the message that remains may be the missing one.
  await world.handle(["other"]);
  world.backlogs.events = { backlogCount: 2, oldestMessageTimestamp };
  assert.deepEqual(await world.found(), [[], 2]);
  world.backlogs.events = { backlogCount: 1, oldestMessageTimestamp };
  assert.deepEqual(await world.found(), [["lost"], 1]);
});

test("after the longest retention of a queue, no backlog hides a loss", async (context) => {
  const world = await World.start(context);
  world.activity.accept("lost", timeAt(0));
  world.activity.accept("waiting", timeAt(1));
  for (const [events, dead] of [
    [5, 0],
    [0, 5],
  ]) {
    world.backlogs = { events: { backlogCount: events }, dead: { backlogCount: dead } };
    world.at(14 * 1440 + 60);
    assert.deepEqual(await world.found(), [[], 2]);
    world.at(14 * 1440 + 60.5);
    assert.deepEqual(await world.found(), [["lost"], 1]);
  }
});

test("a producer without metrics, or whose metrics fail, hides no loss", async (context) => {
  const world = await World.start(context, {
    queue: () => ({ send: async () => {}, metrics: async () => assert.fail("no metrics") }),
    events: () => ({ send: async () => {} }),
  });
  world.activity.accept("lost", timeAt(0));
  world.at(60);
  assert.deepEqual(await world.found(), [["lost"], 0]);
});
