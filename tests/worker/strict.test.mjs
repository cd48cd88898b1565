// Strict mode: each event is committed in one Durable Object, one flight at a time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sign } from "../../scripts/delivery.mjs";
import { newEvent, placeOf, promise, readAll, secret, sleep, TestGateway } from "./gateway.mjs";

const settings = { DEDUPE: "durable-object" };
const shortDeadline = { ...settings, DEADLINE_MS: "1000" };

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

/** The row of an event, in its object. @param {string} eventId */
async function row(eventId) {
  const { rows } = await gateway.object(placeOf(eventId), "rows");
  return rows.find((/** @type {any} */ row) => row.event_id === eventId);
}

/** @param {import("./gateway.mjs").Answered[]} answers */
function countedByStatus(answers) {
  /** @type {Record<number, number>} */
  const counted = {};
  for (const { status } of answers) {
    counted[status] = (counted[status] ?? 0) + 1;
  }
  return counted;
}

/** @template T @param {number} times @param {() => Promise<T>} work */
function atOnce(times, work) {
  return Promise.all(Array.from({ length: times }, work));
}

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

test("a delivery that comes while the event is sent waits for it, and is a duplicate", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "after 1000 ms" });
  const started = performance.now();
  const answers = await atOnce(10, () => gateway.deliver(body, { settings }));
  assert.deepEqual(countedByStatus(answers), { 200: 9, 202: 1 });
  assert.ok(performance.now() - started >= 1000, "no 2xx before the queue has acknowledged");
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("a send that fails is a 503 for all that wait, and leaves no row", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "fails after 500 ms" });
  const answers = await atOnce(50, () => gateway.deliver(body, { settings }));
  assert.deepEqual(countedByStatus(answers), { 503: 50 });
  assert.equal(answers[0]?.headers.get("retry-after"), "30");
  assert.equal(await row(eventId), undefined);
  const [line] = gateway.logged(eventId);
  assert.equal(line?.reason, "expected the queue to take the message, got an error: Error: send failed late");
  await gateway.objectFaults(eventId, {});
  assert.equal((await gateway.deliver(body, { settings })).status, 202, "the retry is accepted");
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("a hung send with 50 waiters: each is answered 503 by its own deadline, and there is no row", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "hangs" });
  const { calls: before } = await gateway.observed();
  const answers = await atOnce(50, () => gateway.deliver(body, { settings }));
  for (const { status, answer, ms } of answers) {
    assert.equal(status, 503);
    assert.equal(answer.code, "unavailable");
    assert.ok(ms < promise, `${ms} ms`);
  }
  assert.equal(await row(eventId), undefined);
  const quick = await gateway.deliver(body, { settings: shortDeadline });
  assert.equal(quick.status, 503);
  assert.ok(quick.ms < 2000, `${quick.ms} ms`);
  const { calls } = await gateway.observed();
  assert.equal((calls.send ?? 0) - (before.send ?? 0), 1, "one send for all");
});

test("a send that completes after the deadline makes the retry a duplicate", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "after 3000 ms" });
  assert.equal((await gateway.deliver(body, { settings: shortDeadline })).status, 503);
  const waited = await gateway.deliver(body, { settings });
  assert.equal(waited.status, 200, "the next delivery waits for the send of the first");
  const outcomes = gateway.logged(eventId).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["failed", "late_commit", "duplicate"]);
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.notEqual(await row(eventId), undefined);
});

test("the object knows how much of a delivery's time is left", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "hangs" });
  const head = `Content-Length: ${body.length}\r\nX-Cronozen-Signature: ${sign(body, secret)}\r\nConnection: close\r\n`;
  const socket = await gateway.connect(head, { settings });
  socket.write(body.slice(0, -1));
  await sleep(1000);
  socket.write(body.slice(-1));
  assert.match(await readAll(socket, promise), /^HTTP\/1\.1 503 /);
  const reason = gateway.logged(eventId)[0]?.reason;
  const [, left] = /^expected the queue to answer within (\d+) ms, got no answer$/.exec(reason) ?? assert.fail(reason);
  // Of 3,750 ms for body and send together.
  assert.ok(Number(left) < 2900, reason);
});

test("a send that fails after the deadline is told, and leaves no row", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "fails after 2000 ms" });
  assert.equal((await gateway.deliver(body, { settings: shortDeadline })).status, 503);
  await sleep(1500);
  const outcomes = gateway.logged(eventId).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["failed", "late_send_failed"]);
  assert.equal(await row(eventId), undefined);
});

test("a sender that resets its connection loses nothing", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "after 2000 ms" });
  const socket = await gateway.connectAndSend(body, { settings });
  await sleep(500);
  socket.resetAndDestroy();
  await sleep(2500);
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

for (const commit of ["hangs", "throws an error", "throws a string", "throws synchronously", "resolves to nothing"]) {
  test(`an object whose call ${commit} is a 503`, async () => {
    const { eventId, body } = newEvent();
    const answered = await gateway.deliver(body, { settings, faults: { commit } });
    assert.equal(answered.status, 503);
    assert.equal(answered.headers.get("retry-after"), "30");
    assert.ok(answered.ms < promise);
    assert.equal((await gateway.messages(eventId, 0)).length, 0);
    assert.match(gateway.logged(eventId)[0]?.reason, /^expected the deduper to (commit|answer)/);
    assert.equal((await gateway.deliver(body, { settings })).status, 202);
  });
}

test("an object that restarts in the middle of a send is a 503, and the retry is accepted", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "hangs" });
  const pending = gateway.deliver(body, { settings });
  await sleep(300);
  await gateway.object(placeOf(eventId), "restart");
  const answered = await pending;
  assert.equal(answered.status, 503);
  assert.ok(answered.ms < 2000, `${answered.ms} ms`);
  await gateway.objectFaults(eventId, {});
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
});

test("a remembered event survives the object's restart", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  await gateway.object(placeOf(eventId), "restart");
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

test("an event is remembered for its TTL", async () => {
  const before = Date.now();
  const { eventId, body } = newEvent();
  await gateway.deliver(body, { settings: { ...settings, DEDUPE_TTL_SECONDS: "172800" } });
  const { ends_at: endsAt } = await row(eventId);
  assert.ok(endsAt >= before + 172_800_000 && endsAt <= Date.now() + 172_800_000, endsAt);
});

test("an event whose row has ended is let through, and remembered anew", async () => {
  const { eventId, body } = newEvent();
  await gateway.object(placeOf(eventId), "fill", [[eventId, Date.now() - 1]]);
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  assert.ok((await row(eventId)).ends_at > Date.now());
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

test("an event to forget is let through again", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  const forget = { ...settings, FORGET: `evt_0 ${eventId}` };
  assert.equal((await gateway.deliver(body, { settings: forget })).status, 202);
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
  assert.equal((await gateway.messages(eventId, 2)).length, 2);
});
