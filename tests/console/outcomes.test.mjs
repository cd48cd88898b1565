// Counts of what became of events, by period, and what they read.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { TestConsole } from "./console.mjs";
import { Reads } from "./counting.mjs";

/** @type {TestConsole} */
let tested;
/** The databases, uncounted. @type {{ DB: any, DEAD: any }} */
let databases;
const reads = new Reads();
before(async () => {
  tested = await TestConsole.start();
  await tested.ask("/events");
  databases = { DB: tested.env.DB, DEAD: tested.env.DEAD };
  tested.env = { ...tested.env, DB: reads.of(databases.DB), DEAD: reads.of(databases.DEAD) };
});
after(() => tested.stop());

beforeEach(async () => {
  for (const table of ["events", "ignored"]) {
    await databases.DB.prepare(`DELETE FROM cronozen_${table}`).run();
  }
  await databases.DEAD.prepare("DELETE FROM cronozen_dead_letters").run();
});

let events = 0;

/** @param {string} at @param {string | null} type @param {string} [outcome] */
async function handle(at, type, outcome = "handled") {
  events += 1;
  await databases.DB.prepare(
    "INSERT INTO cronozen_events (event_id, type, attempts, handled_at, outcome) VALUES (?, ?, 1, ?, ?)",
  )
    .bind(`evt_${events}`, type, at, outcome)
    .run();
}

/** @param {string} at @param {string | null} type */
async function ignore(at, type) {
  events += 1;
  await databases.DB.prepare("INSERT INTO cronozen_ignored (event_id, type, ignored_at) VALUES (?, ?, ?)")
    .bind(`evt_${events}`, type, at)
    .run();
}

/** @param {string} at @param {string | null} type */
async function bury(at, type) {
  events += 1;
  await databases.DEAD.prepare(
    `INSERT INTO cronozen_dead_letters (message_id, event_id, type, queue, stored_at, bytes, text)
     VALUES (?1, ?1, ?2, 'q', ?3, 1, 'x')`,
  )
    .bind(`evt_${events}`, type, at)
    .run();
}

/** @param {string} query */
async function outcomes(query) {
  const { status, answer } = await tested.ask(`/outcomes?${query}`);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer;
}

/** @param {string} at @param {object} counts */
const period = (at, counts) => ({ at, handled: 0, outdated: 0, ignored: 0, dead: 0, ...counts });

const day = "from=2026-11-24&to=2026-11-26";

test("what became of events is counted by minute, hour and day, over all types and without one", async () => {
  await handle("2026-11-24T06:55:00.000Z", "payment.completed");
  await handle("2026-11-24T06:55:59.999Z", null);
  await handle("2026-11-24T06:56:00.000Z", "payment.failed", "outdated");
  await ignore("2026-11-24T06:56:30.000Z", "dpu.sealed");
  await ignore("2026-11-24T23:59:59.999Z", null);
  await bury("2026-11-24T06:55:10.000Z", "payment.completed");
  await bury("2026-11-25T00:00:00.000Z", null);
  const from = "2026-11-24T00:00:00.000Z";
  const range = { from, to: "2026-11-26T00:00:00.000Z", countedFrom: from };
  assert.deepEqual(await outcomes(`${day}&by=minute`), {
    by: "minute",
    ...range,
    periods: [
      period("2026-11-24T06:55:00.000Z", { handled: 2, dead: 1 }),
      period("2026-11-24T06:56:00.000Z", { outdated: 1, ignored: 1 }),
      period("2026-11-24T23:59:00.000Z", { ignored: 1 }),
      period("2026-11-25T00:00:00.000Z", { dead: 1 }),
    ],
  });
  assert.deepEqual(await outcomes(`${day}&by=hour`), {
    by: "hour",
    ...range,
    periods: [
      period("2026-11-24T06:00:00.000Z", { handled: 2, outdated: 1, ignored: 1, dead: 1 }),
      period("2026-11-24T23:00:00.000Z", { ignored: 1 }),
      period("2026-11-25T00:00:00.000Z", { dead: 1 }),
    ],
  });
  assert.deepEqual((await outcomes(`${day}&by=day`)).periods, [
    period("2026-11-24T00:00:00.000Z", { handled: 2, outdated: 1, ignored: 2, dead: 1 }),
    period("2026-11-25T00:00:00.000Z", { dead: 1 }),
  ]);
});

test("an event that was erased before it was handled does not count", async () => {
  await handle("2026-11-24T06:00:00.000Z", "payment.completed", "erased");
  assert.deepEqual((await outcomes(day)).periods, []);
});

