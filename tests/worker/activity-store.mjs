// The store of the object `Activity` over a database in memory, with a clock that a test sets.

import { DatabaseSync } from "node:sqlite";

/** @type {typeof import("../../src/js/activity-store.ts")} */
const { ActivityStore } = await import(new URL("../../build/worker/activity-store.js", import.meta.url).href);

const pageBytes = 4096;

/** @typedef {import("../../src/js/activity-sources.ts").Gateway} Gateway */

/** @type {Gateway} */
export const gateway = { deployment: "d1", tag: null, health: '{"status":"ok","secrets":1}' };

export class TestStore {
  #database = new DatabaseSync(":memory:");
  rowsWritten = 0;
  /** Makes the next statement that begins with this text fail. */
  failing = "";
  /** @type {Record<string, { number: number, written: number }>} */
  #isolates = {};

  /** @param {number} start in milliseconds since 1970 */
  constructor(start = Date.UTC(2026, 10, 1)) {
    this.now = start;
    this.store = this.#open();
  }

  /** Opens the store again, as after the object has ended: only what was written is left. */
  restart() {
    this.store = this.#open();
  }

  #open() {
    const database = this.#database;
    const storage = {
      sql: {
        exec: (/** @type {string} */ query, /** @type {any[]} */ ...values) => {
          if (this.failing !== "" && query.startsWith(this.failing)) {
            this.failing = "";
            throw new Error("database or disk is full: SQLITE_FULL");
          }
          const rows = database.prepare(query).all(...values);
          const isWrite = /^(INSERT|UPDATE|DELETE)/.test(query);
          const rowsWritten = isWrite ? Number(database.prepare("SELECT changes() AS n").get()?.n) : 0;
          this.rowsWritten += rowsWritten;
          return { toArray: () => rows, rowsWritten };
        },
        get databaseSize() {
          return Number(database.prepare("PRAGMA page_count").get()?.page_count) * pageBytes;
        },
      },
      transactionSync: (/** @type {() => any} */ work) => {
        database.exec("BEGIN");
        try {
          const result = work();
          database.exec("COMMIT");
          return result;
        } catch (error) {
          database.exec("ROLLBACK");
          throw error;
        }
      },
    };
    return new ActivityStore(/** @type {any} */ (storage), () => this.now);
  }

  /** The number of rows in a table. @param {string} table */
  rows(table) {
    return Number(this.#database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  }

  get bytes() {
    return Number(this.#database.prepare("PRAGMA page_count").get()?.page_count) * pageBytes;
  }

  /**
   * Flushes lines of an isolate, and writes them if the object would.
   *
   * @param {object[]} lines
   * @param {{ isolate?: string, from?: Gateway, counts?: any[], dropped?: number }} [options]
   */
  flush(lines, { isolate = "i", from = gateway, counts = [], dropped = 0 } = {}) {
    const state = this.#isolates[isolate] ?? { number: 0, written: 0 };
    const counted = counts.reduce((sum, { deliveries }) => sum + deliveries, 0);
    const batch = {
      isolate,
      number: state.number + 1,
      from: state.written,
      to: state.written + lines.length + counted + dropped,
      lines: lines.map((line) => JSON.stringify(line)),
      counts,
    };
    this.#isolates[isolate] = { number: batch.number, written: batch.to };
    this.take(batch, from);
    return batch;
  }

  /** @param {any} batch @param {Gateway} [from] */
  take(batch, from = gateway) {
    this.store.add(batch, from);
    if (this.store.msUntilWrite() <= 0) {
      this.store.write();
    }
  }

  get at() {
    return new Date(this.now).toISOString();
  }

  /** @param {string} eventId @param {object} [fields] */
  accepted(eventId, fields) {
    const event = { eventId, type: "payment.completed", bytes: 1024, ms: 31, dedupe: "new", key: 0 };
    return { at: this.at, outcome: "accepted", code: "accepted", ...event, ...source, ...fields };
  }

  /** @param {object} [fields] */
  forged(fields) {
    const reason = `signature mismatch: ${"no active secret matches the body. ".repeat(7)}`;
    return {
      at: this.at,
      outcome: "rejected",
      code: "invalid_signature",
      reason,
      bytes: 300,
      ms: 2,
      ...source,
      ...fields,
    };
  }

  /** @param {string} eventId */
  failed(eventId) {
    const event = { eventId, type: "payment.completed", bytes: 1024, ms: 3750, key: 0 };
    const reason = "queue send timed out after 3750 ms";
    return { at: this.at, outcome: "failed", code: "unavailable", reason, ...event, ...source };
  }

  /** The sums of a time's codes. @param {{ by?: "minute" | "hour" | "day", from?: string, to?: string }} [query] */
  codes({ by = "day", from = "2000", to = "2100" } = {}) {
    /** @type {Record<string, number>} */
    const sums = {};
    for (const { codes } of this.store.summary({ by, from, to }).periods) {
      for (const [code, deliveries] of Object.entries(codes)) {
        sums[code] = (sums[code] ?? 0) + deliveries;
      }
    }
    return sums;
  }
}

const source = { address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", ray: "8c1d1d2f3a4b5c6d-FRA" };
