// Strict mode under load: what is queued once, and what an event costs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { atOnce, countedByStatus, newEvent, sleep, TestGateway } from "./gateway.mjs";

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

test("5,000 events, 64 at a time, are 5,000 messages; an event costs one call, one row and no KV", async () => {
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
  assert.equal(counted("commit"), 5000);
  assert.equal(counted("object commit"), 5000);
  assert.equal(counted("send"), 5000);
  assert.equal(counted("get") + counted("put"), 0);
  // Each object has created its table, once.
  const beyond = counted("rows written") - 5000;
  assert.ok(beyond >= 0 && beyond <= 32, `${beyond} rows more than events`);
  assert.ok(counted("alarms set") <= 16);
});
