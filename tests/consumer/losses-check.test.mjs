// The look for losses goes on where the last one ended, whatever happens meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deadLetterSchema } from "../../pkg/src/consumer/schema.ts";
import { idsOf, timeAt, World } from "./losses.mjs";

test("10,000 events are looked for in seven calls, each of at most 15 subrequests", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 10_000);
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  const lost = ids.filter((_, number) => number % 1111 === 7);
  await world.fill(ids.filter((eventId) => !lost.includes(eventId)));
  world.at(60);
  /** @type {number[]} */
  const counts = [];
  let more = true;
  for (let calls = 0; more; calls += 1) {
    assert.ok(calls < 8, "it ends");
    const { losses, subrequests } = await world.counted();
    counts.push(subrequests);
    more = losses.more;
  }
  context.diagnostic(`subrequests: ${counts.join(", ")}`);
  assert.equal(counts.length, 7);
  assert.ok(Math.max(...counts) <= 15);
  assert.deepEqual(await world.found(), [lost, 0]);
  const { subrequests } = await world.counted();
  context.diagnostic(`subrequests without new events: ${subrequests}`);
  assert.ok(subrequests <= 9);
});

test("with 1,500 missing events, no further ones are looked for, and none is skipped", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 4500);
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  world.at(60);
  const counts = [];
  const waiting = [];
  for (let calls = 0; calls < 3; calls += 1) {
    const { losses, subrequests } = await world.counted();
    counts.push(subrequests);
    waiting.push(losses.waiting);
  }
  context.diagnostic(`subrequests: ${counts.join(", ")}`);
  assert.ok(Math.max(...counts) <= 15);
  assert.deepEqual(waiting, [1500, 1500, 1500]);
  assert.equal((await world.losses()).lost, 1500);
  assert.equal((await world.losses()).more, true);
  await world.fill(ids.filter((eventId) => eventId !== "evt_4321"));
  let found = await world.losses();
  for (let calls = 0; found.more && calls < 9; calls += 1) {
    found = await world.losses();
  }
  assert.deepEqual(
    found.events.map(({ eventId }) => eventId),
    ["evt_4321"],
  );
});

test("two checks at once skip no event, and count none twice", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 5000);
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  const lost = ids.filter((_, number) => number % 250 === 3);
  await world.fill(ids.filter((eventId) => !lost.includes(eventId)));
  world.at(60);
  const positions = [];
  for (let turns = 0; turns < 4; turns += 1) {
    await Promise.all([world.look(), world.look(), world.look()]);
    const [{ position }] = await world.env.DEAD.rows("SELECT position FROM cronozen_loss_check");
    positions.push(position);
  }
  assert.deepEqual(positions, [4500, 9000, 13_500, 15_000]);
  assert.deepEqual(await world.found(), [lost, 0]);
  const rows = await world.env.DEAD.rows("SELECT event_id FROM cronozen_missing");
  assert.equal(rows.length, lost.length);
});

test("a check that is overtaken while it looks changes nothing", async (context) => {
  const world = await World.start(context);
  for (const eventId of idsOf("evt", 2500)) {
    world.activity.accept(eventId, timeAt(0));
  }
  world.at(60);
  const { DEAD } = world.env;
  // The third batch saves. Meanwhile, two others take place, and all that was missing turns up.
  DEAD.batches = 0;
  DEAD.onBatch = async (/** @type {number} */ batch) => {
    if (batch === 3) {
      DEAD.onBatch = () => {};
      await world.look();
      await world.fill(idsOf("evt", 2500));
      await world.look();
      await world.look();
    }
  };
  await world.look();
  const [{ position }] = await DEAD.rows("SELECT position FROM cronozen_loss_check");
  assert.equal(position, 7500);
  assert.deepEqual(await DEAD.rows("SELECT * FROM cronozen_missing"), []);
  assert.deepEqual(await world.found(), [[], 0]);
});

test("a check that fails at any batch skips no event", async (context) => {
  const world = await World.start(context);
  world.activity.accept("lost", timeAt(0));
  world.at(60);
  const { DB, DEAD } = world.env;
  for (const [binding, failing] of /** @type {const} */ ([
    [DEAD, 1],
    [DB, 1],
    [DEAD, 2],
    [DEAD, 3],
  ])) {
    binding.batches = 0;
    binding.onBatch = (/** @type {number} */ batch) => assert.notEqual(batch, failing, "D1 is down");
    await assert.rejects(world.losses());
    binding.onBatch = () => {};
  }
  // The last statement of the transaction fails: the first has no effect either.
  await DEAD.rows(
    "CREATE TRIGGER broken BEFORE UPDATE ON cronozen_loss_check BEGIN SELECT RAISE(ABORT, 'broken'); END",
  );
  await assert.rejects(world.losses(), /broken/);
  assert.deepEqual(await DEAD.rows("SELECT * FROM cronozen_missing"), []);
  await DEAD.rows("DROP TRIGGER broken");
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("an event that is handled while the check runs is not lost", async (context) => {
  const world = await World.start(context);
  world.activity.accept("evt", timeAt(0));
  world.at(60);
  world.backlogs.events = { backlogCount: 1 };
  const { DB } = world.env;
  DB.onBatch = async () => {
    DB.onBatch = () => {};
    await world.handle(["evt"]);
    world.backlogs.events = { backlogCount: 0 };
  };
  assert.deepEqual(await world.found(), [[], 0]);
});

test("an event that is handled just after the look at the ledger is waiting, and then handled", async (context) => {
  const world = await World.start(context);
  world.activity.accept("evt", timeAt(0));
  world.at(60);
  world.backlogs.events = { backlogCount: 1 };
  const { DB } = world.env;
  DB.afterBatch = async () => {
    DB.afterBatch = () => {};
    await world.handle(["evt"]);
    world.backlogs.events = { backlogCount: 0 };
  };
  assert.equal((await world.look()).waiting, 1);
  assert.deepEqual(await world.found(), [[], 0]);
});

test("an event is lost if two looks a minute apart do not find it", async (context) => {
  const world = await World.start(context);
  world.activity.accept("evt", timeAt(0));
  const counts = [];
  for (const [minutes, backlogCount] of /** @type {const} */ ([
    [60, 0],
    [60.9, 0],
    [61, 0],
    [62, 1],
    [63, 0],
    [64, 0],
  ])) {
    world.at(minutes);
    world.backlogs.events = { backlogCount };
    const { lost, waiting } = await world.look();
    counts.push([lost, waiting]);
  }
  // A backlog begins it anew.
  assert.deepEqual(counts, [
    [0, 1],
    [0, 1],
    [1, 0],
    [0, 1],
    [0, 1],
    [1, 0],
  ]);
});

test("the tables are made as of their first use", async (context) => {
  const world = await World.start(context);
  const { DEAD } = world.env;
  await DEAD.rows("DELETE FROM cronozen_loss_check");
  await DEAD.rows(deadLetterSchema.versions[1]?.at(-1) ?? assert.fail());
  const [{ known_to }] = await DEAD.rows("SELECT * FROM cronozen_loss_check");
  context.mock.timers.reset();
  assert.equal(new Date(known_to).toISOString(), known_to);
  assert.ok(Math.abs(Date.parse(known_to) - Date.now()) < 60_000);
});
