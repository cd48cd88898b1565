// The gateway and the starter's consumer with its own migrations, in one workerd.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { secret, token } from "../support/messages.mjs";
import { builtModules, bundled } from "../support/modules.mjs";

const migrations = join(root, "examples", "starter", "migrations");

/** The longest wait for the queue. */
const patienceMs = 20_000;

/** As in the starter's settings, but faster. */
const consumers = {
  "cronozen-events": { maxBatchTimeout: 0.05, maxRetries: 10, retryDelay: 0, deadLetterQueue: "cronozen-events-dead" },
  "cronozen-events-dead": { maxBatchTimeout: 0.05, maxRetries: 100, retryDelay: 0 },
};

/**
 * @typedef {{ eventId: string, type: string, createdAt: string, data?: unknown }} Event
 * @typedef {Record<string, any>} Row
 */

export class Starter {
  /** The Workers' log lines. @type {string[]} */
  log = [];

  /** @param {Record<string, string>} [secrets] */
  static async start(secrets = { ADMIN_TOKEN: token }) {
    const starter = new Starter(await bundled("tests/consumer/hurried/worker.js"), secrets);
    try {
      starter.url = await starter.miniflare.ready;
      await starter.migrate();
    } catch (error) {
      await starter.stop();
      throw error;
    }
    return starter;
  }

  /** @param {Awaited<ReturnType<typeof bundled>>} modules @param {Record<string, string>} secrets */
  constructor(modules, secrets) {
    this.url = new URL("http://unset");
    const common = { compatibilityDate: "2026-10-01", modulesRoot: "/" };
    this.miniflare = new Miniflare(
      convertV4MiniflareOptions({
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: ({ message }) => this.log.push(...message.trim().split("\n")),
        cf: false,
        workers: [
          {
            ...common,
            name: "consumer",
            modules,
            bindings: { CRONOZEN_SIGNING_SECRET: secret, ...secrets },
            d1Databases: ["DB", "DEAD_LETTERS_DB"],
            queueProducers: { EVENTS: "cronozen-events", DEAD_LETTERS: "cronozen-events-dead" },
            queueConsumers: consumers,
            durableObjects: { ACTIVITY: { className: "Activity", scriptName: "gateway", useSQLite: true } },
          },
          {
            ...common,
            name: "gateway",
            modules: builtModules(join(root, "build", "worker"), "/gateway"),
            bindings: { CRONOZEN_SIGNING_SECRET: secret },
            kvNamespaces: ["SEEN"],
            queueProducers: { EVENTS: "cronozen-events" },
            durableObjects: {
              DEDUPER: { className: "Deduper", useSQLite: true },
              ACTIVITY: { className: "Activity", useSQLite: true },
            },
          },
        ],
      }),
    );
  }

  async stop() {
    await this.miniflare.dispose();
  }

  async migrate() {
    for (const name of readdirSync(migrations).sort()) {
      const statements = readFileSync(join(migrations, name), "utf8").replaceAll(/--.*/g, "").split(";");
      await this.sql(...statements.filter((statement) => statement.trim() !== ""));
    }
  }

  /**
   * Runs statements, and returns the last one's rows.
   *
   * @param {...string} statements
   * @returns {Promise<Row[]>}
   */
  async sql(...statements) {
    return this.#sql("DB", statements);
  }

  /** The same, in the database of the dead letters. @param {...string} statements */
  async deadSql(...statements) {
    return this.#sql("DEAD_LETTERS_DB", statements);
  }

