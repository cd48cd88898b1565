// Claims in a real D1: which events count as handled.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { d1, ifNewest, readDeadLetter } from "cronozen-edge/consumer";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { messageOf } from "../support/messages.mjs";
import { claimTables } from "./consumer.mjs";
import { Run } from "./run.mjs";

/** @type {Miniflare} */
let miniflare;
/** @type {any} */
let db;
before(async () => {
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.NONE),
      cf: false,
      compatibilityDate: "2026-10-01",
      modules: true,
      script: "export default {}",
      d1Databases: ["DB"],
    }),
  );
  db = await miniflare.getD1Database("DB");
  for (const table of [...claimTables, "CREATE TABLE effects (event_id TEXT NOT NULL, n INTEGER UNIQUE)"]) {
    await db.prepare(table).run();
  }
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
  return { claims: await count("cronozen_claims"), effects: await count("effects") };
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

test("a lost answer from D1 is no failure, even at the last attempt", async () => {
  const event = newEvent();
  const database = databaseWith({
    batch: async (/** @type {any[]} */ statements) => {
      await db.batch(statements);
      throw new Error("connection lost");
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
      if (queries > 2) {
        throw new Error("overloaded");
      }
      return db.prepare(query);
    },
    batch: async () => {
      throw new Error("connection lost");
    },
  });
  const run = runWith(() => [], database);
  await run.take(messageOf(event));
  assert.deepEqual(run.outcomes(), ["retried"]);
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

test("a missing table is logged", async () => {
  await db.prepare("ALTER TABLE cronozen_claims RENAME TO away").run();
  const run = runWith(() => []);
  await run.take(messageOf(newEvent()));
  await db.prepare("ALTER TABLE away RENAME TO cronozen_claims").run();
  assert.deepEqual(run.outcomes(), ["retried"]);
  assert.match(run.log[0]?.reason, /no such table: cronozen_claims/);
});
