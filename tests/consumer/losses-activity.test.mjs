// The look for losses reads each record of the accepted events once, also of an object that was emptied or fails.

import assert from "node:assert/strict";
import { test } from "node:test";
import { idsOf, timeAt, World } from "./losses.mjs";

test("an Activity that fails changes nothing", async (context) => {
  const world = await World.start(context);
  world.activity.accept("lost", timeAt(0));
  world.at(60);
  const { accepted } = world.activity;
  world.activity.accepted = async () => assert.fail("object reset");
  await assert.rejects(world.losses(), /object reset/);
  world.activity.accepted = accepted;
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("an event whose record is before older ones is looked for when its time has come", async (context) => {
  const world = await World.start(context);
  for (const [eventId, minutes] of /** @type {const} */ ([
    ["first", 0],
    ["young", 10],
    ["late", 0],
  ])) {
    world.activity.accept(eventId, timeAt(minutes));
  }
  world.at(60);
  assert.deepEqual(await world.found(), [["first"], 0]);
  world.at(70);
  assert.deepEqual(await world.found(), [["first", "late", "young"], 0]);
});

test("an Activity that was emptied is read from its start, also when it has come further than before", async (context) => {
  for (const [before, after] of /** @type {const} */ ([
    [50, 10],
    [10, 50],
    [10, 10],
    [10, 0],
  ])) {
    const world = await World.start(context);
    for (const eventId of idsOf("old", before)) {
      world.activity.accept(eventId, timeAt(0));
    }
    await world.fill(idsOf("old", before));
    world.at(60);
    assert.deepEqual(await world.found(), [[], 0]);
    world.activity.empty();
    for (const eventId of idsOf("new", after)) {
      world.activity.accept(eventId, timeAt(61));
    }
    world.at(121);
    assert.equal((await world.losses()).lost, after, `${before} events, then ${after}`);
    world.activity.accept("one_more", timeAt(121));
    world.at(181);
    assert.equal((await world.losses()).lost, after + 1);
    context.mock.timers.reset();
  }
});

test("events that were accepted before the first use are not lost, also when the positions are read again", async (context) => {
  const world = await World.start(context);
  await world.begin(timeAt(10));
  for (const eventId of idsOf("old", 250)) {
    world.activity.accept(eventId, timeAt(0));
  }
  world.activity.accept("last", timeAt(10));
  world.at(60);
  assert.deepEqual(await world.found(), [[], 0]);
  world.at(80);
  assert.deepEqual(await world.found(), [[], 0]);
  await world.letters.erase(world.env, "last", "test");
  world.activity.accept("lost", timeAt(11));
  assert.deepEqual(await world.found(), [["lost"], 0]);
  // From the first event on that counts, only the positions that were read are known.
  await world.letters.erase(world.env, "lost", "test");
  world.activity.accept("late", timeAt(11));
  assert.deepEqual(await world.found(), [["late"], 0]);
});

test("events whose records were not kept are counted once", async (context) => {
  const world = await World.start(context);
  const skipped = new Map([
    [9, 7],
    [299, 20],
    [1399, 100],
  ]);
  for (const [number, eventId] of idsOf("evt", 1500).entries()) {
    world.activity.skip(skipped.get(number) ?? 0);
    world.activity.accept(eventId, timeAt(number / 100));
  }
  await world.fill(idsOf("evt", 1500));
  const counts = [];
  for (const minutes of [60, 62, 64, 70, 75, 80]) {
    world.at(minutes);
    counts.push((await world.losses()).notKept);
  }
  assert.deepEqual(counts, [0, 7, 27, 27, 127, 127]);
});

test("events whose records were dropped before they were looked for are counted", async (context) => {
  const world = await World.start(context);
  for (const eventId of idsOf("evt", 1200)) {
    world.activity.accept(eventId, timeAt(0));
  }
  await world.fill(idsOf("evt", 1200));
  world.at(60);
  assert.equal((await world.look()).notKept, 0);
  for (const eventId of idsOf("next", 400)) {
    world.activity.accept(eventId, timeAt(60));
  }
  await world.fill(idsOf("next", 400));
  // The oldest go, and among them the last one that was looked for.
  world.activity.events.splice(0, 1350);
  world.at(120);
  const { notKept, lost, more } = await world.losses();
  assert.deepEqual([notKept, lost, more], [150, 0, false]);
});
