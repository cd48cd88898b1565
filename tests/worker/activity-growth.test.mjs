// The growth of the object `Activity` over simulated days, the rows that it writes, and their price.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TestStore } from "./activity-store.mjs";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/**
 * Simulates days of a gateway, and returns what it wrote and kept.
 *
 * @param {{ days: number, perMinute: number, isolates: number, minutesPerDay?: number }} traffic `minutesPerDay` of each day
 *   have traffic; the rest is skipped
 */
function simulate({ days, perMinute, isolates, minutesPerDay = 1440 }) {
  const tested = new TestStore();
  const start = tested.now;
  const flushesPerMinute = Math.min(12, perMinute);
  let [flushes, events, most, bytes] = [0, 0, 0, 0];
  for (let day = 0; day < days; day += 1) {
    const before = tested.rowsWritten;
    for (let minute = 0; minute < minutesPerDay; minute += 1) {
      for (let flush = 0; flush < flushesPerMinute; flush += 1) {
        for (let isolate = 0; isolate < isolates; isolate += 1) {
          tested.now = start + day * dayMs + (minute + (flush + isolate / isolates) / flushesPerMinute) * minuteMs;
          const lines = Math.round(perMinute / flushesPerMinute / isolates);
          tested.flush(
            Array.from({ length: lines }, (_, index) =>
              tested.accepted(`evt_${day}_${minute}_${flush}_${isolate}_${index}`),
            ),
            { isolate: `${day}_${isolate}` },
          );
          flushes += 1;
          events += lines;
        }
      }
    }
    most = Math.max(most, tested.rowsWritten - before);
    bytes = Math.max(bytes, tested.bytes);
  }
  tested.now += 2000;
  tested.flush([]);
  return { tested, flushes, events, rowsPerDay: most, bytes };
}

/** $0.15 per million requests of an object, $1 per million rows written. @param {ReturnType<typeof simulate>} run */
function dollarsPerMillion({ tested, flushes, events }) {
  return (flushes * 0.15 + tested.rowsWritten) / events;
}

test("90 days at one event a minute are bounded", (context) => {
  const run = simulate({ days: 90, perMinute: 1, isolates: 1 });
  const { tested, events, rowsPerDay, bytes } = run;
  context.diagnostic(
    `${events} events: ${(tested.rowsWritten / events).toFixed(2)} rows an event, ${rowsPerDay} a day, ` +
      `${(bytes / 1e6).toFixed(1)} MB, $${dollarsPerMillion(run).toFixed(2)} per million`,
  );
  assert.deepEqual(tested.codes({ from: "2026-11-02" }).accepted, events - 1440);
  assert.ok(tested.rows("hours") <= 91 * 24, `${tested.rows("hours")} hours`);
  assert.ok(tested.rows("pages") <= 1000);
  assert.ok(rowsPerDay < 2000, `${rowsPerDay} rows a day`);
  assert.ok(bytes < 30e6, `${bytes} bytes`);
});

for (const { name, perMinute, isolates, minutesPerDay, days = 90, most } of [
  { name: "one event a second in one isolate", perMinute: 60, isolates: 1, minutesPerDay: 12, most: 0.4 },
  { name: "one event a second in four isolates", perMinute: 60, isolates: 4, minutesPerDay: 60, days: 6, most: 1.2 },
  { name: "100 events a second in 20 isolates", perMinute: 6000, isolates: 20, minutesPerDay: 3, most: 0.05 },
]) {
  // The counts of a day are bounded by its hours, the records by their quotas: both are reached here.
  test(`${name}: rows and bytes are bounded`, (context) => {
    const run = simulate({ days, perMinute, isolates, minutesPerDay });
    const { tested, events, bytes } = run;
    context.diagnostic(
      `${events} events: ${(tested.rowsWritten / events).toFixed(3)} rows an event, ${(bytes / 1e6).toFixed(1)} MB, ` +
        `$${dollarsPerMillion(run).toFixed(2)} per million`,
    );
    assert.ok(dollarsPerMillion(run) < most, `$${dollarsPerMillion(run)} per million`);
    assert.ok(tested.rows("hours") <= 91 * 24);
    assert.ok(tested.rows("pages") <= 1000);
    assert.ok(bytes < 30e6, `${bytes} bytes`);
  });
}

test("a flood of a million forgeries neither pushes out the failures nor exceeds the day's rows", (context) => {
  const tested = new TestStore();
  for (let number = 0; number < 50; number += 1) {
    tested.flush([tested.failed(`evt_${number}`)]);
    tested.now += 5000;
  }
  const before = tested.rowsWritten;
  // 100 isolates, each of which flushes once a minute: 20 lines, and the rest as counts.
  let forgeries = 0;
  while (forgeries < 1_000_000) {
    for (let isolate = 0; isolate < 100; isolate += 1) {
      const lines = Array.from({ length: 20 }, () => tested.forged());
      const counted = { minute: tested.at.slice(0, 16), code: "invalid_signature", isMismatch: true, deliveries: 80 };
      tested.flush(lines, { isolate: `flood_${isolate}`, counts: [counted] });
      forgeries += 100;
      tested.now += minuteMs / 100;
    }
  }
  tested.now += 2000;
  tested.flush([]);
  const rows = tested.rowsWritten - before;
  context.diagnostic(`${forgeries} forgeries: ${rows} rows, ${tested.bytes} bytes`);
  assert.equal(tested.codes().invalid_signature, forgeries);
  assert.ok(rows <= tested.store.status().rowBudget, `${rows} rows`);
  const failed = tested.store.deliveries({ limit: 100, outcome: "failed" }).deliveries;
  assert.equal(failed.length, 50);
});

test("after the day's budget, a busy gateway writes once a minute, and loses no count", (context) => {
  const tested = new TestStore();
  const start = tested.now;
  let flushes = 0;
  // A flush each second for a whole day, as of 5,000 events a second in many isolates.
  for (; tested.now < start + dayMs; tested.now += 1000) {
    tested.flush([tested.accepted(`evt_${flushes}`)], { isolate: `i${flushes % 50}` });
    flushes += 1;
  }
  tested.now -= 1000;
  const { rowsToday, rowBudget, lost } = tested.store.status();
  context.diagnostic(`${flushes} flushes: ${rowsToday} rows`);
  assert.ok(rowsToday > rowBudget, "the budget was reached");
  assert.ok(rowsToday < rowBudget + 1440 * 4, `${rowsToday} rows`);
  assert.equal(lost, 0);
  assert.equal(tested.codes().accepted, flushes);
  tested.now += 2000;
  assert.ok(tested.store.status().rowsToday < 10, "the next day begins anew");
});
