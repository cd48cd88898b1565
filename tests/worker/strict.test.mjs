// Strict mode: each event is committed in one Durable Object, one flight at a time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  atOnce,
  countedByStatus,
  headFor,
  newEvent,
  placeOf,
  promise,
  readAll,
  sleep,
  TestGateway,
} from "./gateway.mjs";

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

test("a delivery that comes while the event is sent waits for it, and is a duplicate", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "after 1000 ms" });
  const answers = await atOnce(10, () => gateway.deliver(body, { settings }));
  assert.deepEqual(countedByStatus(answers), { 200: 9, 202: 1 });
  // The first began the send; who comes a little later waits for the rest of it.
  assert.ok(Math.min(...answers.map(({ ms }) => ms)) > 500, "no 2xx before the queue has acknowledged");
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("a send that fails is a 503 for all that wait, and leaves no row", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "fails after 500 ms" });
  const answers = await atOnce(50, () => gateway.deliver(body, { settings }));
  assert.deepEqual(countedByStatus(answers), { 503: 50 });
  assert.equal(answers[0]?.headers.get("retry-after"), "30");
  assert.equal(await row(eventId), undefined);
  const [line] = await gateway.linesOf(eventId);
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
  const outcomes = (await gateway.linesOf(eventId, 3)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["failed", "late_commit", "duplicate"]);
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.notEqual(await row(eventId), undefined);
});

test("the object knows how much of a delivery's time is left", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "hangs" });
  const socket = await gateway.connect(`${headFor(body)}Connection: close\r\n`, { settings });
  socket.write(body.slice(0, -1));
  await sleep(1000);
  socket.write(body.slice(-1));
  assert.match(await readAll(socket, promise), /^HTTP\/1\.1 503 /);
  const [{ reason } = assert.fail()] = await gateway.linesOf(eventId);
  const [, left] = /^expected the queue to answer within (\d+) ms, got no answer$/.exec(reason) ?? assert.fail(reason);
  // Of 3,750 ms for body and send together.
  assert.ok(Number(left) < 2900, reason);
});

test("a send that fails after the deadline is told, and leaves no row", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "fails after 2000 ms" });
  assert.equal((await gateway.deliver(body, { settings: shortDeadline })).status, 503);
  const outcomes = (await gateway.linesOf(eventId, 2)).map(({ outcome }) => outcome);
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
    assert.match((await gateway.linesOf(eventId))[0]?.reason, /^expected the deduper to (commit|answer)/);
    assert.equal((await gateway.deliver(body, { settings })).status, 202);
  });
}

test("an object that restarts in the middle of a send is a 503, and the retry is accepted", async () => {
  const { eventId, body } = newEvent();
  await gateway.objectFaults(eventId, { send: "hangs" });
  const { calls } = await gateway.observed();
  const pending = gateway.deliver(body, { settings });
  await gateway.called("send", 1, calls);
  await gateway.object(placeOf(eventId), "restart");
  const answered = await pending;
  assert.equal(answered.status, 503);
  assert.ok(answered.ms < 2000, `${answered.ms} ms`);
  await gateway.objectFaults(eventId, {});
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
});

test("an object whose storage fails once recovers with the next delivery", async () => {
  const { eventId, body } = newEvent();
  await gateway.object(placeOf(eventId), "restart");
  await gateway.object(placeOf(eventId), "failNext", "CREATE");
  const failed = await gateway.deliver(body, { settings });
  assert.equal(failed.status, 503);
  assert.match((await gateway.linesOf(eventId))[0]?.reason, /got an error: Error: asked for by a test$/);
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

test("a look-up that fails in the object counts as a miss, and the message says so", async () => {
  const { eventId, body } = newEvent();
  await gateway.deliver(body, { settings });
  await gateway.object(placeOf(eventId), "failNext", "SELECT");
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  const messages = await gateway.messages(eventId, 2);
  assert.deepEqual(
    messages.map(({ message }) => message.dedupe),
    ["new", "unknown"],
  );
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
  await gateway.object(placeOf(eventId), "insert", [[eventId, Date.now() - 1]]);
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
