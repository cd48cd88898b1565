// The gateway's lines reach the object `Activity`, and nothing that it does changes an answer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failuresPerMinute, newEvent, promisedMs, secret, sleep, TestGateway } from "./gateway.mjs";

const strict = { DEDUPE: "durable-object" };

const forged = { headers: { "x-cronozen-signature": "0".repeat(64) } };

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

/** The sums of all counts of the last hour. @returns {Promise<{ codes: Record<string, number>, others: Record<string, number> }>} */
async function sums() {
  const now = Date.now();
  const range = { from: new Date(now - 3_600_000).toISOString(), to: new Date(now + 60_000).toISOString() };
  const { periods } = await gateway.activity("summary", { by: "hour", ...range });
  /** @type {any} */
  const sum = { codes: {}, others: {} };
  for (const period of periods) {
    for (const kind of ["codes", "others"]) {
      for (const [name, lines] of Object.entries(period[kind])) {
        sum[kind][name] = (sum[kind][name] ?? 0) + lines;
      }
    }
  }
  return sum;
}

/**
 * Waits until all lines before now have reached the object: lines keep their order. Returns the number of deliveries that this
 * took: if the object has failed for long, lines wait for the next request.
 *
 * @param {object} [circumstances]
 */
async function flushed(circumstances) {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, circumstances)).status, 202);
  for (let deliveries = 1; ; deliveries += 1) {
    for (let tries = 0; tries < 35; tries += 1) {
      if ((await gateway.activity("event", eventId)).length > 0) {
        return deliveries;
      }
      await sleep(200);
    }
    assert.ok(deliveries < 6, "the line has not reached the object");
    assert.equal((await gateway.deliver(newEvent().body, circumstances)).status, 202);
  }
}

test("each delivery is counted by its code, and its record is kept", async () => {
  const before = await sums();
  const event = newEvent();
  assert.equal((await gateway.deliver(event.body)).status, 202);
  assert.equal((await gateway.deliver(event.body)).status, 200);
  assert.equal((await gateway.deliver(event.body, forged)).status, 401);
  assert.equal((await gateway.deliver("[]")).status, 400);
  const failed = newEvent();
  assert.equal((await gateway.deliver(failed.body, { faults: { send: "throws an error" } })).status, 503);
  assert.equal((await gateway.request("/elsewhere", { method: "POST", body: "x" })).status, 404);
  assert.equal((await gateway.deliver(newEvent().body, { settings: { REPLAY: "sometimes" } })).status, 500);
  await flushed();
  const { codes } = await sums();
  const counted = Object.entries(codes).map(([code, lines]) => [code, lines - (before.codes[code] ?? 0)]);
  assert.deepEqual(Object.fromEntries(counted), {
    // The last one is that of `flushed`.
    accepted: 2,
    duplicate: 1,
    invalid_signature: 1,
    invalid_event: 1,
    unavailable: 1,
    not_found: 1,
    misconfigured: 1,
  });
  const records = await gateway.activity("event", event.eventId);
  assert.deepEqual(
    records.map((/** @type {any} */ { outcome, key }) => ({ outcome, key })),
    [
      { outcome: "accepted", key: 0 },
      { outcome: "duplicate", key: 0 },
    ],
  );
  const [record] = await gateway.activity("event", failed.eventId);
  assert.match(record.reason, /^queue send failed: TypeError: send failed$/);
});

test("the lines after an answer are counted, too", async () => {
  const before = await sums();
  const late = newEvent();
  const faults = { send: "after 1500 ms" };
  assert.equal((await gateway.deliver(late.body, { faults, settings: { DEADLINE_MS: 1000 } })).status, 503);
  const unmarked = newEvent();
  assert.equal((await gateway.deliver(unmarked.body, { faults: { put: "fails after 600 ms" } })).status, 202);
  await sleep(2000);
  await flushed();
  const { others } = await sums();
  assert.equal((others.late_commit ?? 0) - (before.others.late_commit ?? 0), 1);
  assert.equal((others.marker_failed ?? 0) - (before.others.marker_failed ?? 0), 1);
  const { events } = await gateway.activity("accepted", { after: 0, limit: 1000 });
  assert.ok(
    events.some((/** @type {any} */ { eventId }) => eventId === late.eventId),
    "a late commit is on the queue",
  );
});

