// The cost of reading the ledger: a run reads a few rows, however many there are.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readLedger } from "../../pkg/src/alerts/ledger.ts";
import { deadLetterSchema, ledgerSchema, withTables } from "../../pkg/src/consumer/schema.ts";
import { miniflareWith } from "../support/bindings.mjs";

const miniflare = miniflareWith({ d1Databases: ["DB"] });
/** @type {any} */
let db;
before(async () => {
  db = await miniflare.getD1Database("DB");
  await withTables(db, ledgerSchema);
  await withTables(db, deadLetterSchema);
});
after(() => miniflare.dispose());

/** A database whose calls count the rows that they read. @returns {any} */
function counting() {
  const counted = {
    rows: 0,
    /** @param {any} result */
    count(result) {
      counted.rows += result.meta.rows_read;
      return result;
    },
    /** @param {any} statement @returns {any} */
    wrap: (statement) => ({
      statement,
      bind: (/** @type {any[]} */ ...values) => counted.wrap(statement.bind(...values)),
      all: async () => counted.count(await statement.all()),
    }),
    prepare: (/** @type {string} */ query) => counted.wrap(db.prepare(query)),
    batch: async (/** @type {any[]} */ statements) => {
      const results = await db.batch(statements.map(({ statement }) => statement));
      return results.map(counted.count);
    },
  };
  return counted;
}

test("of 100,000 events of 10 types, a run reads 10 rows a type and those of the last 15 minutes", async (context) => {
  const now = Date.UTC(2026, 10, 30);
  // One a minute. Each of the last 15 minutes has one; five of them were late.
  await db
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 99999)
       INSERT INTO cronozen_events (event_id, type, received_at, handled_at, attempts, outcome)
       SELECT 'evt_' || n, nullif('type.' || (n % 10), 'type.9'),
         strftime('%Y-%m-%dT%H:%M:%fZ', ?1 - n * 60 - iif(n % 3 = 0, 1000, 1), 'unixepoch'),
         strftime('%Y-%m-%dT%H:%M:%fZ', ?1 - n * 60, 'unixepoch'), 1, 'handled' FROM numbers`,
    )
    .bind(now / 1000)
    .run();
  const counted = counting();
  const signal = await readLedger({ ledger: counted, letters: counted }, now, 15);
  assert.deepEqual(signal.late.map(({ eventId }) => eventId).sort(), [
    "evt_0",
    "evt_12",
    "evt_15",
    "evt_3",
    "evt_6",
    "evt_9",
  ]);
  assert.equal(signal.progressAt, "2026-11-30T00:00:00.000Z");
  assert.ok(signal.bytes > 10_000_000, `${signal.bytes} bytes`);
  context.diagnostic(`${counted.rows} rows read`);
  assert.ok(counted.rows < 200, `${counted.rows} rows read`);
});
