// Alerts in this process: over SQLite, a clock that the test sets, and activity in memory.

import assert from "node:assert/strict";
import { mock } from "node:test";
import { alerts } from "cronozen-edge/alerts";
import { deadLetters } from "cronozen-edge/consumer";
import { silent } from "../support/log.mjs";
import { SqliteDatabase } from "./database.mjs";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A Monday. */
export const start = Date.UTC(2026, 10, 2);

export class TestAlerts {
  /** @type {import("cronozen-edge/alerts").Message[]} */
  messages = [];
  /** @type {Record<string, any>[]} */
  lines = [];
  /** Deliveries by the minute of their arrival. @type {Map<number, { at: string, codes: Record<string, number>, others: Record<string, number>, mismatches: number }>} */
  minutes = new Map();
  /** @type {any} */
  metrics;
  losses = { lost: 0, events: /** @type {{ eventId: string, type: string | null }[]} */ ([]) };
  now = start;
  db = new SqliteDatabase();
  dead = new SqliteDatabase();
  /** @type {any} */
  sink = { name: "test", send: async (/** @type {any} */ message) => void this.messages.push(message) };

  /** @param {any} [options] */
  constructor(options = {}) {
    mock.timers.enable({ apis: ["Date"], now: start });
    /** @type {any} */
    const letters = deadLetters({
      queue: () => undefined,
      events: () => ({ send: async () => {}, metrics: async () => this.metrics ?? { backlogCount: 0 } }),
      database: () => /** @type {any} */ (this.dead),
      ledger: () => /** @type {any} */ (this.db),
      maxBytes: 1000,
    });
    this.letters = {
      ...letters,
      activity: () => ({ summary: (/** @type {any} */ query) => this.summary(query) }),
      losses: async () => this.losses,
    };
    this.options = {
      deadLetters: this.letters,
      sinks: () => [this.sink],
      console: "https://edge.example.com/console",
      ...options,
    };
    this.scheduled = alerts({ ...this.options, sinks: (env) => this.options.sinks(env) });
  }

  stop() {
    mock.timers.reset();
  }

  /** @param {{ by: string, from: string, to: string }} query */
  async summary({ by, from, to }) {
    const periods = [];
    const [first, end] = [Date.parse(from), Date.parse(to)];
    if (by === "minute") {
      for (let at = first; at < end; at += minute) {
        const period = this.minutes.get(at);
        if (period !== undefined) {
          periods.push(period);
        }
      }
      return { periods };
    }
    const unit = by === "hour" ? hour : day;
    const all = [...this.minutes.values()].filter(({ at }) => at < to);
    const longer = all.map((one) => ({
      ...one,
      at: new Date(Math.floor(Date.parse(one.at) / unit) * unit).toISOString(),
    }));
    return { periods: longer.filter(({ at }) => at >= from).sort((one, other) => (one.at < other.at ? -1 : 1)) };
  }

  /** Counts deliveries that arrive now. @param {string} code @param {number} [count] */
  deliver(code, count = 1, at = this.now) {
    const beginning = Math.floor(at / minute) * minute;
    const period = this.minutes.get(beginning) ?? {
      at: new Date(beginning).toISOString(),
      codes: {},
      others: {},
      mismatches: 0,
    };
    this.minutes.set(beginning, period);
    const isMismatch = code === "mismatch";
    const name = isMismatch ? "invalid_signature" : code;
    period.codes[name] = (period.codes[name] ?? 0) + count;
    period.mismatches += isMismatch ? count : 0;
  }

  /** Runs at this time, a number of milliseconds after the last one. @param {number} [ms] */
  async run(ms = 5 * minute) {
    this.pass(ms);
    const lines = await silent(() => this.scheduled({}, {}));
    this.lines.push(...lines);
    return lines;
  }

  /** @param {number} ms */
  pass(ms) {
    this.now += ms;
    mock.timers.setTime(this.now);
  }

  /** @param {string} query @param {...any} values */
  inLetters(query, ...values) {
    return this.dead.query(query, ...values);
  }

  /** Puts an event into the ledger as handled now. @param {string} eventId @param {number} receivedAt @param {number} [attempts] @param {string | null} [type] */
  handle(eventId, receivedAt, attempts = 1, type = "payment.completed", at = this.now) {
    this.db.query(
      `INSERT INTO cronozen_events (event_id, type, received_at, handled_at, attempts, outcome)
       VALUES (?, ?, ?, ?, ?, 'handled')`,
      eventId,
      type,
      new Date(receivedAt).toISOString(),
      new Date(at).toISOString(),
      attempts,
    );
  }

  /** Stores a dead letter. @param {Record<string, any>} [fields] */
  bury({ eventId = "evt_1", type = "payment.completed", reason = "Error: closed", bytes = 10 } = {}) {
    this.inLetters(
      `INSERT INTO cronozen_dead_letters (message_id, event_id, type, reason, queue, stored_at, bytes, text)
       VALUES (?, ?, ?, ?, 'q', ?, ?, '')`,
      crypto.randomUUID(),
      eventId,
      type,
      reason,
      new Date(this.now).toISOString(),
      bytes,
    );
  }

  /** The kinds and rules of the messages since the last call. */
  took() {
    return this.messages.splice(0).map(({ kind, rule }) => `${kind} ${rule}`);
  }

  /** The open incidents' rules. */
  open() {
    return this.inLetters("SELECT rule FROM cronozen_incidents WHERE closed_at IS NULL ORDER BY id").map(
      ({ rule }) => rule,
    );
  }

  /** Has the tables made, by a run in which nothing is wrong. */
  async begin() {
    await this.run(0);
    assert.deepEqual(this.took(), []);
    assert.deepEqual(this.lines, []);
  }
}
