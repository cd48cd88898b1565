// Days on which nothing is wrong: no incident opens, however the sender, scanners and retries behave.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { day, hour, minute, start, TestAlerts } from "./alerts.mjs";

/** @type {TestAlerts} */
let tested;
afterEach(() => tested.stop());

/** Numbers from 0 to 1 that a seed repeats. @param {number} seed */
function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const types = ["payment.completed", "payment.failed", "certificate.issued", null];

/** The consumer's delays between attempts, in seconds: each waits twice as long. */
const delays = [30, 60, 120, 240, 480, 960, 1920, 3840];

/** A simulated sender and consumer. What happens is put where alerts read it, in the order of time. */
class World {
  /** @type {{ at: number, does: () => void }[]} */
  #happenings = [];
  #waiting = new Map();
  #events = 0;

  /** @param {TestAlerts} alerts @param {() => number} chance */
  constructor(alerts, chance) {
    this.alerts = alerts;
    this.chance = chance;
  }

  /** @param {number} at @param {() => void} does */
  at(at, does) {
    this.#happenings.push({ at, does });
  }

  /** An event that is handled after so many failed attempts. @param {number} at @param {number} failures @param {(time: number) => boolean} [isDown] */
  event(at, failures, isDown = () => false) {
    this.#events += 1;
    const eventId = `evt_${this.#events}`;
    const type = types[Math.floor(this.chance() * types.length)];
    this.at(at, () => {
      this.alerts.deliver("accepted", 1, at);
      this.#waiting.set(eventId, at);
    });
    let time = at + 1000 + this.chance() * 20_000;
    let attempts = 1;
    while (attempts <= failures || isDown(time)) {
      const next = time + (delays[attempts - 1] ?? 3840) * 1000;
      const failedAt = time;
      this.at(failedAt, () =>
        this.alerts.db.query(
          "INSERT INTO cronozen_retries VALUES (?, ?) ON CONFLICT DO UPDATE SET next_at = excluded.next_at",
          eventId,
          new Date(next).toISOString(),
        ),
      );
      time = next;
      attempts += 1;
    }
    const tries = attempts;
    const handledAt = time;
    this.at(handledAt, () => {
      this.alerts.handle(eventId, at, tries, type, handledAt);
      this.#waiting.delete(eventId);
    });
  }

  /** Runs every 5 minutes until the end. @param {number} end */
  async play(end) {
    const sorted = this.#happenings.sort((one, other) => one.at - other.at);
    let position = 0;
    let runs = 0;
    while (this.alerts.now < end) {
      this.alerts.pass(5 * minute);
      for (; (sorted[position]?.at ?? Number.POSITIVE_INFINITY) <= this.alerts.now; position += 1) {
        sorted[position]?.does();
      }
      const times = [...this.#waiting.values()];
      this.alerts.metrics = {
        backlogCount: times.length,
        ...(times.length > 0 && { oldestMessageTimestamp: new Date(Math.min(...times)) }),
      };
      await this.alerts.scheduled({}, {});
      runs += 1;
    }
    return runs;
  }
}

test("30 days with nights, weekends, scanners and single retries open no incident", async () => {
  tested = new TestAlerts({ quietHours: 72 });
  tested.deliver("accepted", 1, start - hour);
  await tested.begin();
  const chance = random(7);
  const world = new World(tested, chance);
  for (let number = 0; number < 30; number += 1) {
    const morning = start + number * day;
    const isWeekend = number % 7 > 4;
    for (let at = morning + 8 * hour; !isWeekend && at < morning + 18 * hour; at += chance() * 8 * minute) {
      world.event(at, chance() < 0.002 ? Math.ceil(chance() * 7) : 0);
    }
    // One fails in the evening, and waits for hours in the night, alone on the queue.
    world.event(morning + 20 * hour, isWeekend ? 0 : 8);
    for (let request = 0; request < 12; request += 1) {
      const at = morning + chance() * day;
      const code = ["missing_signature", "not_found", "method_not_allowed"][Math.floor(chance() * 3)] ?? "";
      world.at(at, () => tested.deliver(code, 1 + Math.floor(chance() * 5), at));
    }
    const at = morning + 3 * hour;
    world.at(at, () => tested.deliver("mismatch", 2, at));
    // A deployment of the gateway: a few 503s.
    const noon = morning + 12 * hour;
    world.at(noon, () => tested.deliver("unavailable", isWeekend ? 1 : 4, noon));
  }
  const runs = await world.play(start + 30 * day);
  assert.equal(runs, 8640);
  assert.deepEqual(tested.inLetters("SELECT rule, opened_at, text FROM cronozen_incidents"), []);
  assert.equal(tested.messages.length, 0);
  const [{ events }] = tested.db.query("SELECT count(*) AS events FROM cronozen_events");
  assert.ok(events > 3000, `${events} events`);
});

test("a new Activity, or one that was emptied, does not open quiet until it has known a day and quietHours", async () => {
  tested = new TestAlerts({ quietHours: 30 });
  await tested.begin();
  tested.deliver("not_found", 1, start + hour);
  for (let passed = 0; passed < 53 * hour; passed += hour) {
    await tested.run(hour);
    assert.deepEqual(tested.open(), []);
  }
  await tested.run(hour);
  assert.deepEqual(tested.open(), ["quiet"]);
  tested.minutes.clear();
  await tested.run(hour);
  await tested.run(hour);
  assert.deepEqual(tested.open(), ["quiet"], "it is not known whether it is over");
});

test("an outage of the consumer of 4 minutes, with retries that heal, opens no incident", async () => {
  tested = new TestAlerts();
  await tested.begin();
  const chance = random(9);
  const world = new World(tested, chance);
  const [from, to] = [start + hour, start + hour + 4 * minute];
  for (let at = start; at < start + 3 * hour; at += 2000) {
    world.event(at, 0, (time) => time >= from && time < to);
  }
  await world.play(start + 4 * hour);
  const [{ retried }] = tested.db.query("SELECT count(*) AS retried FROM cronozen_events WHERE attempts > 1");
  assert.ok(retried > 100, `${retried} events were retried`);
  assert.deepEqual(tested.inLetters("SELECT rule, text FROM cronozen_incidents"), []);
});

test("a consumer that has stopped opens late within 20 minutes, also at night with one event", async () => {
  tested = new TestAlerts();
  await tested.begin();
  const world = new World(tested, random(3));
  world.event(start + hour, 0);
  world.event(start + 2 * hour, 0, (time) => time < start + 2 * hour + 10 * minute);
  await world.play(start + 3 * hour);
  assert.deepEqual(tested.open(), []);
  const metrics = { backlogCount: 1, oldestMessageTimestamp: new Date(tested.now) };
  for (let passed = 0; passed < 20 * minute; passed += 5 * minute) {
    tested.metrics = metrics;
    await tested.run();
  }
  assert.deepEqual(tested.open(), ["late"]);
});