test("the gateway's deployment, settings and secrets are known", async () => {
  const settings = {
    CRONOZEN_SIGNING_SECRET_NEXT: "whsec_next",
    CF_VERSION_METADATA: { id: "d1", tag: "v7", timestamp: "2026-11-24T06:55:00Z" },
    DEDUP: "kv",
  };
  await flushed({ settings });
  const { gateways } = await gateway.activity("status");
  const own = gateways.find((/** @type {any} */ { deployment }) => deployment === "d1");
  assert.equal(own.tag, "v7");
  assert.equal(own.health.secrets, 2);
  assert.deepEqual(own.health.hints, ["unknown name DEDUP: did you mean DEDUPE?"]);
  assert.equal(own.keys[1].deliveries, 1, "the older secret has matched");
  assert.ok(!JSON.stringify(gateways).includes(secret));
});

test("an object that has restarted has all lines, or counts them as lost", async () => {
  await flushed();
  const before = await sums();
  const { lost: lostBefore } = await gateway.activity("status");
  for (let number = 0; number < 3; number += 1) {
    assert.equal((await gateway.deliver(newEvent().body)).status, 202);
    await gateway.activity("restart");
  }
  const deliveries = await flushed();
  const { codes } = await sums();
  const { lost } = await gateway.activity("status");
  const counted = (codes.accepted ?? 0) - (before.codes.accepted ?? 0) + lost - lostBefore;
  assert.ok(counted > 3 && counted <= 3 + deliveries, `${counted} of ${3 + deliveries}`);
});

test("lines are sent again until the object takes them", async () => {
  await flushed();
  const before = await sums();
  for (let number = 0; number < 30; number += 1) {
    assert.equal((await gateway.deliver(newEvent().body, { faults: { record: "hangs" } })).status, 202);
  }
  const deliveries = await flushed();
  const { codes } = await sums();
  const counted = (codes.accepted ?? 0) - (before.codes.accepted ?? 0);
  assert.ok(counted > 30 && counted <= 30 + deliveries, `${counted} of ${30 + deliveries}`);
});

for (const record of [
  "hangs",
  "throws an error",
  "throws synchronously",
  "returns no promise",
  "fails after 1000 ms",
]) {
  test(`an Activity that ${record} changes no answer`, async () => {
    const circumstances = { faults: { record } };
    const before = gateway.log.length;
    /** @type {number[]} */
    const times = [];
    for (let number = 0; number < 60; number += 1) {
      const { body } = newEvent();
      const answers = await Promise.all([
        gateway.deliver(body, circumstances),
        gateway.deliver("[]", circumstances),
        gateway.deliver(body, { ...circumstances, ...forged }),
        gateway.deliver(newEvent().body, { faults: { record, send: "throws an error" } }),
      ]);
      const again = await gateway.deliver(body, circumstances);
      assert.deepEqual(
        [...answers, again].map(({ status }) => status),
        [202, 400, 401, 503, 200],
      );
      times.push(...[...answers, again].map(({ ms }) => ms));
    }
    const worst = Math.max(...times);
    assert.ok(worst < promisedMs, `${worst} ms`);
    const lines = gateway.log.slice(before);
    assert.equal(lines.length, 300, "each delivery has its line");
    assert.ok(!lines.some((line) => line.includes("trapped")));
  });
}

