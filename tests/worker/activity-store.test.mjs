// The store of the object `Activity`: its counts, its records, and failures in between.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, TestStore } from "./activity-store.mjs";

const minuteMs = 60_000;
const dayMs = 86_400_000;

const all = { from: "2000", to: "2100" };

test("each line is counted in its minute, its hour and its day", () => {
  const tested = new TestStore();
  const first = tested.accepted("evt_1", { ms: 5 });
  tested.now += minuteMs;
  const duplicate = { ...tested.accepted("evt_1", { ms: 4001 }), outcome: "duplicate", code: "duplicate" };
  const late = { at: tested.at, outcome: "late_commit", eventId: "evt_2", ms: 9000 };
  tested.flush([first, duplicate, tested.forged(), tested.failed("evt_2"), late]);
  const { periods, boundsMs } = tested.store.summary({ by: "minute", ...all });
  assert.deepEqual(boundsMs, [5, 10, 25, 50, 100, 250, 500, 1000, 2000, 4000]);
  assert.deepEqual(periods, [
    {
      at: "2026-11-01T00:00:00.000Z",
      codes: { accepted: 1 },
      others: {},
      types: { "payment.completed": 1 },
      mismatches: 0,
      ms: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      lost: 0,
    },
    {
      at: "2026-11-01T00:01:00.000Z",
      codes: { duplicate: 1, invalid_signature: 1, unavailable: 1 },
      others: { late_commit: 1 },
      types: {},
      mismatches: 1,
      ms: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      lost: 0,
    },
  ]);
  for (const by of /** @type {const} */ (["hour", "day"])) {
    const [sum, ...more] = tested.store.summary({ by, ...all }).periods;
    assert.deepEqual(more, []);
    assert.deepEqual(sum?.codes, { accepted: 1, duplicate: 1, invalid_signature: 1, unavailable: 1 }, by);
  }
});

test("a batch that comes again changes nothing, also after a restart", () => {
  const tested = new TestStore();
  const batch = tested.flush([tested.accepted("evt_1")]);
  tested.take(batch);
  tested.restart();
  tested.take(batch);
  assert.deepEqual(tested.codes(), { accepted: 1 });
  assert.equal(tested.store.status().lost, 0);
});

test("lines that an isolate had no room for are lost, and are counted so", () => {
  const tested = new TestStore();
  tested.flush([tested.accepted("evt_1")], { dropped: 7 });
  tested.now += 2000;
  tested.flush([tested.accepted("evt_2")]);
  const { received, lost } = tested.store.status();
  assert.deepEqual({ received, lost }, { received: 2, lost: 7 });
});

test("lines that the object took and did not write before it ended are counted as lost", () => {
  const tested = new TestStore();
  tested.flush([tested.accepted("evt_1")]);
  tested.now += 100;
  // Less than a second after the last write.
  tested.flush([tested.accepted("evt_2"), tested.accepted("evt_3")]);
  tested.restart();
  tested.now += 2000;
  tested.flush([tested.accepted("evt_4")]);
  const { received, lost } = tested.store.status();
  assert.deepEqual({ received, lost }, { received: 2, lost: 2 });
});

for (const [change, failing] of /** @type {const} */ ([
  ["write", "INSERT OR REPLACE INTO pages"],
  ["tidy", "INSERT OR REPLACE INTO hours"],
  ["tidy", "INSERT OR REPLACE INTO state"],
  ["erase", "INSERT OR REPLACE INTO state"],
])) {
  test(`a failed ${change} (${failing}) loses nothing that was written before`, () => {
    const tested = new TestStore();
    for (let number = 0; number < 150; number += 1) {
      tested.flush([tested.accepted(`evt_${number}`)]);
      tested.now += 2000;
    }
    tested.now += 600_000;
    tested.failing = failing;
    assert.throws(() => {
      if (change === "write") {
        tested.flush([tested.accepted("evt_150")]);
      } else {
        tested.store[change]("evt_1");
      }
    }, /SQLITE_FULL/);
    assert.deepEqual(tested.codes(), { accepted: 150 });
    tested.flush([tested.accepted("evt_151")]);
    tested.now += 2000;
    tested.flush([tested.accepted("evt_152")]);
    const { lost } = tested.store.status();
    assert.deepEqual([tested.codes().accepted, lost], [152, change === "write" ? 1 : 0]);
    assert.equal(tested.store.deliveries({ limit: 1000 }).deliveries.length, 152);
  });
}

