// Strict mode under load: one message for each event, and its cost.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { atOnce, countedByStatus, newEvent, shardOf, sleep, TestGateway } from "./gateway.mjs";

const settings = { DEDUPE: "durable-object" };

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

test("200 deliveries of one event at once are one message", async () => {
  const { eventId, body } = newEvent();
  const answers = await atOnce(200, () => gateway.deliver(body, { settings }));
  assert.deepEqual(countedByStatus(answers), { 200: 199, 202: 1 });
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

test("10,000 deliveries of one event at once are one message, and others are accepted", async (context) => {
  const { eventId, body } = newEvent();
  const { calls } = await gateway.observed();
  const first = gateway.deliver(body, { settings, faults: { send: "after 2000 ms" } });
  await gateway.called("send", 1, calls);
  const crowd = atOnce(10, () => gateway.crowd(body, 1000, { settings }));
  // These events belong to the same shard.
  const others = Array.from({ length: 2000 }, () => newEvent()).filter((o) => shardOf(o.eventId) === shardOf(eventId));
  let attempts = 0;
  const accepted = async (/** @type {{ body: string }} */ other) => {
    // Everything runs in one thread here, and a busy machine may exceed a delivery's deadline.
    for (let tries = 0; tries < 5; tries += 1) {
      attempts += 1;
      if ((await gateway.deliver(other.body, { settings })).status === 202) {
        return;
      }
    }
    assert.fail("an event of the shard was held up");
  };
  await Promise.all(others.slice(0, 20).map(accepted));
  const crowded = (await crowd).flat().map((status) => ({ status }));
  const counted = countedByStatus([await first, ...crowded]);
  context.diagnostic(`${JSON.stringify(counted)}; 20 other events took ${attempts} attempts`);
  const { 200: duplicates = 0, 202: sent = 0, 408: slow = 0, 503: refused = 0 } = counted;
  assert.equal(duplicates + sent + slow + refused, 10_001);
  // On a busy machine the send is acknowledged after the answer to its delivery.
  assert.ok(sent <= 1);
  await sleep(500);
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

test("5,000 events, 64 at a time, are 5,000 messages; an event costs one session, one row and no KV", async () => {
  const { calls: before } = await gateway.observed();
  const events = Array.from({ length: 5000 }, () => newEvent());
  const waiting = [...events];
  const work = async () => {
    for (let event = waiting.pop(); event !== undefined; event = waiting.pop()) {
      assert.equal((await gateway.deliver(event.body, { settings, faults: {} })).status, 202);
    }
  };
  await atOnce(64, work);
  const wanted = new Set(events.map(({ eventId }) => eventId));
  /** @type {string[]} */
  let received = [];
  for (let tries = 0; received.length < 5000 && tries < 100; tries += 1) {
    await sleep(100);
    const observed = await gateway.observed();
    received = observed.received.map((text) => JSON.parse(text).eventId).filter((eventId) => wanted.has(eventId));
  }
  assert.equal(received.length, 5000);
  assert.equal(new Set(received).size, 5000);

  const { calls } = await gateway.observed();
  /** @param {string} name */
  const counted = (name) => (calls[name] ?? 0) - (before[name] ?? 0);
  assert.equal(counted("acquire"), 5000);
  assert.equal(counted("object acquire"), 5000);
  assert.equal(counted("commit"), 5000, "a part of the same remote session");
  assert.equal(counted("mark"), 0);
  assert.equal(counted("send"), 5000);
  assert.equal(counted("get") + counted("put"), 0);
  // Each object has created its table, once.
  const beyond = counted("rows written") - 5000;
  assert.ok(beyond >= 0 && beyond <= 32, `${beyond} rows more than events`);
  assert.ok(counted("alarms set") <= 16);
});
