// Claims in a real D1: which events count as handled.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { d1, ifNewest, ignore, readDeadLetter } from "cronozen-edge/consumer";
import { miniflareWith } from "../support/bindings.mjs";
import { messageOf } from "../support/messages.mjs";
import { Run } from "./run.mjs";

/** @type {ReturnType<typeof miniflareWith>} */
let miniflare;
/** @type {any} */
let db;
before(async () => {
  miniflare = miniflareWith({ d1Databases: ["DB"] });
  db = await miniflare.getD1Database("DB");
  await db.prepare("CREATE TABLE effects (event_id TEXT NOT NULL, n INTEGER UNIQUE)").run();
  await runWith(() => []).take(messageOf({ eventId: "evt_0" }));
});
after(() => miniflare.dispose());

let events = 0;
/** @param {Record<string, unknown>} [fields] */
function newEvent(fields) {
  events += 1;
  return { eventId: `evt_${events}`, type: "payment.completed", createdAt: "2026-11-24T06:55:00Z", ...fields };
}

/** @param {string} eventId @param {number} [n] */
function effect(eventId, n) {
  return db.prepare("INSERT INTO effects (event_id, n) VALUES (?, ?)").bind(eventId, n ?? null);
}

/** @param {string} eventId */
async function counts(eventId) {
  /** @param {string} table */
  const count = (table) => db.prepare(`SELECT count(*) AS n FROM ${table} WHERE event_id = ?`).bind(eventId).first("n");
  return { claims: await count("cronozen_events"), effects: await count("effects") };
}

/** The database with a test's changes. @param {Record<string, unknown>} changes */
function databaseWith(changes) {
  return {
    prepare: (/** @type {string} */ query) => db.prepare(query),
    batch: (/** @type {any[]} */ statements) => db.batch(statements),
    ...changes,
  };
}

/** @param {(event: any) => any} handler @param {any} [database] */
function runWith(handler, database = db) {
  return new Run({ "*": handler }, { once: d1(() => database) });
}

test("the handler of a claimed event is not called again", async () => {
  let calls = 0;
  const event = newEvent();
  const run = runWith(({ eventId }) => {
    calls += 1;
    return effect(eventId);
  });
  await run.take(messageOf(event));
  await run.take(messageOf(event));
  assert.equal(calls, 1);
  assert.deepEqual(run.outcomes(), ["handled", "duplicate"]);
  assert.deepEqual(await counts(event.eventId), { claims: 1, effects: 1 });
});

for (const nothing of [undefined, null, false, []]) {
  test(`a handler that returns ${JSON.stringify(nothing)} has its event claimed`, async () => {
    const event = newEvent();
    const run = runWith(() => nothing);
    await run.take(messageOf(event));
    assert.deepEqual(run.outcomes(), ["handled"]);
    assert.deepEqual(await counts(event.eventId), { claims: 1, effects: 0 });
  });
}

test("six copies whose handlers have all run before the first commit have one effect", async () => {
  const event = newEvent();
  /** @type {(() => void)[]} */
  const waiting = [];
  const run = runWith(async ({ eventId }) => {
    await new Promise((resolve) => {
      waiting.push(() => resolve(undefined));
      if (waiting.length === 6) {
        for (const go of waiting) {
          go();
        }
      }
    });
    return effect(eventId);
  });
  await run.takeAll(Array(6).fill(messageOf(event)));
  assert.deepEqual(run.outcomes().sort(), [...Array(5).fill("duplicate"), "handled"]);
  assert.deepEqual(await counts(event.eventId), { claims: 1, effects: 1 });
});

test("a lost answer from D1 is no failure, even at the last attempt", async () => {
  const event = newEvent();
  // For the tables.
  let looked = false;
  const database = databaseWith({
    batch: async (/** @type {any[]} */ statements) => {
      const results = await db.batch(statements);
      if (statements.length === 2 && looked) {
        throw new Error("connection lost");
      }
      looked = true;
      return results;
    },
  });
  const run = runWith(({ eventId }) => effect(eventId), database);
  assert.equal(await run.take(messageOf(event), 11), "acknowledged");
  assert.deepEqual(run.outcomes(), ["duplicate"]);
  assert.deepEqual(await counts(event.eventId), { claims: 1, effects: 1 });
});

test("a failed statement is logged, and its batch is rolled back", async () => {
  const event = newEvent();
  const run = runWith(({ eventId }) => [effect(eventId), effect(eventId, 1), effect(eventId, 1)]);
  await run.take(messageOf(event));
  assert.deepEqual(run.outcomes(), ["retried"]);
  assert.match(run.log[0]?.reason, /UNIQUE constraint failed: effects\.n/);
  assert.deepEqual(await counts(event.eventId), { claims: 0, effects: 0 });
});

