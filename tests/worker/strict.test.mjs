// Strict mode: a Durable Object leases each event to one delivery at a time, and the Worker sends it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  atOnce,
  countedByStatus,
  headFor,
  newEvent,
  promisedMs,
  readAll,
  shardOf,
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

/** The row of an event, in its shard. @param {string} eventId */
async function row(eventId) {
  const { rows } = await gateway.object(shardOf(eventId), "rows");
  return rows.find((/** @type {any} */ row) => row.event_id === eventId);
}

test("a delivery that comes during the send waits for it, and is a duplicate", async () => {
  const { eventId, body } = newEvent();
  const faults = { send: "after 1000 ms" };
  const answers = await atOnce(10, () => gateway.deliver(body, { settings, faults }));
  assert.deepEqual(countedByStatus(answers), { 200: 9, 202: 1 });
  // The first began the send; those that come later wait for the rest.
  assert.ok(Math.min(...answers.map(({ ms }) => ms)) > 500, "no 2xx before the queue has acknowledged");
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("a send that fails is a 503, leaves no row, and gives the lease to a waiting delivery", async () => {
  const { eventId, body } = newEvent();
  const { calls } = await gateway.observed();
  const failing = gateway.deliver(body, { settings, faults: { send: "fails after 1000 ms" } });
  await gateway.called("send", 1, calls);
  const waiting = atOnce(10, () => gateway.deliver(body, { settings, faults: {} }));
  assert.equal((await failing).status, 503);
  assert.equal((await failing).headers.get("retry-after"), "30");
  assert.deepEqual(countedByStatus(await waiting), { 200: 9, 202: 1 });
  const [line] = await gateway.linesOf(eventId);
  assert.equal(line?.reason, "queue send failed: Error: send failed late");
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("each of 50 waiters for a hung send gives up after half of its deadline, and there is no row", async () => {
  const { eventId, body } = newEvent();
  const { calls: before } = await gateway.observed();
  const hung = gateway.deliver(body, { settings, faults: { send: "hangs" } });
  await gateway.called("send", 1, before);
  const answers = await atOnce(50, () => gateway.deliver(body, { settings, faults: {} }));
  for (const { status, answer, ms } of [...answers, await hung]) {
    assert.equal(status, 503);
    assert.equal(answer.code, "unavailable");
    assert.ok(ms < promisedMs, `${ms} ms`);
  }
  assert.equal(await row(eventId), undefined);
  const quick = await gateway.deliver(body, { settings: shortDeadline });
  assert.equal(quick.status, 503);
  assert.ok(quick.ms < promisedMs, `${quick.ms} ms`);
  const { calls } = await gateway.observed();
  assert.equal((calls.send ?? 0) - (before.send ?? 0), 1, "one send for all");
  const reasons = (await gateway.linesOf(eventId, 52)).map(({ reason }) => reason);
  const limits = reasons.map((reason) => Number(/^deduper granted no lease within (\d+) ms$/.exec(reason)?.[1]));
  assert.ok(
    limits.some((limit) => limit <= 500),
    reasons.join(),
  );
});

test("a send that completes after the deadline makes the retry a duplicate", async () => {
  const { eventId, body } = newEvent();
  const slow = { settings: shortDeadline, faults: { send: "after 2500 ms" } };
  assert.equal((await gateway.deliver(body, slow)).status, 503);
  const waited = await gateway.deliver(body, { settings });
  assert.equal(waited.status, 200, "the next delivery waits for the send of the first");
  const outcomes = (await gateway.linesOf(eventId, 3)).map(({ outcome }) => outcome).sort();
  assert.deepEqual(outcomes, ["duplicate", "failed", "late_commit"]);
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.notEqual(await row(eventId), undefined);
});

test("a send that fails after the deadline is logged, leaves no row, and releases the lease", async () => {
  const { eventId, body } = newEvent();
  const slow = { settings: shortDeadline, faults: { send: "fails after 2000 ms" } };
  assert.equal((await gateway.deliver(body, slow)).status, 503);
  const outcomes = (await gateway.linesOf(eventId, 2)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["failed", "late_send_failed"]);
  assert.equal(await row(eventId), undefined);
  assert.equal((await gateway.deliver(body, { settings: shortDeadline })).status, 202);
});

test("a send that hangs releases its lease 28 s after its delivery has arrived", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { settings: shortDeadline, faults: { send: "hangs" } })).status, 503);
  await sleep(25_000);
  assert.equal((await gateway.deliver(body, { settings: shortDeadline })).status, 503, "it is leased");
  await sleep(4000);
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  const [late] = gateway.logged(eventId).filter(({ outcome }) => outcome === "late_send_failed");
  assert.equal(late?.reason, "no answer within 28000 ms of the delivery's arrival");
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("a connection reset loses no event", async () => {
  const { eventId, body } = newEvent();
  const socket = await gateway.connectAndSend(body, { settings, faults: { send: "after 2000 ms" } });
  await sleep(500);
  socket.resetAndDestroy();
  await sleep(2500);
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

for (const acquire of ["hangs", "throws an error", "throws a string", "throws synchronously", "resolves to nothing"]) {
  test(`a deduper whose acquire ${acquire} is a 503`, async () => {
    const { eventId, body } = newEvent();
    const answered = await gateway.deliver(body, { settings, faults: { acquire } });
    assert.equal(answered.status, 503);
    assert.equal(answered.headers.get("retry-after"), "30");
    assert.ok(answered.ms < promisedMs);
    assert.equal((await gateway.messages(eventId, 0)).length, 0);
    assert.match((await gateway.linesOf(eventId))[0]?.reason, /^deduper (failed|granted no lease)/);
    assert.equal((await gateway.deliver(body, { settings })).status, 202);
  });
}

test("each answer to a request for a lease is disposed of, also that of a duplicate", async () => {
  const { body } = newEvent();
  const { calls } = await gateway.observed();
  for (const status of [202, 200, 200]) {
    assert.equal((await gateway.deliver(body, { settings, faults: {} })).status, status);
  }
  await gateway.called("dispose", 3, calls);
});

test("a grant that comes after the Worker has given up is disposed of, however long its request lives", async () => {
  const { eventId, body } = newEvent();
  const { calls: before } = await gateway.observed();
  const faults = { acquire: "after 700 ms" };
  const headers = { "x-test-lives-on": "yes" };
  const late = await gateway.deliver(body, { settings: shortDeadline, faults, headers });
  assert.equal(late.status, 503);
  await gateway.called("dispose", 1, before);
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  assert.equal((await gateway.messages(eventId)).length, 1);
});

for (const commit of ["throws an error", "throws a string", "throws synchronously"]) {
  test(`after a commit that ${commit}, a fresh stub writes the mark`, async () => {
    const { eventId, body } = newEvent();
    const { calls: before } = await gateway.observed();
    assert.equal((await gateway.deliver(body, { settings, faults: { commit } })).status, 202);
    const { calls } = await gateway.observed();
    assert.equal((calls.mark ?? 0) - (before.mark ?? 0), 1);
    assert.notEqual(await row(eventId), undefined);
    assert.equal((await gateway.deliver(body, { settings })).status, 200);
    const faults = { commit, mark: commit };
    const other = newEvent();
    assert.equal((await gateway.deliver(other.body, { settings, faults })).status, 202);
    const [line] = (await gateway.linesOf(other.eventId, 2)).filter(({ outcome }) => outcome === "marker_failed");
    assert.match(line?.reason, /mark failed/);
  });
}

test("an object that restarts while the event is sent still gets the row", async () => {
  const { eventId, body } = newEvent();
  const { calls } = await gateway.observed();
  const pending = gateway.deliver(body, { settings, faults: { send: "after 1000 ms" } });
  await gateway.called("send", 1, calls);
  await gateway.object(shardOf(eventId), "restart");
  assert.equal((await pending).status, 202);
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("an object's restart ends its waits with a 503, and the retry is accepted", async () => {
  const { eventId, body } = newEvent();
  const { calls } = await gateway.observed();
  const hung = gateway.deliver(body, { settings, faults: { send: "fails after 2000 ms" } });
  await gateway.called("send", 1, calls);
  const waiting = gateway.deliver(body, { settings, faults: {} });
  await gateway.called("acquire", 2, calls);
  await gateway.object(shardOf(eventId), "restart");
  assert.equal((await waiting).status, 503);
  assert.equal((await hung).status, 503);
  const reasons = (await gateway.linesOf(eventId, 2)).map(({ reason }) => reason);
  assert.ok(
    reasons.some((reason) => reason.startsWith("deduper failed")),
    reasons.join(),
  );
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
});

test("an object whose storage fails once recovers with the next delivery", async () => {
  for (const query of ["CREATE", "SELECT", "INSERT"]) {
    const { eventId, body } = newEvent();
    await gateway.object(shardOf(eventId), "restart");
    await gateway.object(shardOf(eventId), "failNext", query);
    const first = await gateway.deliver(body, { settings });
    if (query === "INSERT") {
      assert.equal(first.status, 202, "the mark is written by the second call");
    } else {
      assert.equal(first.status, 503);
      assert.match((await gateway.linesOf(eventId))[0]?.reason, /^deduper failed: .*asked for by a test$/);
      assert.equal((await gateway.deliver(body, { settings })).status, 202);
    }
    assert.equal((await gateway.deliver(body, { settings })).status, 200);
  }
});

test("the Worker waits for a lease only as long as its delivery has time", async () => {
  const { eventId, body } = newEvent();
  const socket = await gateway.connect(`${headFor(body)}Connection: close\r\n`, {
    settings: { ...settings, DEADLINE_MS: "4500" },
    faults: { acquire: "hangs" },
  });
  socket.write(body.slice(0, -1));
  await sleep(1000);
  socket.write(body.slice(-1));
  assert.match(await readAll(socket, promisedMs), /^HTTP\/1\.1 503 /);
  const [{ reason } = assert.fail()] = await gateway.linesOf(eventId);
  const [, left] = /^deduper granted no lease within (\d+) ms$/.exec(reason) ?? assert.fail(reason);
  // The body has used a part of the 2,250 ms for both.
  assert.ok(Number(left) < 2000, reason);
});

test("a remembered event survives the object's restart", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  await gateway.object(shardOf(eventId), "restart");
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

test("an event is remembered for its TTL", async () => {
  const before = Date.now();
  const { eventId, body } = newEvent();
  await gateway.deliver(body, { settings: { ...settings, DEDUPE_TTL_SECONDS: "172800" } });
  const { ends_at: endsAt } = await row(eventId);
  assert.ok(endsAt >= before + 172_800_000 && endsAt <= Date.now() + 172_800_000, endsAt);
});

test("an event whose row has ended is accepted, and remembered again", async () => {
  const { eventId, body } = newEvent();
  await gateway.object(shardOf(eventId), "insert", [[eventId, Date.now() - 1]]);
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  assert.ok((await row(eventId)).ends_at > Date.now());
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
});

test("an event in FORGET is accepted again", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  const forget = { ...settings, FORGET: `evt_0 ${eventId}` };
  assert.equal((await gateway.deliver(body, { settings: forget })).status, 202);
  assert.equal((await gateway.deliver(body, { settings })).status, 200);
  assert.equal((await gateway.messages(eventId, 2)).length, 2);
});