test("a batch with a line that is no JSON changes nothing", () => {
  const tested = new TestStore();
  tested.flush([tested.accepted("evt_1")]);
  const poison = { isolate: "i", number: 2, from: 1, to: 3, lines: ["{}", "{"], counts: [] };
  assert.throws(() => tested.take(poison), SyntaxError);
  assert.deepEqual(tested.codes(), { accepted: 1 });
  tested.take({ ...poison, lines: poison.lines.slice(0, 1) });
  assert.equal(tested.store.status().lost, 1);
});

test("the first batch of an isolate that was not written before the object ended is lost, and counted so", () => {
  const tested = new TestStore();
  tested.flush([tested.accepted("evt_1")]);
  tested.now += 100;
  tested.flush([tested.accepted("evt_2")], { isolate: "j" });
  tested.restart();
  tested.now += 2000;
  tested.flush([tested.accepted("evt_3")], { isolate: "j" });
  const { received, lost } = tested.store.status();
  assert.deepEqual({ received, lost }, { received: 2, lost: 1 });
});

test("a busy isolate is remembered among thousands", () => {
  const tested = new TestStore();
  const busy = tested.flush([tested.accepted("evt_0")], { isolate: "busy" });
  let last = busy;
  for (let number = 0; number < 2500; number += 1) {
    tested.now += 2000;
    tested.flush([tested.accepted("evt")], { isolate: `i${number}` });
    if (number % 500 === 0) {
      last = tested.flush([tested.accepted("evt")], { isolate: "busy" });
    }
  }
  const { accepted } = tested.codes();
  tested.take(last);
  assert.deepEqual([tested.codes().accepted, tested.store.status().lost], [accepted, 0]);
});

test("a position is not given again after the object has ended", () => {
  const tested = new TestStore();
  tested.flush([tested.accepted("evt_1")]);
  tested.now += 100;
  tested.flush([tested.accepted("evt_2")]);
  const [read] = tested.store.deliveries({ limit: 1 }).deliveries;
  tested.restart();
  tested.now += 2000;
  tested.flush([tested.accepted("evt_3")]);
  const { deliveries } = tested.store.deliveries({ after: read?.position, limit: 10 });
  assert.deepEqual(
    deliveries.map(({ eventId }) => eventId),
    ["evt_3"],
  );
});

test("the counts of hours are the same after minutes have been merged, and end after 90 days", () => {
  const tested = new TestStore();
  const start = tested.now;
  for (; tested.now < start + 3 * dayMs; tested.now += 7 * minuteMs) {
    tested.flush([tested.accepted("evt")]);
  }
  const written = Math.ceil((3 * dayMs) / (7 * minuteMs));
  tested.store.tidy();
  assert.deepEqual(tested.codes(), { accepted: written });
  const minutes = tested.store.summary({ by: "minute", ...all }).periods;
  const [oldest] = minutes;
  assert.ok(Date.parse(oldest?.at ?? "") >= start + dayMs - 3_600_000, oldest?.at);
  const hours = tested.store.summary({ by: "hour", ...all }).periods;
  assert.equal(hours.length, 72);
  assert.equal(
    hours.reduce((sum, { codes }) => sum + (codes.accepted ?? 0), 0),
    written,
  );

  tested.now = start + 92 * dayMs;
  tested.flush([tested.accepted("evt")]);
  tested.store.tidy();
  assert.equal(tested.rows("hours"), 24 + 1);
});

