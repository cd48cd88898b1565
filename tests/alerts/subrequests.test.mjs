// The subrequests of a run: the free plan allows 50, and each statement of D1 counts.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { json, slack, teams } from "cronozen-edge/alerts";
import { deadLetters } from "cronozen-edge/consumer";
import { muteIncident } from "../../pkg/src/alerts/incidents.ts";
import { StubActivity } from "../consumer/activity.mjs";
import { day, minute, TestAlerts } from "./alerts.mjs";
import { Service, stopServices } from "./service.mjs";

/** Alerts with real losses, in which each run is in an isolate of its own. */
class CountedAlerts {
  activity = new StubActivity();
  calls = 0;
  /** @type {Service[]} */
  services = [];
  /** @type {any} */
  bindings;

  /** Starts the services, and has the tables made as if long ago. */
  static async start() {
    const counted = new CountedAlerts();
    counted.services = await Promise.all([1, 2, 3, 4].map(() => Service.start()));
    const { tested } = counted;
    tested.deliver("accepted", 1, tested.now - minute);
    await counted.run(0);
    tested.dead.query("UPDATE cronozen_loss_check SET known_to = ''");
    return counted;
  }

  constructor() {
    const [slackService, teamsService, jsonService, beat] = [0, 1, 2, 3].map(
      (number) => () => this.services[number]?.url,
    );
    const queue = () => ({ send: async () => {}, metrics: () => this.count(async () => ({ backlogCount: 0 })) });
    const letters = deadLetters({
      queue,
      events: queue,
      database: () => this.bindings.dead,
      ledger: () => this.bindings.db,
      maxBytes: 1000,
      activity: () => this.activity.namespace,
    });
    this.tested = new TestAlerts({
      deadLetters: letters,
      sinks: () => [slack(slackService?.()), teams(teamsService?.()), json(jsonService?.())],
      heartbeat: () => beat?.(),
      quietHours: 1,
    });
    Object.assign(this.activity, {
      summary: (/** @type {any} */ query) => this.count(() => this.tested.summary(query)),
    });
  }

  /** @template T @param {() => T} call @returns {T} */
  count(call) {
    this.calls += 1;
    return call();
  }

  total() {
    const { db, dead } = this.tested;
    const requests = this.services.reduce((sum, service) => sum + service.requests, 0);
    return db.statements + dead.statements + this.activity.calls + this.calls + requests;
  }

  /** Runs, and returns the number of subrequests. @param {number} [ms] */
  async run(ms = 5 * minute) {
    const bindingOf = (/** @type {any} */ db) => ({
      prepare: (/** @type {string} */ query) => db.prepare(query),
      batch: (/** @type {any[]} */ statements) => db.batch(statements),
    });
    this.bindings = { db: bindingOf(this.tested.db), dead: bindingOf(this.tested.dead) };
    const before = this.total();
    await this.tested.run(ms);
    return this.total() - before;
  }

  /** Accepts events, of which a part is handled. @param {number} events @param {boolean} areHandled */
  accept(events, areHandled) {
    const at = this.tested.now - 61 * minute;
    for (let event = 0; event < events; event += 1) {
      const eventId = `evt_${crypto.randomUUID()}`;
      this.activity.accept(eventId, new Date(at).toISOString());
      if (areHandled) {
        this.tested.handle(eventId, at, 1, "payment.completed", at);
      }
    }
  }
}

/** @type {CountedAlerts} */
let counted;
afterEach(() => {
  counted.tested.stop();
  stopServices();
});

test("a run in which nothing is wrong makes fewer than 35 subrequests, the cleanup of a day included", async (context) => {
  counted = await CountedAlerts.start();
  const { tested } = counted;
  const counts = [];
  for (const ms of [5 * minute, day, 5 * minute]) {
    counted.accept(400, true);
    tested.deliver("accepted", 1, tested.now + ms - minute);
    counts.push(await counted.run(ms));
  }
  context.diagnostic(`subrequests: ${counts.join(", ")}`);
  assert.deepEqual(tested.open(), []);
  assert.ok(Math.max(...counts) < 35);
});

test("a run makes fewer than 50 subrequests, also if incidents open, repeat and close for three sinks", async (context) => {
  counted = await CountedAlerts.start();
  const { tested } = counted;
  /** @type {number[]} */
  const counts = [];
  const few = async (/** @type {number} */ ms) => {
    for (const pass of [ms, 5 * minute, 5 * minute, 5 * minute, 5 * minute]) {
      counts.push(await counted.run(pass));
    }
  };
  counted.accept(2500, false);
  tested.bury({ bytes: 900 });
  tested.deliver("misconfigured", 9, tested.now + 4 * minute);
  tested.db.bytes = 499_000_000;
  await few(5 * minute);
  const incidents = tested.inLetters("SELECT id, rule FROM cronozen_incidents ORDER BY id");
  const rules = incidents.map(({ rule }) => rule);
  assert.deepEqual(rules, ["dead_letter", "failing", "misconfigured", "dead_letters_full", "ledger_full", "loss"]);
  const until = new Date(tested.now + 3 * day).toISOString();
  await muteIncident(/** @type {any} */ (tested.dead), incidents[3]?.id, until, "Ada");
  // One ends in silence and one with a message, those that remain repeat, and another opens.
  await few(day - 20 * minute);
  tested.inLetters("DELETE FROM cronozen_dead_letters");
  counted.accept(1000, false);
  await few(5 * minute);
  await few(day);
  context.diagnostic(`subrequests: ${counts.join(", ")}`);
  const kinds = new Set(counted.services.flatMap(({ taken }) => taken.map(({ kind }) => kind)));
  assert.ok(["opened", "repeated", "closed"].every((kind) => kinds.has(kind)));
  assert.ok(Math.max(...counts) < 50);
});
