// An object purges rows that have ended: in batches, by alarms that it sets itself.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newEvent, shardOf, sleep, TestGateway } from "./gateway.mjs";

const settings = { DEDUPE: "durable-object" };
const day = 24 * 60 * 60 * 1000;

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

/** @param {number} count @param {string} prefix @param {number} endsAt */
function rows(count, prefix, endsAt) {
  return Array.from({ length: count }, (_, number) => [`${prefix}${String(number).padStart(6, "0")}`, endsAt]);
}

/** Triggers the real alarm of an object now, and waits until its purge has ended. @param {number} shard */
async function purge(shard) {
  await gateway.object(shard, "wake", Date.now());
  for (let tries = 0; tries < 200; tries += 1) {
    await sleep(50);
    const state = await gateway.object(shard, "rows");
    if (state.alarm === null || state.alarm > Date.now() + day / 2) {
      return state;
    }
  }
  return assert.fail("the purge did not end");
}

test("the first event plans a purge, and the next ones do not", async () => {
  const shards = Array.from({ length: 16 }, (_, shard) => shard);
  await Promise.all(Array.from({ length: 300 }, () => gateway.deliver(newEvent().body, { settings })));
  await sleep(100);
  for (const shard of shards) {
    const { alarm, rows } = await gateway.object(shard, "rows");
    assert.ok(rows.length > 0);
    assert.ok(Math.abs(alarm - Date.now() - day) < 60_000, "a day from now");
  }
  const { calls } = await gateway.observed();
  assert.equal(calls["alarms set"], 16, "one for each object, none for an event");
});

test("a purge deletes the rows that have ended, keeps the others, and plans the next", async () => {
  const now = Date.now();
  await gateway.object(3, "insert", [...rows(500, "ended", now - 1), ...rows(500, "lives", now + day)]);
  const { calls: before } = await gateway.observed();
  const { rows: left } = await purge(3);
  const { calls } = await gateway.observed();
  assert.equal((calls["rows written"] ?? 0) - (before["rows written"] ?? 0), 500, "a purged row counts as written");
  const names = left.map((/** @type {any} */ row) => row.event_id);
  assert.equal(names.filter((/** @type {string} */ name) => name.startsWith("ended")).length, 0);
  assert.equal(names.filter((/** @type {string} */ name) => name.startsWith("lives")).length, 500);
});

test("a table of several batches is purged completely", async () => {
  const now = Date.now();
  const all = rows(25_000, "many", now - 1).map(([id], number) => [id, number % 2 === 0 ? now - 1 : now + day]);
  await gateway.object(4, "insert", all);
  const { calls: before } = await gateway.observed();
  const { rows: left } = await purge(4);
  const many = left.filter((/** @type {any} */ row) => row.event_id.startsWith("many"));
  assert.equal(many.length, 12_500);
  const { calls } = await gateway.observed();
  assert.ok((calls["alarms set"] ?? 0) - (before["alarms set"] ?? 0) >= 3, "in three batches");
});

test("a failed purge is retried, and planned by the next event if the retries fail", async () => {
  const { eventId, body } = newEvent();
  await gateway.deliver(body, { settings });
  const shard = shardOf(eventId);
  await gateway.object(shard, "failNext", "DELETE");
  await purge(shard);

  await gateway.object(shard, "failNext", "DELETE");
  assert.match(await gateway.object(shard, "purge"), /asked for by a test/);
  await gateway.object(shard, "unset");
  await sleep(50);
  assert.equal((await gateway.object(shard, "rows")).alarm, null);
  while (shardOf((await deliverAnother()).eventId) !== shard) {}
  await sleep(100);
  assert.notEqual((await gateway.object(shard, "rows")).alarm, null);
});

/** Delivers another event. */
async function deliverAnother() {
  const event = newEvent();
  await gateway.deliver(event.body, { settings });
  return event;
}

test("an object without rows plans no purge, until an event comes", async () => {
  const { rows: present } = await gateway.object(5, "rows");
  await gateway.object(
    5,
    "end",
    present.map((/** @type {any} */ row) => row.event_id),
  );
  const purged = await purge(5);
  assert.deepEqual(purged, { rows: [], alarm: null });
  while (shardOf((await deliverAnother()).eventId) !== 5) {}
  await sleep(100);
  assert.notEqual((await gateway.object(5, "rows")).alarm, null);
});
