// The Durable Object as a test wants it.

import { count, KvNamespace, Queue, queueOf } from "./faults.mjs";
import { Deduper as RealDeduper } from "./gateway/worker.mjs";

/**
 * What goes wrong inside the objects, by event: Worker and objects share an isolate here.
 *
 * @type {Map<string, Record<string, unknown>>}
 */
export const objectFaults = new Map();

/** The object, with faults and counters around what it uses. */
export class Deduper extends RealDeduper {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    this.failing = { query: "" };
    Object.defineProperty(this, "ctx", { value: { storage: counted(ctx.storage, this.failing) } });
    Object.defineProperty(this, "env", { value: { ...env, ...misbehaving(env) } });
    this.real = ctx;
  }

  /** @param {any} call */
  commit(call) {
    count("object commit");
    return super.commit(call);
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

  /** The next query that begins so fails. @param {string} query */
  async failNext(query) {
    this.failing.query = query;
  }

  async restart() {
    this.real.abort("asked for by a test");
  }
}

/** @param {any} storage @param {{ query: string }} failing how the query begins that is to fail once */
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

/** @param {any} env */
function misbehaving(env) {
  return {
    SEEN: {
      /** @param {string} key @param {...any} args */
      get(key, ...args) {
        return new KvNamespace(env.SEEN, objectFaults.get(key.slice("seen:".length)) ?? {}).get(key, ...args);
      },
      put: () => {},
    },
    EVENTS: {
      /** @param {string} text @param {...any} args */
      send(text, ...args) {
        return new Queue(queueOf(env), objectFaults.get(JSON.parse(text).eventId) ?? {}).send(text, ...args);
      },
    },
  };
}
