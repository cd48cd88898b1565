// KV and the queue fail in every way that JavaScript allows; no event is lost and every answer is in time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newEvent, promisedMs, sleep, TestGateway } from "./gateway.mjs";

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

const failures = [
  "hangs",
  "throws an error",
  "throws an odd error",
  "throws a string",
  "throws an object",
  "throws synchronously",
];

for (const get of [...failures, "resolves to nothing"]) {
  test(`a look-up that ${get} counts as not found, and the message says so`, async () => {
    const { eventId, body } = newEvent();
    const answered = await gateway.deliver(body, { faults: { get } });
    assert.equal(answered.status, 202);
    assert.ok(answered.ms < promisedMs);
    const [{ message } = assert.fail(), ...more] = await gateway.messages(eventId);
    assert.equal(more.length, 0);
    assert.equal(message.dedupe, "unknown");
    assert.equal((await gateway.marker(eventId)).value, "");
    const [line] = await gateway.linesOf(eventId);
    assert.equal(line?.dedupe, "unknown");
    assert.match(line?.reason, /^look-up (failed|timed out)/);
  });
}

for (const put of failures) {
  test(`a marker that ${put} leaves the answer a 202`, async () => {
    const { eventId, body } = newEvent();
    const answered = await gateway.deliver(body, { faults: { put } });
    assert.equal(answered.status, 202);
    assert.ok(answered.ms < promisedMs);
    assert.equal((await gateway.messages(eventId)).length, 1);
    assert.equal((await gateway.marker(eventId)).value, null);
    const failed = gateway.logged(eventId).filter(({ outcome }) => outcome === "marker_failed");
    assert.equal(failed.length, put === "hangs" ? 0 : 1);
    assert.equal((await gateway.deliver(body)).status, 202, "the retry is queued again rather than lost");
  });
}

for (const send of failures) {
  test(`a send that ${send} is answered 503 and leaves no marker`, async () => {
    const { eventId, body } = newEvent();
    const answered = await gateway.deliver(body, { faults: { send } });
    assert.equal(answered.status, 503);
    assert.ok(answered.ms < promisedMs);
    assert.equal(answered.answer.code, "unavailable");
    assert.equal(answered.headers.get("retry-after"), "30");
    assert.equal((await gateway.messages(eventId, 0)).length, 0);
    assert.equal((await gateway.marker(eventId)).value, null);
    assert.equal((await gateway.deliver(body)).status, 202, "the retry is accepted");
    assert.equal((await gateway.messages(eventId)).length, 1);
  });
}

test("what the platform throws is logged without its stack, and traps nothing", async () => {
  for (const [send, reason] of /** @type {const} */ ([
    ["throws an error", "TypeError: send failed"],
    ["throws an odd error", "name not a string: message not a string"],
    ["throws an object", "a thrown value that is not an error"],
  ])) {
    const { eventId, body } = newEvent();
    await gateway.deliver(body, { faults: { send } });
    const [line] = await gateway.linesOf(eventId);
    assert.equal(line?.reason, `queue send failed: ${reason}`);
  }
  assert.deepEqual(gateway.logged('"outcome":"trapped"'), []);
});

test("a marker that is slower than the answer is still written", async () => {
  const { eventId, body } = newEvent();
  const answered = await gateway.deliver(body, { faults: { put: "after 4000 ms" } });
  assert.equal(answered.status, 202);
  assert.equal((await gateway.marker(eventId)).value, null, "the answer did not wait for it");
  await sleep(4500);
  assert.equal((await gateway.marker(eventId)).value, "");
});

test("with KV and the queue both hung, 50 deliveries at once are all answered in time", async () => {
  const faults = { get: "hangs", put: "hangs", send: "hangs" };
  const answers = await Promise.all(Array.from({ length: 50 }, () => gateway.deliver(newEvent().body, { faults })));
  for (const { status, ms } of answers) {
    assert.equal(status, 503);
    assert.ok(ms < promisedMs, `${ms} ms`);
  }
});

test("a send that completes 3 s after the deadline makes the retry a duplicate", async () => {
  const { eventId, body } = newEvent();
  const answered = await gateway.deliver(body, {
    faults: { send: "after 4000 ms" },
    settings: { DEADLINE_MS: "1000" },
  });
  assert.equal(answered.status, 503);
  assert.equal((await gateway.marker(eventId)).value, null);
  await sleep(4500);
  const outcomes = gateway.logged(eventId).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["failed", "late_commit"]);
  const retry = await gateway.deliver(body);
  assert.equal(retry.status, 200);
  assert.equal((await gateway.messages(eventId)).length, 1);
});

for (const [send, expected] of /** @type {const} */ ([
  ["fails after 2000 ms", ["failed", "late_send_failed"]],
  ["hangs", ["failed"]],
])) {
  test(`a send that ${send}, with a deadline of 1 s, leaves no marker`, async () => {
    const { eventId, body } = newEvent();
    assert.equal((await gateway.deliver(body, { faults: { send }, settings: { DEADLINE_MS: "1000" } })).status, 503);
    await sleep(2500);
    const outcomes = gateway.logged(eventId).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, expected);
    assert.equal((await gateway.marker(eventId)).value, null);
    assert.equal((await gateway.deliver(body)).status, 202);
    assert.equal((await gateway.messages(eventId)).length, 1);
  });
}
