// The consumer of inside/worker.mjs, in workerd, with D1 and the queues.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { secret } from "../support/messages.mjs";
import { bundled } from "../support/modules.mjs";

/** The most messages in one batch. */
const maxSendBatch = 100;

/** The helper's tables. */
export const claimTables = [
  "CREATE TABLE IF NOT EXISTS cronozen_claims (event_id TEXT PRIMARY KEY, claimed_at TEXT NOT NULL) STRICT, WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS cronozen_newest (entity TEXT PRIMARY KEY, created_at TEXT NOT NULL) STRICT, WITHOUT ROWID",
];

const tables = [
  ...claimTables,
  // No unique key: only the claim prevents a second effect.
  "CREATE TABLE IF NOT EXISTS effects (event_id TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS totals (id INTEGER PRIMARY KEY, effects INTEGER NOT NULL, amount INTEGER NOT NULL)",
  "INSERT OR IGNORE INTO totals VALUES (1, 0, 0)",
  "CREATE TABLE IF NOT EXISTS states (id TEXT PRIMARY KEY, state TEXT NOT NULL)",
];

/** A client of a running consumer. */
export class Client {
  /** @param {string} url */
  constructor(url) {
    this.url = new URL(url);
  }

  /** @param {string} path @param {unknown} body @returns {Promise<any>} */
  async post(path, body) {
    const response = await fetch(new URL(path, this.url), { method: "POST", body: JSON.stringify(body) });
    return response.json();
  }

  /** The rows of each query. @param {...string} queries @returns {Promise<any[]>} */
  async sql(...queries) {
    return this.post("/sql", queries);
  }

  /** @param {unknown[]} messages */
  async send(messages) {
    for (let start = 0; start < messages.length; start += maxSendBatch) {
      await this.post("/send", messages.slice(start, start + maxSendBatch));
    }
  }

  /** @returns {Promise<{ deadLetters: any[], failed: Record<string, number> }>} */
  async observed() {
    return this.post("/observed", null);
  }

  /** The number of effects. @returns {Promise<number>} */
  async effects() {
    const [[{ effects }]] = await this.sql("SELECT count(*) AS effects FROM effects");
    return effects;
  }

  /** Waits until at least `events` are claimed. @param {number} events */
  async claimed(events) {
    while ((await this.claims()) < events) {
      await sleep(50);
    }
  }

  /** Waits until an event has been claimed. @param {string} eventId */
  async claimedOne(eventId) {
    const query = `SELECT count(*) AS claims FROM cronozen_claims WHERE event_id = '${eventId}'`;
    for (let tries = 0; (await this.sql(query))[0][0].claims === 0; tries += 1) {
      assert.ok(tries < 400, `${eventId} has not been claimed`);
      await sleep(25);
    }
  }

  /** The number of claimed events. @returns {Promise<number>} */
  async claims() {
    const [[{ claims }]] = await this.sql("SELECT count(*) AS claims FROM cronozen_claims");
    return claims;
  }
}

export class TestConsumer extends Client {
  /** The lines of its log. @type {Record<string, any>[]} */
  log = [];

  /**
   * @param {{ failing?: number, repeated?: number, storage?: string }} [settings] two percentages; a folder for D1
   */
  static async start(settings = {}) {
    const consumer = new TestConsumer(await bundled("tests/consumer/inside/worker.mjs"), settings);
    try {
      consumer.url = await consumer.miniflare.ready;
      await consumer.sql(...tables);
      return consumer;
    } catch (error) {
      await consumer.stop();
      throw error;
    }
  }

  /** @param {Awaited<ReturnType<typeof bundled>>} modules @param {{ failing?: number, repeated?: number, storage?: string }} settings */
  constructor(modules, { failing = 0, repeated = 0, storage }) {
    super("http://unset");
    this.miniflare = new Miniflare(
      convertV4MiniflareOptions({
        name: "consumer",
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: ({ message }) => this.#logged(message),
        cf: false,
        compatibilityDate: "2026-10-01",
        modulesRoot: "/",
        modules,
        bindings: { CRONOZEN_SIGNING_SECRET: secret, FAILING: failing, REPEATED: repeated },
        ...(storage && { resourcePersistencePath: storage }),
        d1Databases: ["DB"],
        r2Buckets: ["BODIES"],
        queueProducers: { EVENTS: "cronozen-events", DEAD_LETTERS: "cronozen-events-dead" },
        queueConsumers: {
          "cronozen-events": {
            maxBatchSize: 100,
            maxBatchTimeout: 0.05,
            maxRetries: 10,
            deadLetterQueue: "cronozen-events-dead",
          },
          "cronozen-events-dead": { maxBatchTimeout: 0.05 },
        },
      }),
    );
  }

  async stop() {
    await this.miniflare.dispose();
  }

  /** @param {string} message */
  #logged(message) {
    const lines = message.split("\n").filter((line) => line.startsWith("{"));
    this.log.push(...lines.map((line) => JSON.parse(line)));
  }

  /** Waits until nothing is logged for `ms`: no message is left. */
  async quiet(ms = 1500) {
    for (let seen = -1; seen !== this.log.length; ) {
      seen = this.log.length;
      await sleep(ms);
    }
  }

  /** Counts the log lines by outcome. */
  outcomes() {
    /** @type {Record<string, number>} */
    const counted = {};
    for (const { outcome } of this.log) {
      counted[outcome] = (counted[outcome] ?? 0) + 1;
    }
    return counted;
  }
}
