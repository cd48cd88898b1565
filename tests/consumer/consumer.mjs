// The consumer of inside/worker.mjs, in workerd, with D1 and the queues.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { secret, token } from "../support/messages.mjs";
import { bundled } from "../support/modules.mjs";
import { Killable } from "../support/processes.mjs";

/** The most messages in one batch. */
const maxSendBatch = 100;

const tables = [
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

  /** @returns {Promise<{ failed: Record<string, number> }>} */
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
    for (let tries = 0; (await this.claims(`event_id = '${eventId}'`)) === 0; tries += 1) {
      assert.ok(tries < 400, `${eventId} has not been claimed`);
      await sleep(25);
    }
  }

  /** The number of claimed events; the table is made at the first use. @param {string} [condition] @returns {Promise<number>} */
  async claims(condition = "true") {
    const [[{ tables }]] = await this.sql(
      "SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'cronozen_events'",
    );
    if (tables === 0) {
      return 0;
    }
    const [[{ claims }]] = await this.sql(`SELECT count(*) AS claims FROM cronozen_events WHERE ${condition}`);
    return claims;
  }

  /** The rows of the dead letters; the table is made at the first use. @param {string} columns @returns {Promise<any[]>} */
  async deadLetters(columns) {
    const [tables] = await this.sql("SELECT 1 FROM sqlite_schema WHERE name = 'cronozen_dead_letters'");
    return tables.length === 0 ? [] : (await this.sql(`SELECT ${columns} FROM cronozen_dead_letters ORDER BY id`))[0];
  }

  /** What the console knows of an event. @param {string} eventId @returns {Promise<any>} */
  async event(eventId) {
    return this.api(`event?id=${encodeURIComponent(eventId)}`);
  }

  /** Asks the admin API. @param {string} path @param {object} [change] @returns {Promise<any>} undefined if there is none */
  async api(path, change) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const request = change === undefined ? {} : { method: "POST", body: JSON.stringify(change) };
    const response = await fetch(new URL(`/console/api/${path}`, this.url), { headers, ...request });
    if (response.status === 404) {
      return undefined;
    }
    assert.equal(response.status, 200, path);
    return response.json();
  }
}

/** A consumer in a process of its own, whose D1 outlives it. Made at the top of a file of tests. */
export class KillableConsumer {
  #storage = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  #process = new Killable(fileURLToPath(new URL("crash-consumer.mjs", import.meta.url)));

  constructor() {
    after(async () => {
      await this.kill();
      rmSync(this.#storage, { recursive: true });
    });
  }

  async start() {
    return new Client(await this.#process.start(this.#storage));
  }

  async kill() {
    await this.#process.kill();
  }
}

export class TestConsumer extends Client {
  /** The lines of its log. @type {Record<string, any>[]} */
  log = [];

  /**
   * @param {{ failing?: number, repeated?: number, sendMs?: number, storage?: string }} [settings] two percentages; how long a redrive sends; a folder for D1
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

  /** @param {Awaited<ReturnType<typeof bundled>>} modules @param {{ failing?: number, repeated?: number, sendMs?: number, storage?: string }} settings */
  constructor(modules, { failing = 0, repeated = 0, sendMs = 0, storage }) {
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
        bindings: {
          CRONOZEN_SIGNING_SECRET: secret,
          ADMIN_TOKEN: token,
          FAILING: failing,
          REPEATED: repeated,
          SEND_MS: sendMs,
        },
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
