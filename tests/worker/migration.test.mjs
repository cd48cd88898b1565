// A live system is switched from KV to strict mode.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { atOnce, countedByStatus, newEvent, promisedMs, TestGateway } from "./gateway.mjs";

const kv = { DEDUPE: "kv" };
const strict = { DEDUPE: "durable-object" };
const migrating = { ...strict, MIGRATE_FROM_KV: "true" };

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

test("an event that KV remembers is a duplicate while migrating", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { settings: kv })).status, 202);
  const { calls: before } = await gateway.observed();
  const answers = await atOnce(20, () => gateway.deliver(body, { settings: migrating, faults: {} }));
  assert.deepEqual(countedByStatus(answers), { 200: 20 });
  const { calls } = await gateway.observed();
  assert.equal((calls.get ?? 0) - (before.get ?? 0), 1, "one look-up, whose result the object remembers");
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("without the setting, an event that only KV remembers is queued again", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { settings: kv })).status, 202);
  assert.equal((await gateway.deliver(body, { settings: strict })).status, 202);
  assert.equal((await gateway.messages(eventId, 2)).length, 2);
});

test("a new event is written only to the object, so that switching back queues it again", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { settings: migrating })).status, 202);
  assert.equal((await gateway.deliver(body, { settings: migrating })).status, 200);
  assert.equal((await gateway.marker(eventId)).value, null);
  assert.equal((await gateway.deliver(body, { settings: kv })).status, 202);
});

for (const get of ["hangs", "throws an error"]) {
  test(`a KV look-up that ${get} counts as a miss, and the message says so`, async () => {
    const { eventId, body } = newEvent();
    const answered = await gateway.deliver(body, { settings: migrating, faults: { get } });
    assert.equal(answered.status, 202);
    assert.ok(answered.ms < promisedMs);
    const [{ message } = assert.fail()] = await gateway.messages(eventId);
    assert.equal(message.dedupe, "unknown");
    assert.match(gateway.logged(eventId)[0]?.reason, /^look-up (failed|timed out)/);
    assert.equal((await gateway.deliver(body, { settings: migrating })).status, 200);
  });
}

test("each mode requires its bindings, and the gateway names a missing one", async () => {
  for (const [settings, names] of /** @type {const} */ ([
    [{ ...kv, DEDUPER: "absent" }, []],
    [{ ...kv, SEEN: "absent" }, ["SEEN"]],
    [{ ...strict, SEEN: "absent" }, []],
    [{ ...migrating, SEEN: "absent" }, ["SEEN"]],
    [{ ...strict, DEDUPER: "absent" }, ["DEDUPER"]],
    [{ ...strict, DEDUPER: "a text" }, ["DEDUPER"]],
    [{ ...strict, EVENTS: "absent" }, ["EVENTS"]],
    [{ DEDUPE: "strict", SEEN: "absent", EVENTS: "absent" }, ["DEDUPE", "EVENTS"]],
    [{ ...strict, MIGRATE_FROM_KV: "yes" }, ["MIGRATE_FROM_KV"]],
    [{ ...kv, MIGRATE_FROM_KV: "yes" }, []],
  ])) {
    const health = await gateway.request("/healthz", {}, { settings });
    assert.equal(health.status, names.length === 0 ? 200 : 500);
    const problems = health.answer.problems?.map((/** @type {{ name: string }} */ { name }) => name) ?? [];
    assert.deepEqual(problems, names, JSON.stringify(settings));
    const delivered = await gateway.deliver(newEvent().body, { settings });
    assert.equal(delivered.status, names.length === 0 ? 202 : 500);
  }
});

test("/healthz reports the mode", async () => {
  for (const [settings, dedupe] of /** @type {const} */ ([
    [{}, "kv"],
    [migrating, "durable-object"],
  ])) {
    assert.equal((await gateway.request("/healthz", {}, { settings })).answer.dedupe, dedupe);
  }
});