for (const record of ["absent", "something else"]) {
  test(`an ACTIVITY that is ${record} changes no answer`, async () => {
    const settings = { ACTIVITY: record };
    const { body } = newEvent();
    assert.equal((await gateway.deliver(body, { settings })).status, 202);
    assert.equal((await gateway.deliver(body, { settings })).status, 200);
    assert.equal((await gateway.request("/healthz", {}, { settings })).status, 200);
  });
}

test("a lease is freed at once while the object hangs", async () => {
  const { body } = newEvent();
  const failing = { settings: strict, faults: { record: "hangs", send: "throws an error" } };
  const { calls } = await gateway.observed();
  assert.equal((await gateway.deliver(body, failing)).status, 503);
  await gateway.called("record", 1, calls);
  // It would wait for the lease, and be answered 503.
  assert.equal((await gateway.deliver(body, { settings: strict })).status, 202);
});

/** Waits for the next minute if this one is nearly over: the limiter of workerd begins a new period with each. */
async function earlyInMinute() {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < 20_000) {
    await sleep(leftMs);
  }
}

test("an address whose signatures have failed too often is answered 429, and has one line", async () => {
  await earlyInMinute();
  const before = gateway.log.length;
  /** @type {Record<number, number>} */
  const statuses = {};
  const headers = { "x-cronozen-signature": "0".repeat(64), "cf-connecting-ip": "192.0.2.7" };
  for (let number = 0; number < failuresPerMinute + 500; number += 100) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => gateway.deliver(newEvent().body, { headers })));
    for (const { status, answer } of answers) {
      statuses[status] = (statuses[status] ?? 0) + 1;
      assert.equal(answer.code, status === 429 ? "too_many_failures" : "invalid_signature");
    }
  }
  const { 401: unauthorized = 0, 429: limited = 0 } = statuses;
  assert.equal(unauthorized + limited, failuresPerMinute + 500);
  assert.ok(limited > 0);
  const lines = gateway.log.slice(before).map((line) => JSON.parse(line));
  const counted = lines.filter(({ code }) => code === "too_many_failures");
  assert.equal(lines.length - counted.length, unauthorized, "a delivery that is answered 429 has no line");
  assert.ok(counted.length >= 1 && counted.length <= 2, `${counted.length} lines about many deliveries`);
  const { body } = newEvent();
  assert.equal((await gateway.deliver(body, { headers: { "cf-connecting-ip": "192.0.2.7" } })).status, 202);
});

test("the addresses of an IPv6 network share one limit", async () => {
  await earlyInMinute();
  const deliver = async (/** @type {string} */ address) => {
    const headers = { "x-cronozen-signature": "0".repeat(64), "cf-connecting-ip": address };
    return (await gateway.deliver(newEvent().body, { headers })).status;
  };
  const group = Array.from({ length: 100 }, (_, number) => number);
  for (let sent = 0; sent < failuresPerMinute + 200; sent += 100) {
    await Promise.all(group.map((number) => deliver(`2001:db8:1:2:${sent}::${number}`)));
  }
  assert.equal(await deliver("2001:db8:1:2:f:f:f:f"), 429);
  assert.equal(await deliver("2001:db8:1:3::1"), 401);
  assert.equal(await deliver("2001:db8::1:2:0:1"), 401);
});

for (const limit of ["hangs", "throws an error", "throws synchronously", "returns no promise"]) {
  test(`a limiter that ${limit} refuses no more than the signature does`, async () => {
    const { status, ms } = await gateway.deliver(newEvent().body, { ...forged, faults: { limit } });
    assert.equal(status, 401);
    assert.ok(ms < promisedMs);
  });
}

test("a limiter that is bound, but is none, is misconfigured", async () => {
  const { status } = await gateway.deliver(newEvent().body, { settings: { FAILURES: "something else" } });
  assert.equal(status, 500);
  const { answer } = await gateway.request("/healthz", {}, { settings: { FAILURES: "something else" } });
  assert.deepEqual(answer.problems, [{ name: "FAILURES", expected: "a rate limiter", found: "something else" }]);
});