test("records end after 30 days", () => {
  const tested = new TestStore();
  tested.flush([tested.accepted("evt_old")]);
  tested.store.tidy();
  tested.now += 31 * dayMs;
  assert.deepEqual(tested.store.deliveries({ limit: 10 }).deliveries, []);
  tested.flush([tested.accepted("evt_new")]);
  tested.store.tidy();
  assert.equal(tested.rows("pages"), 1);
  assert.deepEqual(
    tested.store.deliveries({ limit: 10 }).deliveries.map(({ eventId }) => eventId),
    ["evt_new"],
  );
  assert.deepEqual(tested.store.event("evt_old"), []);
});

/** A thousand deliveries of four outcomes, in batches of ten, over an hour and a half. @param {TestStore} tested */
function fill(tested) {
  for (let number = 0; number < 1000; number += 10) {
    const lines = Array.from({ length: 10 }, (_, index) => {
      const eventId = `evt_${number + index}`;
      const lines = [
        tested.accepted(eventId, { type: index % 2 === 0 ? "payment.completed" : "payment.failed" }),
        { ...tested.accepted(eventId), outcome: "duplicate", code: "duplicate" },
        tested.failed(eventId),
        tested.forged({ address: index % 2 === 0 ? "192.0.2.1" : "192.0.2.2" }),
      ];
      return lines[(number / 10 + index) % 4];
    });
    tested.flush(/** @type {object[]} */ (lines));
    tested.now += minuteMs;
  }
}

for (const restarts of [false, true]) {
  test(`pages of deliveries are complete in both directions${restarts ? ", after a restart" : ""}`, () => {
    const tested = new TestStore();
    fill(tested);
    if (restarts) {
      tested.restart();
    }
    /** @type {number[]} */
    const down = [];
    /** @type {number | undefined} */
    let before;
    for (;;) {
      const { deliveries, next } = tested.store.deliveries({ before, limit: 70 });
      down.push(...deliveries.map(({ position }) => position));
      if (next === null) {
        break;
      }
      before = next;
    }
    assert.deepEqual(
      down,
      Array.from({ length: 1000 }, (_, index) => 1000 - index),
    );
    /** @type {number[]} */
    const up = [];
    for (let after = 0; ; ) {
      const { deliveries, next } = tested.store.deliveries({ after, limit: 70 });
      up.push(...deliveries.map(({ position }) => position));
      if (next === null) {
        break;
      }
      after = next;
    }
    assert.deepEqual(up, down.toReversed());
    assert.equal(new Set(tested.store.deliveries({ limit: 1000, outcome: "failed" }).deliveries).size, 250);
    const filtered = tested.store.deliveries({ limit: 1000, code: "accepted", type: "payment.failed" }).deliveries;
    assert.ok(
      filtered.length > 100 && filtered.every(({ type, code }) => type === "payment.failed" && code === "accepted"),
    );
    assert.equal(tested.store.deliveries({ limit: 1000, address: "192.0.2.2" }).deliveries.length, 125);
    assert.deepEqual(tested.store.deliveries({ after: down[0], limit: 10 }), { deliveries: [], next: null });
  });
}

test("the events on the queue are listed after a position, and numbered with those that were not kept", () => {
  const tested = new TestStore();
  // 250 in a minute, of which 200 are kept.
  for (let batch = 0; batch < 5; batch += 1) {
    tested.flush(Array.from({ length: 50 }, (_, index) => tested.accepted(`evt_${batch * 50 + index}`)));
    tested.now += 2000;
  }
  tested.now += minuteMs;
  tested.flush([{ at: tested.at, outcome: "late_commit", eventId: "evt_late", ms: 9000 }, tested.forged()]);
  const first = tested.store.accepted({ after: 0, limit: 150 });
  assert.deepEqual(
    first.events.map(({ queued }) => queued),
    Array.from({ length: 150 }, (_, index) => index + 1),
  );
  const rest = tested.store.accepted({ after: first.next ?? 0, limit: 150 });
  assert.deepEqual([rest.events.length, rest.next], [51, null]);
  assert.deepEqual([rest.events.at(-2)?.queued, rest.events.at(-1)?.queued], [200, 251], "50 were not kept");
  assert.equal(rest.events.at(-1)?.eventId, "evt_late");
  assert.deepEqual(tested.store.accepted({ after: rest.events.at(-1)?.position ?? 0, limit: 150 }).events, []);
});

