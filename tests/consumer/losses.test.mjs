// The number of accepted events that are found nowhere.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { consume, d1, deadLetters, ifNewest, ignore } from "cronozen-edge/consumer";
import { miniflareWith } from "../support/bindings.mjs";
import { silent } from "../support/log.mjs";
import { messageOf } from "../support/messages.mjs";
import { StubActivity } from "./activity.mjs";

const databases = Array.from({ length: 60 }, (_, number) => `DB${number}`);

/** @type {import("miniflare").Miniflare} */
let miniflare;
before(async () => {
  miniflare = miniflareWith({ d1Databases: databases });
  await miniflare.ready;
});
after(() => miniflare.dispose());

const start = Date.UTC(2026, 10, 29, 12);
const minute = 60_000;

/** @param {number} minutes after the start */
function timeAt(minutes) {
  return new Date(start + minutes * minute).toISOString();
}

/** A binding that counts the statements, and can fail. */
class Counted {
  statements = 0;
  batches = 0;
  /** Called before each batch, with its number. @type {(batch: number) => any} */
  onBatch = () => {};

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
    return this.db.batch(statements);
  }

  /** @param {string} query @returns {Promise<any[]>} */
  async rows(query) {
    return (await this.db.prepare(query).all()).results;
  }
}

/** A gateway's activity, a consumer, and its dead letters. */
class World {
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
    const next = () => miniflare.getD1Database(databases.pop() ?? assert.fail("no database is left"));
    world.env = { DB: new Counted(await next()), DEAD: new Counted(await next()) };
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

  async losses() {
    return (await this.letters.losses(this.env)) ?? assert.fail("the activity is not bound");
  }

  /** The lost ids, and the number of waiting ones. */
  async found() {
    const { lost, waiting, events } = await this.losses();
    assert.equal(events.length, Math.min(lost, 100));
    return [events.map(({ eventId }) => eventId), waiting];
  }

  /** Fills the ledger with handled events. @param {string[]} eventIds */
  async fill(eventIds) {
    await this.letters.databases(this.env);
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
    const losses = await this.losses();
    // Two are for the metrics of both queues.
    return { losses, subrequests: DB.statements + DEAD.statements + this.activity.calls - before + 2 };
  }
}

/** @param {string} prefix @param {number} count */
function idsOf(prefix, count) {
  return Array.from({ length: count }, (_, number) => `${prefix}_${number}`);
}

test("without Activity, the losses are not known", async (context) => {
  for (const activity of [undefined, () => undefined]) {
    const world = await World.start(context, { activity });
    assert.equal(await world.letters.losses(world.env), null);
    assert.equal(world.letters.activity(world.env), undefined);
    context.mock.timers.reset();
  }
});

test("events that the consumer has handled are not lost", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 30);
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  await world.handle(ids);
  world.at(61);
  assert.deepEqual(await world.losses(), {
    lost: 0,
    waiting: 0,
    events: [],
    checkedTo: timeAt(1),
    notKept: 0,
    more: false,
  });
});

test("events that the queue has lost are lost after 60 minutes and not before, until they turn up", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 450);
  for (const [number, eventId] of ids.entries()) {
    world.activity.accept(eventId, timeAt(number / 100), number === 449 ? null : "payment.completed");
  }
  const lost = ids.filter((_, number) => number % 100 === 49);
  await world.fill(ids.filter((eventId) => !lost.includes(eventId)));
  for (const [minutes, found] of [
    [59, 0],
    [60.48, 0],
    [60.49, 1],
    [62.48, 2],
    [62.5, 3],
    [64.49, 5],
    [90, 5],
    [5000, 5],
  ]) {
    world.at(minutes ?? 0);
    assert.deepEqual(await world.found(), [lost.slice(0, found), 0], `after ${minutes} minutes`);
  }
  const { events } = await world.losses();
  assert.deepEqual(events[0], { eventId: "evt_49", type: "payment.completed", acceptedAt: timeAt(0.49) });
  assert.deepEqual(events[4], { eventId: "evt_449", type: null, acceptedAt: timeAt(4.49) });
  await world.handle(lost.slice(0, 3));
  assert.deepEqual(await world.found(), [lost.slice(3), 0]);
  await world.handle(lost.slice(3));
  assert.deepEqual(await world.found(), [[], 0]);
  assert.deepEqual(await world.env.DEAD.rows("SELECT * FROM cronozen_missing"), []);
});