test("the range begins with a whole period, and ends before its end", async () => {
  await handle("2026-11-24T06:00:00.000Z", "payment.completed");
  await handle("2026-11-24T07:00:00.000Z", "payment.completed");
  const { from, countedFrom, periods } = await outcomes("from=2026-11-24T06:30:00Z&to=2026-11-24T07:00:00Z");
  assert.deepEqual([from, countedFrom], Array(2).fill("2026-11-24T06:00:00.000Z"));
  assert.deepEqual(periods, [period("2026-11-24T06:00:00.000Z", { handled: 1 })]);
  await handle(new Date().toISOString(), "payment.completed");
  const { by, from: start, to, periods: newest } = await outcomes("");
  const hours = (Date.parse(to) - Date.parse(start)) / 3_600_000;
  assert.ok(by === "hour" && hours >= 48 && hours < 49.1, `${hours} hours`);
  assert.deepEqual(
    newest.map((/** @type {any} */ { handled }) => handled),
    [1],
  );
  for (const query of ["by=week", "from=yesterday", "type=a", "by=hour&by=day"]) {
    assert.equal((await tested.ask(`/outcomes?${query}`)).status, 400, query);
  }
});

/** Fills the three tables with an event each second, of so many types. @param {number} rows @param {number} types */
async function fill(rows, types) {
  const numbers = "WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < ?1 - 1)";
  const values = "'type.' || (n % ?2), strftime('%FT%H:%M:%fZ', 1795478400 + n, 'unixepoch')";
  for (const [db, insert] of /** @type {const} */ ([
    ["DB", `events (event_id, type, handled_at, outcome) ${numbers} SELECT 'e' || n, ${values}, 'handled'`],
    ["DB", `ignored (event_id, type, ignored_at) ${numbers} SELECT 'i' || n, ${values}`],
    [
      "DEAD",
      `dead_letters (message_id, type, stored_at, queue, bytes, text) ${numbers} SELECT 'm' || n, ${values}, 'q', 1, 'x'`,
    ],
  ])) {
    await databases[db].prepare(`INSERT INTO cronozen_${insert} FROM number`).bind(rows, types).run();
  }
}

for (const types of [1, 9, 200, 201]) {
  test(`of ${types} types, at most 50,000 rows are read, and each period that is shown is whole`, async (context) => {
    await fill(40_000, types);
    const least = types > 200 ? 0 : 40_000;
    for (const by of ["minute", "hour"]) {
      [reads.rows, reads.sqlMs] = [0, 0];
      const { to, countedFrom, periods } = await outcomes(`${day}&by=${by}`);
      const all = periods.reduce((/** @type {number} */ sum, /** @type {any} */ { handled }) => sum + handled, 0);
      context.diagnostic(`by ${by}: ${reads.rows} rows read, SQLite ${reads.sqlMs} ms, ${all} events counted`);
      assert.ok(reads.rows <= 50_000 && reads.rows >= least, `${reads.rows} rows`);
      if (types > 200) {
        assert.deepEqual([countedFrom, periods], [to, []], "there are too many types");
        continue;
      }
      assert.ok(countedFrom > "2026-11-24" && countedFrom < to, countedFrom);
      // The last one ends with the events, after 40,000 s.
      for (const { at, ...counts } of periods.slice(0, -1)) {
        const each = by === "minute" ? 60 : 3600;
        assert.deepEqual(counts, { handled: each, outdated: 0, ignored: each, dead: each }, at);
      }
      assert.ok(periods.every((/** @type {any} */ { at }) => at >= countedFrom));
    }
  });
}

test("a type whose newest period alone is larger than its share is not shown in part", async () => {
  await fill(40_000, 1);
  const { countedFrom, periods } = await outcomes(`${day}&by=day`);
  assert.deepEqual([countedFrom, periods], ["2026-11-25T00:00:00.000Z", []]);
});

test("three queries find all in the indexes alone", async () => {
  reads.queries = [];
  await outcomes(day);
  const queries = reads.queries.filter((query) => query.includes("beginning"));
  assert.equal(queries.length, 3);
  for (const query of queries) {
    const db = query.includes("dead_letters") ? databases.DEAD : databases.DB;
    const { results } = await db.prepare(`EXPLAIN QUERY PLAN ${query}`).bind(13, "", "9").all();
    const steps = results.map((/** @type {any} */ { detail }) => detail);
    const found = steps.filter((/** @type {string} */ detail) => detail.includes("cronozen_"));
    assert.equal(found.length, 4, steps.join("\n"));
    for (const step of found) {
      assert.match(step, /^SEARCH cronozen_\w+ (EXISTS )?USING COVERING INDEX cronozen_\w+_by_type/);
    }
  }
});