test("an event that is erased leaves its counts only", () => {
  const tested = new TestStore();
  fill(tested);
  tested.now += 2000;
  tested.flush([tested.accepted("evt_5"), tested.accepted("evt_'\"\u{1f600}")]);
  assert.equal(tested.store.event("evt_5").length, 2);
  assert.equal(tested.store.erase("evt_5"), 2);
  assert.equal(tested.store.erase("evt_'\"\u{1f600}"), 1);
  tested.restart();
  assert.deepEqual(tested.store.event("evt_5"), []);
  assert.ok(tested.store.deliveries({ limit: 2000 }).deliveries.every(({ eventId }) => eventId !== "evt_5"));
  assert.equal(tested.codes().accepted, 252);
  tested.flush([tested.accepted("evt_5")]);
  tested.store.tidy();
  assert.equal(tested.store.event("evt_5").length, 1);
});

test("each deployment has its health, and how often the secret at each position has matched", () => {
  const tested = new TestStore();
  tested.flush([tested.accepted("evt_1", { key: 1 }), tested.accepted("evt_2", { key: 0 })]);
  tested.now += minuteMs;
  const rotated = { deployment: "d2", tag: "v2", health: '{"status":"ok","secrets":2}' };
  tested.flush([tested.accepted("evt_3", { key: 1 })], { from: rotated, isolate: "j" });
  const [newest, older] = tested.store.status().gateways;
  const times = { firstAt: "2026-11-01T00:01:00.000Z", lastAt: "2026-11-01T00:01:00.000Z" };
  const keys = { 1: { deliveries: 1, lastAt: "2026-11-01T00:01:00.000Z" } };
  assert.deepEqual(newest, { deployment: "d2", tag: "v2", ...times, health: { status: "ok", secrets: 2 }, keys });
  assert.deepEqual(older?.deployment, gateway.deployment);
  assert.deepEqual(Object.keys(older?.keys ?? {}), ["0", "1"]);
  for (let number = 0; number < 20; number += 1) {
    tested.flush([tested.accepted("evt")], { from: { ...rotated, deployment: `d${number}` }, isolate: `i${number}` });
  }
  assert.equal(tested.store.status().gateways.length, 8);
});

test("types beyond 64 are counted together", () => {
  const tested = new TestStore();
  const lines = Array.from({ length: 200 }, (_, index) => tested.accepted("evt", { type: `type.${index}` }));
  tested.flush([...lines, tested.accepted("evt", { type: "__proto__" })]);
  const [sum] = tested.store.summary({ by: "hour", ...all }).periods;
  assert.equal(Object.keys(sum?.types ?? {}).length, 65);
  assert.equal(sum?.types.other, 137);
});

test("failures before a signature do not push out those after it", () => {
  const tested = new TestStore();
  tested.flush([tested.failed("evt_1")]);
  const { key: _, eventId: __, ...misconfigured } = tested.failed("evt_2");
  for (let minute = 0; minute < 200; minute += 1) {
    tested.now += minuteMs;
    tested.flush(Array.from({ length: 200 }, () => ({ ...misconfigured, at: tested.at, code: "misconfigured" })));
  }
  assert.equal(tested.codes().misconfigured, 40_000);
  assert.equal(tested.store.event("evt_1").length, 1);
  const { deliveries } = tested.store.deliveries({ outcome: "failed", limit: 200 });
  assert.equal(deliveries.length, 200);
  assert.ok(tested.store.status().records < 2100);
});

test("a search by any name of an outcome finds those of this name", () => {
  const tested = new TestStore();
  tested.flush([tested.accepted("evt_1"), { at: tested.at, outcome: "trapped" }]);
  for (const outcome of ["trapped", "__proto__", "constructor", "toString"]) {
    const { deliveries } = tested.store.deliveries({ outcome, limit: 10 });
    assert.equal(deliveries.length, outcome === "trapped" ? 1 : 0);
  }
});
