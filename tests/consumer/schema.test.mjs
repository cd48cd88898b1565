// The tables are made at the first use, by many isolates at once, and by two versions of the package.

import assert from "node:assert/strict";
import { test } from "node:test";
import { consume, d1, deadLetters } from "cronozen-edge/consumer";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { deadLetterSchema, ledgerSchema, withTables } from "../../pkg/src/consumer/schema.ts";
import { emptyDatabases } from "../support/bindings.mjs";
import { silent } from "../support/log.mjs";
import { messageOf } from "../support/messages.mjs";
import { bundled } from "../support/modules.mjs";
import { Run } from "./run.mjs";

/** @type {() => Promise<any>} */
const emptyDatabase = emptyDatabases(12);

/** The binding of one isolate: another object for the same database, which can hold its calls. @param {any} db */
function bindingOf(db, gate = async () => {}) {
  return {
    prepare: (/** @type {string} */ query) => db.prepare(query),
    batch: async (/** @type {any[]} */ statements) => {
      const results = await db.batch(statements);
      await gate();
      return results;
    },
  };
}

/** @param {any} db @returns {Promise<string[]>} */
async function tablesOf(db) {
  const query = "SELECT name FROM sqlite_schema WHERE name LIKE 'cronozen_%' AND type = 'table' ORDER BY name";
  const { results } = await db.prepare(query).all();
  return results.map((/** @type {any} */ { name }) => name);
}

const ledgerTables = [
  "cronozen_erased",
  "cronozen_events",
  "cronozen_ignored",
  "cronozen_newest",
  "cronozen_retries",
  "cronozen_schema",
];

/** Opens when `calls` calls wait at it, and then stays open. @param {number} calls */
function gateFor(calls) {
  /** @type {(() => void)[]} */
  const waiting = [];
  return async () => {
    if (waiting.length < calls) {
      await new Promise((resolve) => {
        waiting.push(() => resolve(undefined));
        if (waiting.length === calls) {
          for (const open of waiting) {
            open();
          }
        }
      });
    }
  };
}

test("60 first uses in 20 isolates of workerd, held between look and creation, succeed", async () => {
  const modules = await bundled("tests/consumer/inside/first-use.mjs");
  const names = Array.from({ length: 20 }, (_, number) => `isolate-${number}`);
  /** @type {string[]} */
  const lines = [];
  const isolates = new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: ({ message }) => lines.push(...message.trim().split("\n")),
      cf: false,
      workers: names.map((name) => ({
        name,
        compatibilityDate: "2026-10-01",
        modulesRoot: "/",
        modules,
        d1Databases: { DB: "shared" },
      })),
    }),
  );
  try {
    await isolates.ready;
    const results = await Promise.all(
      names.flatMap((name) =>
        [1, 2, 3].map(async (use) => {
          const worker = /** @type {any} */ (await isolates.getWorker(name));
          const body = messageOf({ eventId: `evt_${name}_${use}` });
          const message = { id: "m1", timestamp: new Date(), attempts: 1, body };
          return worker.queue("cronozen-events", [message]);
        }),
      ),
    );
    assert.ok(
      results.every(({ explicitAcks }) => explicitAcks.length === 1),
      lines.join("\n"),
    );
    const db = /** @type {any} */ (await isolates.getD1Database("DB", names[0]));
    assert.deepEqual(await tablesOf(db), ledgerTables);
    assert.equal(await db.prepare("SELECT count(*) AS n FROM cronozen_events").first("n"), 60);
    assert.equal(
      await db.prepare("SELECT count(*) AS n FROM cronozen_schema").first("n"),
      ledgerSchema.versions.length,
    );
  } finally {
    await isolates.dispose();
  }
});

