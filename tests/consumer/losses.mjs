// A gateway's activity, a consumer and its dead letters in this process, over a real D1, with a clock that is set.

import assert from "node:assert/strict";
import { consume, d1, deadLetters, ifNewest, ignore } from "cronozen-edge/consumer";
import { emptyDatabases } from "../support/bindings.mjs";
import { silent } from "../support/log.mjs";
import { messageOf } from "../support/messages.mjs";
import { StubActivity } from "./activity.mjs";

const emptyDatabase = emptyDatabases(60);

export const start = Date.UTC(2026, 10, 29, 12);
export const minute = 60_000;

/** @param {number} minutes after the start */
export function timeAt(minutes) {
  return new Date(start + minutes * minute).toISOString();
}

/** A binding that counts the statements, and can fail. */
class Counted {
  statements = 0;
  batches = 0;
  /** Called before each batch, with its number. @type {(batch: number) => any} */
  onBatch = () => {};
  /** @type {() => any} */
  afterBatch = () => {};

  /** @param {any} db */
  constructor(db) {
    this.db = db;
  }

  /** @param {string} query */
  prepare(query) {
    return this.db.prepare(query);
  }

  /** @param {any[]} statements */
  async batch(statements) {
    this.statements += statements.length;
    this.batches += 1;
    await this.onBatch(this.batches);
    const results = await this.db.batch(statements);
    await this.afterBatch();
    return results;
  }

  /** @param {string} query @returns {Promise<any[]>} */
  async rows(query) {
    return (await this.db.prepare(query).all()).results;
  }
}

/** A gateway's activity, a consumer, and its dead letters. */
export class World {
  activity = new StubActivity();
  /** @type {any} */
  env;
  /** The backlogs that the queues report. @type {Record<"events" | "dead", any>} */
  backlogs = { events: { backlogCount: 0 }, dead: { backlogCount: 0 } };
  /** @type {string[]} */
  dead = [];
  /** The lines of the log. @type {Record<string, any>[]} */
  log = [];

  /** @param {import("node:test").TestContext} context */
  static async start(context, options = {}) {
    const world = new World(context, options);
    world.env = { DB: new Counted(await emptyDatabase()), DEAD: new Counted(await emptyDatabase()) };
    await world.begin();
    return world;
  }

  /** @param {import("node:test").TestContext} context @param {object} options */
  constructor(context, options) {
    context.mock.timers.enable({ apis: ["Date"], now: start });
    this.timers = context.mock.timers;
    /** @type {import("cronozen-edge/consumer").DeadLetters<any>} */
    this.letters = deadLetters({
      queue: () => ({ send: async (text) => this.dead.push(String(text)), metrics: async () => this.backlogs.dead }),
      events: () => ({ send: async () => {}, metrics: async () => this.backlogs.events }),
      ledger: (env) => env.DB,
      database: (env) => env.DEAD,
      activity: () => this.activity.namespace,
      ...options,
    });
    this.consumer = consume(
      {
        "dpu.*": ignore,
        "certificate.*": () => ifNewest("one", []),
        "payment.failed": () => {
          throw new Error("no luck");
        },
        "*": () => {},
      },
      { once: d1((env) => env.DB), deadLetters: this.letters },
    );
  }

  /** @param {number} minutes after the start */
  at(minutes) {
    this.timers.setTime(start + minutes * minute);
  }

  /** Has the consumer take messages. @param {string} queue @param {string[]} bodies */
  async take(queue, bodies, attempts = 1) {
    const messages = bodies.map((body) => ({
      id: crypto.randomUUID(),
      timestamp: new Date(),
      body,
      attempts,
      ack() {},
      retry() {},
    }));
    this.log.push(...(await silent(() => this.consumer({ queue, messages }, this.env))));
  }

  /** @param {string[]} eventIds @param {string} [type] */
  async handle(eventIds, type = "payment.completed", attempts = 1, createdAt = timeAt(0)) {
    const bodies = eventIds.map((eventId) => messageOf({ eventId, type, createdAt }));
    await this.take("cronozen-events", bodies, attempts);
  }

  /** Has the tables made, as of a time. @param {string} [firstUse] */
  async begin(firstUse = timeAt(-1)) {
    await Promise.all([this.letters.ledger(this.env), this.letters.letters(this.env)]);
    await this.env.DEAD.rows(`UPDATE cronozen_loss_check SET known_to = '${firstUse}'`);
  }

  /** Looks once. */
  async look() {
    return (await this.letters.losses(this.env)) ?? assert.fail("the activity is not bound");
  }

  /** Looks once, and again as if a minute had passed. */
  async losses() {
    await this.look();
    await this.env.DEAD.rows(
      "UPDATE cronozen_missing SET unaccounted_at = '2026-01-01T00:00:00.000Z' WHERE unaccounted_at IS NOT NULL",
    );
    return this.look();
  }

  /** The lost ids, and the number of waiting ones. */
  async found() {
    const { lost, waiting, events } = await this.losses();
    assert.equal(events.length, Math.min(lost, 100));
    return [events.map(({ eventId }) => eventId), waiting];
  }

  /** Fills the ledger with handled events. @param {string[]} eventIds */
  async fill(eventIds) {
    await this.env.DB.db
      .prepare(
        `INSERT INTO cronozen_events (event_id, handled_at, outcome)
         SELECT value, '2026-11-29T12:00:00.000Z', 'handled' FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`,
      )
      .bind(JSON.stringify(eventIds))
      .run();
  }

  /** The losses, and the number of subrequests. */
  async counted() {
    const { DB, DEAD } = this.env;
    const before = DB.statements + DEAD.statements + this.activity.calls;
    const losses = await this.look();
    // Two are for the metrics of both queues.
    return { losses, subrequests: DB.statements + DEAD.statements + this.activity.calls - before + 2 };
  }
}

/** @param {string} prefix @param {number} count */
export function idsOf(prefix, count) {
  return Array.from({ length: count }, (_, number) => `${prefix}_${number}`);
}
