// The Durable Object, controlled by a test.

import { count } from "./faults.mjs";
import { Deduper as RealDeduper } from "./gateway/worker.js";

/** The object with only its storage, which has counters. */
export class Deduper extends RealDeduper {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    this.failing = { query: "" };
    Object.defineProperty(this, "ctx", { value: { storage: counted(ctx.storage, this.failing) } });
    Object.defineProperty(this, "env", { value: {} });
    this.real = ctx;
  }

  /** @param {string} eventId @param {boolean} ignoresRow @param {number} waitMs */
  acquire(eventId, ignoresRow, waitMs) {
    count("object acquire");
    return super.acquire(eventId, ignoresRow, waitMs);
  }

  async rows() {
    const rows = this.real.storage.sql.exec("SELECT * FROM seen ORDER BY event_id").toArray();
    return { rows, alarm: await this.real.storage.getAlarm() };
  }

  /** @param {[eventId: string, endsAt: number][]} rows */
  async insert(rows) {
    // Creates the table.
    await this.alarm();
    for (const row of rows) {
      this.real.storage.sql.exec("INSERT INTO seen (event_id, ends_at) VALUES (?, ?)", ...row);
    }
  }

  /** @param {string[]} eventIds */
  async end(eventIds) {
    for (const eventId of eventIds) {
      this.real.storage.sql.exec("UPDATE seen SET ends_at = 0 WHERE event_id = ?", eventId);
    }
  }

  /** @param {number} at */
  async wake(at) {
    await this.real.storage.setAlarm(at);
  }

  async purge() {
    await this.alarm();
  }

  async unset() {
    await this.real.storage.deleteAlarm();
  }

  /** Makes the next query with this beginning fail. @param {string} query */
  async failNext(query) {
    this.failing.query = query;
  }

  async restart() {
    this.real.abort("asked for by a test");
  }
}

/** @param {any} storage @param {{ query: string }} failing the beginning of the query that fails once */
function counted(storage, failing) {
  return {
    sql: {
      /** @param {string} query @param {...any} values */
      exec(query, ...values) {
        if (failing.query !== "" && query.startsWith(failing.query)) {
          failing.query = "";
          throw new Error("asked for by a test");
        }
        const cursor = storage.sql.exec(query, ...values);
        const rows = cursor.toArray();
        count("rows written", cursor.rowsWritten);
        count("rows read", cursor.rowsRead);
        return { toArray: () => rows };
      },
    },
    getAlarm: () => storage.getAlarm(),
    /** @param {number} at */
    setAlarm(at) {
      count("alarms set");
      return storage.setAlarm(at);
    },
  };
}