  /** @param {string} binding @param {string[]} statements @returns {Promise<Row[]>} */
  async #sql(binding, statements) {
    const db = await this.miniflare.getD1Database(binding, "consumer");
    const results = await db.batch(statements.map((statement) => db.prepare(statement)));
    return /** @type {any} */ (results.at(-1)?.results ?? []);
  }

  /** Delivers an event to the gateway, and returns the status. @param {Event} event */
  async deliver(event) {
    // Not as JSON.stringify writes it by default.
    const body = JSON.stringify(event, null, 1);
    const gateway = await this.miniflare.getWorker("gateway");
    const response = await gateway.fetch(`http://gateway${webhookPath}`, {
      method: "POST",
      body,
      headers: { "x-cronozen-signature": sign(body, secret) },
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Sends messages to a queue in one batch. @param {unknown[]} bodies @param {"EVENTS" | "DEAD_LETTERS"} [queue] */
  async queue(bodies, queue = "EVENTS") {
    const producer = await this.miniflare.getQueueProducer(queue, "consumer");
    const messages = bodies.map((body) => ({ body, contentType: typeof body === "string" ? "text" : "json" }));
    await producer.sendBatch(/** @type {any} */ (messages));
  }

  /**
   * Sends a request to the admin API.
   *
   * @param {string} path
   * @param {{ method?: string, authorization?: string | null, body?: string, minutesAhead?: number }} [request]
   */
  async ask(path, { method = "GET", authorization = `Bearer ${token}`, body, minutesAhead = 0 } = {}) {
    const headers = {
      "content-type": "application/json",
      "x-test-minutes-ahead": String(minutesAhead),
      ...(authorization !== null && { authorization }),
    };
    const url = new URL(`/console/api${path}`, this.url);
    const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, answer: text === "" ? null : JSON.parse(text) };
  }

  /** @param {string} path @param {object} body */
  post(path, body) {
    return this.ask(path, { method: "POST", body: JSON.stringify(body) });
  }

  /** Redrives all open dead letters up to now, step by step, and returns the answers. @returns {Promise<Row[]>} */
  async redriveAll() {
    const { upTo } = (await this.post("/dead-letters/redrive", { dryRun: true })).answer;
    const answers = [];
    for (let after = 0; after !== null; ) {
      const { answer } = await this.post("/dead-letters/redrive", { upTo, after });
      answers.push(answer);
      after = answer.next;
    }
    return answers;
  }

  /** An event's dead letters, the oldest first, redriven or not. @param {string} eventId @returns {Promise<Row[]>} */
  async lettersOf(eventId) {
    return (await this.ask(`/dead-letters?state=all&eventId=${eventId}`)).answer.deadLetters.reverse();
  }

  /** Waits for at least `least` dead letters of an event. @param {string} eventId @param {number} [least] */
  async deadLettersOf(eventId, least = 1) {
    return this.until(async () => {
      const own = await this.lettersOf(eventId);
      return own.length >= least ? own : undefined;
    }, `${least} dead letters of ${eventId}`);
  }

  /** Waits for at least `least` final outcomes of an event. @param {string} eventId @param {number} [least] */
  async outcomes(eventId, least = 1) {
    return this.until(async () => {
      const lines = this.logged(eventId).filter(({ outcome }) =>
        ["handled", "duplicate", "outdated", "ignored", "dead"].includes(outcome),
      );
      return lines.length >= least ? lines.map(({ outcome }) => outcome) : undefined;
    }, `${least} outcomes of ${eventId}`);
  }

  /** The consumer's lines with `text`; the gateway's have a code. @param {string} text @returns {Row[]} */
  logged(text) {
    const lines = this.log.filter((line) => line.startsWith("{") && line.includes(text));
    return lines.map((line) => JSON.parse(line)).filter(({ code }) => code === undefined);
  }

  /**
   * @template T
   * @param {() => Promise<T | undefined>} look
   * @param {string} what
   * @returns {Promise<T>}
   */
  async until(look, what) {
    const end = performance.now() + patienceMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) {
        return found;
      }
      assert.ok(performance.now() < end, `expected ${what}, got:\n${this.log.slice(-30).join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/**
 * An event with a new id.
 *
 * @param {Partial<Event>} [fields]
 * @returns {Event}
 */
export function newEvent(fields = {}) {
  return {
    eventId: `evt_${randomUUID()}`,
    type: "payment.completed",
    createdAt: new Date().toISOString(),
    data: { amount: "49.00", currency: "EUR" },
    ...fields,
  };
}
