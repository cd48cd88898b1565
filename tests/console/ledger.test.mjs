// A ledger of a million rows, with 89,000 ignored events and 100,000 dead letters: what a search reads, and what an event
// writes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { d1, ignore } from "cronozen-edge/consumer";
import { Run } from "../consumer/run.mjs";
import { messageOf } from "../support/messages.mjs";
import { TestConsole } from "./console.mjs";
import { Reads } from "./counting.mjs";

const rows = 1_000_000;

const types = [
  "agent.approval.requested",
  "agent.decision.completed",
  "attendance.verified",
  "certificate.issued",
  "dpu.sealed",
  "dpu.verified",
  "payment.completed",
  "payment.failed",
  "workflow.transitioned",
];

/** @type {TestConsole} */
let tested;
const reads = new Reads();
before(async () => {
  tested = await TestConsole.start();
  await tested.ask("/events");
  const fill = tested.env.DB.prepare(
    // The second of the year 2026 in which each was handled; every 100,000th event has no type.
    `INSERT INTO cronozen_events (event_id, type, created_at, received_at, attempts, handled_at, outcome)
     WITH RECURSIVE number (n) AS (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT n + 1 FROM number WHERE n < ?1 + 99999)
     SELECT 'evt_' || n,
       CASE WHEN n % 100000 = 0 THEN NULL ELSE json_extract(?2, '$[' || (n / 7 % 9) || ']') END,
       strftime('%FT%H:%M:%fZ', 1767225600 + n * 30, 'unixepoch'),
       strftime('%FT%H:%M:%fZ', 1767225601 + n * 30, 'unixepoch'), 1,
       strftime('%FT%H:%M:%fZ', 1767225602 + n * 30, 'unixepoch'), 'handled' FROM number`,
  );
  for (let first = 0; first < rows; first += 100_000) {
    await fill.bind(first, JSON.stringify(types)).run();
  }
  // As many types again, and dead letters that are searched with them.
  await tested.env.DB.prepare(
    `INSERT INTO cronozen_ignored (event_id, type, ignored_at, attempts)
     SELECT 'ignored_' || event_id, type, handled_at, 1 FROM cronozen_events WHERE handled_at < '2026-02-01'`,
  ).run();
  await tested.env.DEAD.prepare(
    `INSERT INTO cronozen_dead_letters (message_id, event_id, type, reason, queue, stored_at, bytes, text)
     WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 99999)
     SELECT 'm' || n, 'dead_' || n, json_extract(?, '$[' || (n % 9) || ']'), 'a test', 'q',
       strftime('%FT%H:%M:%fZ', 1767225600 + n, 'unixepoch'), 800, hex(zeroblob(400)) FROM number`,
  )
    .bind(JSON.stringify(types))
    .run();
  tested.env = { ...tested.env, DB: reads.of(tested.env.DB), DEAD: reads.of(tested.env.DEAD) };
});
after(() => tested.stop());

/** The middle of the year. */
const july = "from=2026-07-01&to=2026-07-02";

for (const [name, path, found] of /** @type {const} */ ([
  ["its id", "/event?id=evt_777777", 1],
  ["an absent id", "/event?id=evt_x", 0],
  ["all", "/events", 50],
  ["type", "/events?type=payment.completed", 50],
  ["time", `/events?${july}`, 50],
  ["a time without events", "/events?from=2025-01-01&to=2025-02-01", 0],
  ["type and time", `/events?type=payment.failed&${july}`, 50],
  ["an absent type", "/events?type=absent", 0],
  ["an absent type and time", `/events?type=absent&${july}`, 0],
  ["a page far back", `/events?before=${encodeURIComponent('{"ledger":["2026-02-01T00:00:00.000Z","evt_5"]}')}`, 50],
])) {
  test(`a search by ${name} among a million events reads few rows`, async (context) => {
    /** @type {number[]} */
    const times = [];
    for (let turn = 0; turn < 9; turn += 1) {
      [reads.rows, reads.sqlMs] = [0, 0];
      const started = performance.now();
      const { answer } = await tested.ask(path);
      times.push(performance.now() - started);
      assert.equal(answer.events?.length ?? Number("history" in answer), found);
    }
    // From each of the three tables come at most the newest 51 rows of ten types, and the index is read for them, too.
    assert.ok(reads.rows <= 9000, `${reads.rows} rows`);
    const [median] = times.sort((one, other) => one - other).slice(4);
    context.diagnostic(`${reads.rows} rows read, median ${median?.toFixed(1)} ms, SQLite ${reads.sqlMs.toFixed(1)} ms`);
  });
}

test("the pages of a day hold each of its events once", async () => {
  const found = [];
  for (let next = ""; next !== null; ) {
    const before = next === "" ? "" : `&before=${encodeURIComponent(next)}`;
    const { answer } = await tested.ask(`/events?limit=200&source=ledger&${july}${before}`);
    found.push(...answer.events.map((/** @type {any} */ { eventId }) => eventId));
    next = answer.next;
  }
  const [first] = found.slice(-1).map((eventId) => Number(eventId.slice(4)));
  assert.deepEqual(
    found,
    Array.from({ length: 2880 }, (_, number) => `evt_${(first ?? 0) + 2879 - number}`),
  );
});

test("an event writes two rows, and an ignored one two, or four while old ones are forgotten", async (context) => {
  const db = await tested.miniflare.getD1Database("DB");
  let written = 0;
  const binding = /** @type {any} */ ({
    prepare: (/** @type {string} */ query) => db.prepare(query),
    batch: async (/** @type {any[]} */ statements) => {
      const results = await db.batch(statements);
      written = results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
      return results;
    },
  });
  const run = new Run({ "dpu.*": ignore, "*": () => {} }, { once: d1(() => binding) });
  /** @type {number[]} */
  const counts = [];
  for (const [eventId, type] of /** @type {const} */ ([
    ["new_0", "payment.completed"],
    ["new_1", "payment.completed"],
    ["new_2", "a.new.type"],
    ["new_3", "dpu.unsealed"],
    ["new_4", "dpu.sealed"],
  ])) {
    await run.take(messageOf({ eventId, type }));
    counts.push(written);
  }
  context.diagnostic(`rows written: ${counts.join(", ")}`);
  assert.deepEqual(counts, [2, 2, 2, 2, 4]);
});