test("60 first uses of one database, all held between look and creation, succeed", async () => {
  const db = await emptyDatabase();
  // Each use looks in a batch of its own. None goes on before all have found nothing.
  const gate = gateFor(60);
  const isolates = Array.from({ length: 20 }, () => bindingOf(db, gate));
  const uses = isolates.flatMap((binding, isolate) =>
    [1, 2, 3].map(async (use) => {
      const run = new Run({ "*": () => {} }, { once: d1(() => binding) });
      run.keepLog = () => {};
      return run.take(messageOf({ eventId: `evt_${isolate}_${use}` }));
    }),
  );
  assert.deepEqual(new Set(await Promise.all(uses)), new Set(["acknowledged"]));
  assert.deepEqual(await tablesOf(db), ledgerTables);
  assert.equal(await db.prepare("SELECT count(*) AS n FROM cronozen_events").first("n"), 60);
  assert.equal(await db.prepare("SELECT count(*) AS n FROM cronozen_schema").first("n"), ledgerSchema.versions.length);
});

test("a schema that was made by half is completed", async () => {
  for (const half of [
    ["CREATE TABLE cronozen_newest (entity TEXT PRIMARY KEY, created_at TEXT NOT NULL) STRICT, WITHOUT ROWID"],
    [
      "CREATE TABLE cronozen_schema (name TEXT NOT NULL, version INTEGER NOT NULL, made_at TEXT NOT NULL, PRIMARY KEY (name, version))",
    ],
  ]) {
    const db = await emptyDatabase();
    for (const statement of half) {
      await db.prepare(statement).run();
    }
    const run = new Run({ "*": () => {} }, { once: d1(() => db) });
    assert.equal(await run.take(messageOf({ eventId: "evt_1" })), "acknowledged");
    assert.deepEqual(await tablesOf(db), ledgerTables);
  }
});

test("a table that was dropped is not made again: its claims would be forgotten", async () => {
  const db = await emptyDatabase();
  const consumerOf = () => new Run({ "*": () => {} }, { once: d1(() => bindingOf(db)) });
  assert.equal(await consumerOf().take(messageOf({ eventId: "evt_1" })), "acknowledged");
  await db.prepare("DROP TABLE cronozen_events").run();
  const run = consumerOf();
  assert.equal(typeof (await run.take(messageOf({ eventId: "evt_1" }))), "number");
  assert.match(run.log[0]?.reason, /no such table: cronozen_events/);
});

test("a failure at the first use is tried again", async () => {
  const db = await emptyDatabase();
  // Once for the batch, and once for its message.
  let failures = 2;
  const binding = {
    ...bindingOf(db),
    batch: async (/** @type {any[]} */ statements) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error("overloaded");
      }
      return db.batch(statements);
    },
  };
  const run = new Run({ "*": () => {} }, { once: d1(() => binding) });
  assert.equal(typeof (await run.take(messageOf({ eventId: "evt_1" }))), "number");
  assert.equal(await run.take(messageOf({ eventId: "evt_1" }), 2), "acknowledged");
});

// A later version of the package, as this one allows it to be.
const newer = {
  name: "ledger",
  /** @param {readonly (readonly string[])[]} versions */
  after: (versions) => ({
    name: "ledger",
    versions: [
      ...versions,
      ["ALTER TABLE cronozen_events ADD COLUMN region TEXT", "CREATE TABLE cronozen_more (id INTEGER)"],
    ],
  }),
};

test("a newer version's column and table leave this version at work, and 20 upgrades at once make one", async () => {
  const db = await emptyDatabase();
  const upgraded = newer.after(ledgerSchema.versions);
  await new Run({ "*": () => {} }, { once: d1(() => db) }).take(messageOf({ eventId: "evt_1" }));
  const gate = gateFor(20);
  await Promise.all(Array.from({ length: 20 }, () => withTables(bindingOf(db, gate), upgraded)));
  const { results } = await db.prepare("SELECT version FROM cronozen_schema ORDER BY version").all();
  assert.deepEqual(results, [{ version: 1 }, { version: 2 }, { version: 3 }]);
  const run = new Run({ "*": () => {} }, { once: d1(() => bindingOf(db)) });
  assert.equal(await run.take(messageOf({ eventId: "evt_1" })), "acknowledged");
  assert.equal(await run.take(messageOf({ eventId: "evt_2" })), "acknowledged");
  assert.deepEqual(run.outcomes(), ["duplicate", "handled"]);
  await assert.rejects(withTables(bindingOf(db), { ...upgraded, versions: [...upgraded.versions, ["not SQL"]] }));
});