test("a message is retried if D1 also fails in the check after a failed batch", async () => {
  const event = newEvent();
  let queries = 0;
  const database = databaseWith({
    prepare: (/** @type {string} */ query) => {
      queries += 1;
      // The first two look for the tables, the third for the claim, and the fourth is the claim.
      if (queries > 4) {
        throw new Error("overloaded");
      }
      return db.prepare(query);
    },
    batch: async (/** @type {any[]} */ statements) => {
      if (queries > 2) {
        throw new Error("connection lost");
      }
      return db.batch(statements);
    },
  });
  const run = runWith(() => [], database);
  await run.take(messageOf(event));
  assert.deepEqual(run.outcomes(), ["retried", "retries_not_recorded"]);
});

test("of two updates with the same time, the later arrival counts", async () => {
  for (const event of [newEvent(), newEvent()]) {
    const run = runWith(({ eventId }) => ifNewest("tie", effect(eventId)));
    await run.take(messageOf(event));
    assert.deepEqual(run.outcomes(), ["handled"]);
  }
});

test("a failed statement in an update does not make it outdated", async () => {
  const newer = newEvent({ createdAt: "2026-11-24T06:56:00Z" });
  await runWith(({ eventId }) => ifNewest("another entity", effect(eventId))).take(messageOf(newer));
  const first = newEvent();
  await runWith(({ eventId }) => ifNewest("entity", effect(eventId))).take(messageOf(first));
  // As new as its entity's newest, and older than the other entity's.
  const failing = newEvent();
  const run = runWith(({ eventId }) => ifNewest("entity", [effect(eventId, 2), effect(eventId, 2)]));
  await run.take(messageOf(failing));
  assert.deepEqual(run.outcomes(), ["retried"]);
  assert.deepEqual(await counts(failing.eventId), { claims: 0, effects: 0 });
});

test("an outdated update that comes again, or twice at once, is claimed once", async () => {
  await runWith(({ eventId }) => ifNewest("old", effect(eventId))).take(messageOf(newEvent()));
  const event = newEvent({ createdAt: "2026-11-24T06:54:59.999999999Z" });
  const run = runWith(({ eventId }) => ifNewest("old", effect(eventId)));
  await run.takeAll([messageOf(event), messageOf(event)]);
  await run.take(messageOf(event));
  assert.equal(run.outcomes()[0], "outdated");
  assert.equal(run.outcomes()[2], "duplicate");
  assert.deepEqual(await counts(event.eventId), { claims: 1, effects: 0 });
});

test("an update without an entity is a dead letter", async () => {
  const run = runWith(() => ifNewest("", []));
  await run.take(messageOf(newEvent()));
  assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^ifNewest\(\) got no entity/);
});

test("an ignored event is recorded and not claimed, and an old record of its type is forgotten", async () => {
  const ignored = async () => (await db.prepare("SELECT event_id, ignored_at FROM cronozen_ignored").all()).results;
  const run = new Run({ "*": ignore }, { once: d1(() => db) });
  const [old, event] = [newEvent(), newEvent()];
  await run.take(messageOf(old));
  await db.prepare("UPDATE cronozen_ignored SET ignored_at = '2026-01-01T00:00:00.000Z'").run();
  await run.take(messageOf(event));
  assert.deepEqual(run.outcomes(), ["ignored", "ignored"]);
  const [row, ...others] = await ignored();
  assert.deepEqual([row.event_id, others], [event.eventId, []]);
  assert.deepEqual(await counts(event.eventId), { claims: 0, effects: 0 });
  // A handler that is added later gets it.
  await runWith(({ eventId }) => effect(eventId)).take(messageOf(event));
  assert.deepEqual(await counts(event.eventId), { claims: 1, effects: 1 });
});

test("the claim says what the event was, when it was handled, and at which attempt", async () => {
  const event = newEvent({ type: "x".repeat(300) });
  await runWith(() => []).take(messageOf(event), 3);
  const { handled_at: handledAt, ...row } = await db
    .prepare("SELECT * FROM cronozen_events WHERE event_id = ?")
    .bind(event.eventId)
    .first();
  assert.ok(Math.abs(Date.parse(handledAt) - Date.now()) < 60_000);
  assert.deepEqual(row, {
    event_id: event.eventId,
    type: "x".repeat(256),
    created_at: event.createdAt,
    received_at: "2026-11-24T06:55:01.204Z",
    attempts: 3,
    outcome: "handled",
    body_key: null,
  });
});

test("a missing table is logged", async () => {
  await db.prepare("ALTER TABLE cronozen_events RENAME TO away").run();
  const run = runWith(() => []);
  await run.take(messageOf(newEvent()));
  await db.prepare("ALTER TABLE away RENAME TO cronozen_events").run();
  assert.deepEqual(run.outcomes(), ["retried"]);
  assert.match(run.log[0]?.reason, /no such table: cronozen_events/);
});