test("lossMinutes is the time after which an event is lost", async (context) => {
  const world = await World.start(context, { lossMinutes: 5 });
  world.activity.accept("evt", timeAt(0));
  world.at(4.99);
  assert.deepEqual(await world.found(), [[], 0]);
  world.at(5);
  assert.deepEqual(await world.found(), [["evt"], 0]);
});

test("an event that was ignored, outdated, dead, redriven, erased or accepted twice is not lost", async (context) => {
  const world = await World.start(context);
  for (const eventId of [
    "ignored",
    "newest",
    "outdated",
    "dead",
    "redriven",
    "erased",
    "twice",
    "lost",
    "twice",
    "lost",
  ]) {
    world.activity.accept(eventId, timeAt(0));
  }
  await world.handle(["ignored"], "dpu.sealed");
  await world.handle(["newest"], "certificate.issued", 1, timeAt(1));
  await world.handle(["outdated"], "certificate.issued");
  await world.handle(["dead", "redriven"], "payment.failed", 11);
  await world.handle(["twice"]);
  await world.take("cronozen-events-dead", world.dead);
  await silent(() => world.letters.redrive(world.env, { ids: [2] }, "test"));
  await world.env.DB.db
    .prepare("INSERT INTO cronozen_erased (event_id, erased_at) VALUES ('erased', ?)")
    .bind(timeAt(0))
    .run();
  const outcomes = world.log.map(({ outcome }) => outcome);
  const stored = "dead_letter_stored";
  assert.deepEqual(outcomes, ["ignored", "handled", "outdated", "dead", "dead", "handled", stored, stored]);
  world.at(60);
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("what is deleted after an event was found does not make it a loss", async (context) => {
  const world = await World.start(context);
  world.activity.accept("pruned", timeAt(0));
  world.activity.accept("old", timeAt(0));
  world.activity.accept("last", timeAt(0));
  await world.handle(["pruned"], "payment.failed", 11);
  await world.handle(["old", "last"]);
  await world.take("cronozen-events-dead", world.dead);
  world.at(60);
  assert.deepEqual(await world.found(), [[], 0]);
  await world.letters.prune(world.env, { ids: [1] }, "test");
  await world.env.DB.rows("DELETE FROM cronozen_events WHERE event_id = 'old'");
  assert.deepEqual(await world.found(), [[], 0]);
  // Also if the positions are read again, because the last event is not at its position any more.
  await world.letters.erase(world.env, "last", "test");
  world.activity.accept("lost", timeAt(59));
  world.at(200);
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("an event waits while a retry is known and 60 minutes more, and is lost then", async (context) => {
  const world = await World.start(context);
  for (const eventId of ["retried", "buried", "lost"]) {
    world.activity.accept(eventId, timeAt(0));
  }
  context.mock.method(Math, "random", () => 0);
  // The first delay is of a minute, the eighth of 128.
  await world.handle(["retried"], "payment.failed", 8);
  await world.handle(["retried"], "payment.failed", 1);
  await world.handle(["buried"], "payment.failed", 11);
  assert.deepEqual(await world.env.DB.rows("SELECT * FROM cronozen_retries"), [
    { event_id: "retried", next_at: timeAt(128) },
  ]);
  for (const minutes of [60, 130, 187.99]) {
    world.at(minutes);
    assert.deepEqual(await world.found(), [["buried", "lost"], 1], `after ${minutes} minutes`);
  }
  world.at(188);
  assert.deepEqual(await world.found(), [["retried", "buried", "lost"], 0]);
  await world.handle(["retried"]);
  assert.deepEqual(await world.found(), [["buried", "lost"], 0]);
});

test("a batch whose messages fail records all of its retries with two statements", async (context) => {
  const world = await World.start(context);
  await world.handle(["first"]);
  const ids = idsOf("evt", 100);
  world.env.DB.statements = 0;
  await world.handle(ids, "payment.failed");
  assert.equal(world.env.DB.statements, 2);
  const [{ n }] = await world.env.DB.rows("SELECT count(*) AS n FROM cronozen_retries");
  assert.equal(n, 100);
  // They are forgotten a day after their time, two for each new one.
  world.at(1440 + 3);
  await world.handle(["later", "latest"], "payment.failed");
  const [{ left }] = await world.env.DB.rows("SELECT count(*) AS left FROM cronozen_retries");
  assert.equal(left, 98);
});

test("a retry that cannot be recorded fails no message, and delays the batch by a second at most", async (context) => {
  const world = await World.start(context);
  await world.handle(["first"]);
  world.env.DB.onBatch = () => assert.fail("D1 is down");
  await world.handle(["evt"], "payment.failed");
  world.env.DB.onBatch = () => new Promise(() => {});
  const started = performance.now();
  await world.handle(["evt"], "payment.failed");
  assert.ok(performance.now() - started < 2000);
  assert.deepEqual(
    world.log.slice(1).map(({ outcome, reason, messages }) => [outcome, reason, messages]),
    [
      ["retried", "Error: no luck", undefined],
      ["retries_not_recorded", "AssertionError [ERR_ASSERTION]: D1 is down", 1],
      ["retried", "Error: no luck", undefined],
      ["retries_not_recorded", "Error: timed out after 1000 ms", 1],
    ],
  );
});

test("events that a backlog may hold are waiting", async (context) => {
  const world = await World.start(context);
  world.activity.accept("first", timeAt(0));
  world.activity.accept("second", timeAt(10));
  world.at(100);
  for (const [events, dead, lost, waiting] of /** @type {[any, any, string[], number][]} */ ([
    [{ backlogCount: 0 }, { backlogCount: 0 }, ["first", "second"], 0],
    [{ backlogCount: 0, oldestMessageTimestamp: new Date(start) }, { backlogCount: 0 }, ["first", "second"], 0],
    [{ backlogCount: 5 }, { backlogCount: 0 }, [], 2],
    // The message is put on the queue a little after the delivery's arrival.
    [{ backlogCount: 5, oldestMessageTimestamp: new Date(start + 5000) }, { backlogCount: 0 }, [], 2],
    [{ backlogCount: 5, oldestMessageTimestamp: new Date(start + 5 * minute) }, { backlogCount: 0 }, ["first"], 1],
    [
      { backlogCount: 5, oldestMessageTimestamp: new Date(start + 12 * minute) },
      { backlogCount: 0 },
      ["first", "second"],
      0,
    ],
    // A dead letter's message is younger than the event, and may be that of any.
    [{ backlogCount: 0 }, { backlogCount: 1, oldestMessageTimestamp: new Date(start + 90 * minute) }, [], 2],
    [undefined, {}, ["first", "second"], 0],
  ])) {
    world.backlogs = { events, dead };
    assert.deepEqual(await world.found(), [lost, waiting], JSON.stringify([events, dead]));
  }
});

test("a producer without metrics, or whose metrics fail, hides no loss", async (context) => {
  const world = await World.start(context, {
    queue: () => ({ send: async () => {}, metrics: async () => assert.fail("no metrics") }),
    events: () => ({ send: async () => {} }),
  });
  world.activity.accept("lost", timeAt(0));
  world.at(60);
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("10,000 events are looked for in ten calls, each of at most 25 subrequests", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 10_000);
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  const lost = ids.filter((_, number) => number % 1111 === 7);
  await world.fill(ids.filter((eventId) => !lost.includes(eventId)));
  world.at(60);
  /** @type {number[]} */
  const counts = [];
  let more = true;
  for (let calls = 0; more; calls += 1) {
    assert.ok(calls < 11, "it ends");
    const { losses, subrequests } = await world.counted();
    counts.push(subrequests);
    more = losses.more;
  }
  context.diagnostic(`subrequests: ${counts.join(", ")}`);
  assert.equal(counts.length, 10);
  assert.ok(Math.max(...counts) <= 25);
  assert.deepEqual(await world.found(), [lost, 0]);
  const { subrequests } = await world.counted();
  context.diagnostic(`subrequests without new events: ${subrequests}`);
  assert.ok(subrequests <= 9);
});

test("with 2,000 missing events, no further ones are looked for, and none is skipped", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 4500);
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  world.at(60);
  const counts = [];
  const lost = [];
  for (let calls = 0; calls < 4; calls += 1) {
    const { losses, subrequests } = await world.counted();
    counts.push(subrequests);
    lost.push(losses.lost);
  }
  context.diagnostic(`subrequests: ${counts.join(", ")}`);
  // The first makes the tables, too.
  assert.ok(Math.max(...counts) <= 50 && Math.max(...counts.slice(1)) <= 25);
  assert.deepEqual(lost, [1000, 2000, 2000, 2000]);
  assert.equal((await world.losses()).more, true);
  await world.fill(ids.filter((eventId) => eventId !== "evt_4321"));
  let found = await world.losses();
  for (let calls = 0; found.more && calls < 9; calls += 1) {
    found = await world.losses();
  }
  assert.deepEqual(
    found.events.map(({ eventId }) => eventId),
    ["evt_4321"],
  );
});

test("two checks at once skip no event, and count none twice", async (context) => {
  const world = await World.start(context);
  const ids = idsOf("evt", 2500);
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  const lost = ids.filter((_, number) => number % 250 === 3);
  await world.fill(ids.filter((eventId) => !lost.includes(eventId)));
  world.at(60);
  const positions = [];
  for (let turns = 0; turns < 4; turns += 1) {
    await Promise.all([world.losses(), world.losses(), world.losses()]);
    const [{ position }] = await world.env.DEAD.rows("SELECT position FROM cronozen_loss_check");
    positions.push(position);
  }
  assert.deepEqual(positions, [3000, 6000, 7500, 7500]);
  assert.deepEqual(await world.found(), [lost, 0]);
  const rows = await world.env.DEAD.rows("SELECT event_id FROM cronozen_missing");
  assert.equal(rows.length, lost.length);
});

test("a check that is overtaken while it looks changes nothing", async (context) => {
  const world = await World.start(context);
  for (const eventId of idsOf("evt", 1500)) {
    world.activity.accept(eventId, timeAt(0));
  }
  world.at(60);
  await world.letters.databases(world.env);
  const { DEAD } = world.env;
  // The third batch saves. Meanwhile, two others take place, and all that was missing turns up.
  DEAD.batches = 0;
  DEAD.onBatch = async (/** @type {number} */ batch) => {
    if (batch === 3) {
      DEAD.onBatch = () => {};
      await world.losses();
      await world.losses();
      await world.fill(idsOf("evt", 1500));
      await world.losses();
    }
  };
  await world.losses();
  const [{ position }] = await DEAD.rows("SELECT position FROM cronozen_loss_check");
  assert.equal(position, 4500);
  assert.deepEqual(await DEAD.rows("SELECT * FROM cronozen_missing"), []);
  assert.deepEqual(await world.found(), [[], 0]);
});

test("a check that fails at any batch skips no event", async (context) => {
  const world = await World.start(context);
  world.activity.accept("lost", timeAt(0));
  world.at(60);
  await world.letters.databases(world.env);
  const { DB, DEAD } = world.env;
  for (const [binding, failing] of /** @type {const} */ ([
    [DEAD, 1],
    [DB, 1],
    [DEAD, 2],
    [DEAD, 3],
  ])) {
    binding.batches = 0;
    binding.onBatch = (/** @type {number} */ batch) => assert.notEqual(batch, failing, "D1 is down");
    await assert.rejects(world.losses());
    binding.onBatch = () => {};
  }
  // The last statement of the transaction fails: the first has no effect either.
  await DEAD.rows(
    "CREATE TRIGGER broken BEFORE UPDATE ON cronozen_loss_check BEGIN SELECT RAISE(ABORT, 'broken'); END",
  );
  await assert.rejects(world.losses(), /broken/);
  assert.deepEqual(await DEAD.rows("SELECT * FROM cronozen_missing"), []);
  await DEAD.rows("DROP TRIGGER broken");
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("an Activity that fails changes nothing", async (context) => {
  const world = await World.start(context);
  world.activity.accept("lost", timeAt(0));
  world.at(60);
  const { accepted } = world.activity;
  world.activity.accepted = async () => assert.fail("object reset");
  await assert.rejects(world.losses(), /object reset/);
  world.activity.accepted = accepted;
  assert.deepEqual(await world.found(), [["lost"], 0]);
});

test("an event that is handled while the check runs is not lost", async (context) => {
  const world = await World.start(context);
  world.activity.accept("evt", timeAt(0));
  world.at(60);
  await world.letters.databases(world.env);
  world.backlogs.events = { backlogCount: 1 };
  const { DB } = world.env;
  DB.onBatch = async () => {
    DB.onBatch = () => {};
    await world.handle(["evt"]);
    world.backlogs.events = { backlogCount: 0 };
  };
  assert.deepEqual(await world.found(), [[], 0]);
});

test("an Activity that was emptied is read from its start, also when it has come further than before", async (context) => {
  for (const [before, after] of /** @type {const} */ ([
    [50, 10],
    [10, 50],
    [10, 10],
    [10, 0],
  ])) {
    const world = await World.start(context);
    for (const eventId of idsOf("old", before)) {
      world.activity.accept(eventId, timeAt(0));
    }
    await world.fill(idsOf("old", before));
    world.at(60);
    assert.deepEqual(await world.found(), [[], 0]);
    world.activity.empty();
    for (const eventId of idsOf("new", after)) {
      world.activity.accept(eventId, timeAt(61));
    }
    world.at(121);
    assert.equal((await world.losses()).lost, after, `${before} events, then ${after}`);
    world.activity.accept("one_more", timeAt(121));
    world.at(181);
    assert.equal((await world.losses()).lost, after + 1);
    context.mock.timers.reset();
  }
});

test("events whose records were not kept are counted once", async (context) => {
  const world = await World.start(context);
  for (const [number, eventId] of idsOf("evt", 1500).entries()) {
    world.activity.accept(eventId, timeAt(number / 100));
  }
  for (const [position, count] of /** @type {const} */ ([
    [30, 7],
    [900, 20],
    [4200, 100],
  ])) {
    world.activity.gaps.set(position, count);
  }
  await world.fill(idsOf("evt", 1500));
  const counts = [];
  for (const minutes of [60, 62, 64, 70, 75, 80]) {
    world.at(minutes);
    counts.push((await world.losses()).notKept);
  }
  assert.deepEqual(counts, [0, 7, 27, 27, 127, 127]);
});

test("a missing event is forgotten after 90 days", async (context) => {
  const world = await World.start(context);
  world.activity.accept("lost", timeAt(0));
  world.at(60);
  assert.deepEqual(await world.found(), [["lost"], 0]);
  world.at(90 * 1440);
  assert.deepEqual(await world.found(), [["lost"], 0]);
  world.at(90 * 1440 + 1);
  assert.deepEqual(await world.found(), [[], 0]);
  assert.deepEqual(await world.env.DEAD.rows("SELECT * FROM cronozen_missing"), []);
});

test("hostile ids are found, or lost, as they are", async (context) => {
  const world = await World.start(context);
  const quotes = `${"\\\"'".repeat(85)}x`;
  const hostile = [
    "' OR 1=1 --",
    '"},{"x":"',
    "%",
    "_",
    "ü".repeat(128),
    quotes,
    "1",
    "1.0",
    "null",
    "[1]",
    " a",
    "a ",
  ];
  const twins = ["2", "2.0", "' OR 1=1 -- ", "a", "u".repeat(128), '{"eventId":"a"}', "EVT", "evt", "💣", "\u2028"];
  for (const eventId of [...hostile, ...twins]) {
    world.activity.accept(eventId, timeAt(0), eventId);
  }
  await world.handle(hostile);
  world.at(60);
  const { events } = await world.losses();
  assert.deepEqual(
    events.map(({ eventId, type }) => [eventId, type]),
    twins.map((eventId) => [eventId, eventId]),
  );
  const again = await world.losses();
  assert.deepEqual(again.events.map(({ eventId }) => eventId).sort(), [...twins].sort());
  await world.handle(twins);
  assert.deepEqual(await world.found(), [[], 0]);
});

test("a list of the longest ids fits", async (context) => {
  const world = await World.start(context);
  const ids = Array.from({ length: 1000 }, (_, number) => `${number}`.padEnd(256, '"'));
  for (const eventId of ids) {
    world.activity.accept(eventId, timeAt(0));
  }
  world.at(60);
  assert.equal((await world.losses()).lost, 1000);
  assert.equal((await world.losses()).lost, 1000);
  await world.fill(ids);
  assert.equal((await world.losses()).lost, 0);
});