test("two versions side by side, on an empty database, apply no event twice", async () => {
  const db = await emptyDatabase();
  await db.prepare("CREATE TABLE effects (event_id TEXT NOT NULL)").run();
  const upgraded = newer.after(ledgerSchema.versions);
  const old = consumerOf(db, (binding) => binding);
  // It writes its new column, too.
  const next = consumerOf(db, (binding) => ({
    prepare: (/** @type {string} */ query) =>
      binding.prepare(
        query.startsWith("INSERT INTO cronozen_events")
          ? query.replace("(event_id,", "(region, event_id,").replace("VALUES (", "VALUES ('here', ")
          : query,
      ),
    batch: async (/** @type {any[]} */ statements) => {
      await withTables(db, upgraded);
      return binding.batch(statements);
    },
  }));
  const messages = Array.from({ length: 150 }, (_, number) => messageOf({ eventId: `evt_${number}` }));
  for (let start = 0; start < messages.length; start += 50) {
    const some = messages.slice(start, start + 50);
    await silent(() => Promise.all([old.takeAll(some), next.takeAll([...some].reverse())]));
  }
  const { results } = await db
    .prepare("SELECT count(*) AS effects, count(DISTINCT event_id) AS events FROM effects")
    .all();
  assert.deepEqual(results, [{ effects: 150, events: 150 }]);
  const regions = await db.prepare("SELECT count(region) AS n FROM cronozen_events").first("n");
  assert.ok(regions > 0 && regions < 150, `both versions claimed: ${regions} of 150`);
});

/** @param {any} db @param {(binding: any) => any} change */
function consumerOf(db, change) {
  const binding = change(bindingOf(db));
  const queue = consume(
    { "*": ({ eventId }) => db.prepare("INSERT INTO effects (event_id) VALUES (?)").bind(eventId) },
    { once: d1(() => binding), deadLetters: () => ({ send: async () => assert.fail("a dead letter") }) },
  );
  return {
    /** @param {string[]} bodies */
    async takeAll(bodies) {
      const messages = bodies.map((body, position) => ({
        id: String(position),
        timestamp: new Date(),
        body,
        attempts: 1,
        ack() {},
        retry: () => assert.fail("no attempt fails"),
      }));
      await queue({ queue: "cronozen-events", messages }, {});
    },
  };
}

test("the tables of the dead letters are made by many at once, in the ledger's database or their own", async () => {
  const db = await emptyDatabase();
  const own = await emptyDatabase();
  const uses = Array.from({ length: 20 }, (_, number) => {
    const letters = deadLetters({
      queue: () => undefined,
      events: () => undefined,
      database: () => bindingOf(number % 2 === 0 ? db : own),
      ledger: () => bindingOf(db),
    });
    return letters.ledger({}).then(() => letters.list({}, { limit: 1 }));
  });
  for (const page of await Promise.all(uses)) {
    assert.deepEqual(page, { deadLetters: [], next: null });
  }
  const deadTables = [
    "cronozen_audit",
    "cronozen_dead_letter_totals",
    "cronozen_dead_letters",
    "cronozen_loss_check",
    "cronozen_missing",
    "cronozen_schema",
  ];
  assert.deepEqual(await tablesOf(own), deadTables);
  assert.deepEqual(await tablesOf(db), [...new Set([...ledgerTables, ...deadTables])].sort());
});

test("the dead letters' schema that was made by half is completed, with the right totals", async () => {
  const db = await emptyDatabase();
  const statements = deadLetterSchema.versions[0] ?? assert.fail();
  const [table = "", ...indexes] = statements;
  for (const statement of [table, ...indexes.slice(0, 2)]) {
    await db.prepare(statement).run();
  }
  await db
    .prepare(
      `INSERT INTO cronozen_dead_letters (message_id, queue, stored_at, bytes, text, redriven_at)
       VALUES ('m1', 'q', '2026', 3, 'abc', NULL), ('m2', 'q', '2026', 4, 'abcd', '2026')`,
    )
    .run();
  const letters = deadLetters({ queue: () => undefined, events: () => undefined, ledger: () => db });
  const before = { letters: 2, open: 1, bytes: 7, maxBytes: 250_000_000 };
  assert.deepEqual(await letters.totals({}), before);
  await db.prepare("DELETE FROM cronozen_dead_letters WHERE message_id = 'm1'").run();
  assert.deepEqual(await letters.totals({}), { ...before, letters: 1, open: 0, bytes: 4 });
});

test("the tables of version 1 are upgraded once by 20 at once, and keep their rows", async () => {
  const db = await emptyDatabase();
  const first = [ledgerSchema, deadLetterSchema].map(({ name, versions }) => ({
    name,
    versions: versions.slice(0, 1),
  }));
  for (const schema of first) {
    await withTables(bindingOf(db), schema);
  }
  await db.batch([
    db.prepare("INSERT INTO cronozen_events (event_id, handled_at, outcome) VALUES ('evt_1', '2026', 'handled')"),
    db.prepare(
      `INSERT INTO cronozen_dead_letters (message_id, event_id, queue, stored_at, bytes, text)
       VALUES ('m1', 'evt_2', 'q', '2026', 3, 'abc')`,
    ),
    db.prepare("INSERT INTO cronozen_audit (at, actor, action, details) VALUES ('2026', 'test', 'prune', '{}')"),
  ]);
  assert.ok(!(await tablesOf(db)).includes("cronozen_missing"));
  const acceptedAt = new Date(Date.now() - 7_200_000).toISOString();
  const activity = { accepted: async () => ({ storeId: "one", events: accepted, next: null }) };
  const accepted = ["evt_1", "evt_2", "evt_3"].map((eventId, number) => ({
    position: number + 1,
    at: acceptedAt,
    eventId,
    type: null,
    queued: number + 1,
  }));
  const gate = gateFor(20);
  const uses = Array.from({ length: 20 }, async () => {
    const binding = bindingOf(db, gate);
    const letters = deadLetters({
      queue: () => undefined,
      events: () => undefined,
      ledger: () => binding,
      activity: () => ({ idFromName: String, get: () => activity }),
    });
    await Promise.all([letters.ledger({}), letters.letters({})]);
    return letters;
  });
  const [letters] = await Promise.all(uses);
  const versions = "SELECT name, max(version) AS newest, count(*) AS n FROM cronozen_schema GROUP BY 1 ORDER BY 1";
  assert.deepEqual((await db.prepare(versions).all()).results, [
    { name: "dead_letters", newest: 2, n: 2 },
    { name: "ledger", newest: 2, n: 2 },
  ]);
  assert.deepEqual((await letters?.losses({}))?.events, [], "they were accepted before the first use");
  await db.prepare("UPDATE cronozen_loss_check SET position = 0, known_to = ''").run();
  assert.equal((await letters?.losses({}))?.waiting, 1);
  await db.prepare("UPDATE cronozen_missing SET unaccounted_at = '2026-01-01T00:00:00Z'").run();
  assert.deepEqual((await letters?.losses({}))?.events, [{ eventId: "evt_3", type: null, acceptedAt }]);
  assert.equal((await letters?.totals({}))?.open, 1);
  assert.equal((await letters?.audit({}, { limit: 10 }))?.entries.length, 1);
  const run = new Run({ "*": () => {} }, { once: d1(() => bindingOf(db)) });
  assert.equal(await run.take(messageOf({ eventId: "evt_1" })), "acknowledged");
  assert.deepEqual(run.outcomes(), ["duplicate"]);
});
