// When an isolate flushes its lines, with a clock that the test sets.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

/** @type {typeof import("../../src/js/activity-buffer.ts")} */
const { ActivityBuffer, longestWaitMs } = await import(
  new URL("../../build/worker/activity-buffer.js", import.meta.url).href
);

/** @typedef {import("../../src/js/activity-sources.ts").Batch} Batch */

/** The batches that have reached the object. @type {Batch[]} */
let batches = [];
/** @type {(batch: Batch) => Promise<unknown>} */
let record;
/** @type {InstanceType<typeof ActivityBuffer>} */
let buffer;
/** The work that requests live on for. */
let pending = 0;

const destination = {
  env: { ACTIVITY: { idFromName: () => "id", get: () => ({ record: (/** @type {Batch} */ batch) => record(batch) }) } },
  health: async () => "{}",
};

beforeEach(() => {
  mock.timers.enable({ apis: ["Date", "setTimeout"], now: Date.UTC(2026, 10, 24) });
  batches = [];
  pending = 0;
  record = async (batch) => {
    batches.push(batch);
    return batch.number;
  };
  buffer = new ActivityBuffer();
});
afterEach(() => mock.timers.reset());

/** Lets everything happen that is due by then. @param {number} ms */
async function pass(ms) {
  for (let passed = 0; passed < ms; passed += 50) {
    for (let turn = 0; turn < 10; turn += 1) {
      await Promise.resolve();
    }
    mock.timers.tick(50);
  }
  for (let turn = 0; turn < 10; turn += 1) {
    await Promise.resolve();
  }
}

/** A delivery. @param {{ line?: string, isUnsigned?: boolean, lateMs?: number }} [delivery] */
function deliver({ line = '{"outcome":"accepted"}', isUnsigned = false, lateMs = 0 } = {}) {
  buffer.add(line, isUnsigned);
  const work = buffer.flushWhenDue(destination, Date.now() + longestWaitMs - lateMs);
  if (work !== undefined) {
    pending += 1;
    work.then(() => {
      pending -= 1;
    });
  }
}

function forged() {
  const at = new Date().toISOString();
  return `{"at":"${at}","outcome":"rejected","code":"invalid_signature","reason":"signature mismatch: ..."}`;
}

const lines = () => batches.reduce((sum, batch) => sum + batch.lines.length, 0);

test("the first line is flushed at once, and those of the next five seconds together", async () => {
  deliver();
  await pass(0);
  assert.equal(lines(), 1);
  for (let second = 0; second < 60; second += 1) {
    await pass(1000);
    deliver();
  }
  await pass(6000);
  assert.equal(lines(), 61);
  assert.ok(batches.length <= 14, `${batches.length} flushes in a minute`);
  assert.equal(pending, 0);
});

test("work that ends after the answer does not flush once a delivery", async () => {
  for (let second = 0; second < 60; second += 1) {
    deliver({ lateMs: 400 });
    await pass(1000);
  }
  await pass(6000);
  assert.equal(lines(), 60);
  assert.ok(batches.length <= 14, `${batches.length} flushes in a minute`);
});

test("a line of a request that soon ends is flushed at once", async () => {
  deliver();
  await pass(100);
  deliver({ lateMs: longestWaitMs });
  await pass(0);
  assert.equal(lines(), 2);
});

test("200 lines do not wait for five seconds", async () => {
  deliver();
  await pass(100);
  for (let number = 0; number < 200; number += 1) {
    deliver();
  }
  await pass(100);
  assert.equal(lines(), 201);
});

test("unsigned lines are flushed once a minute, twenty of them as lines", async () => {
  deliver();
  await pass(100);
  for (let second = 0; second < 180; second += 1) {
    for (let number = 0; number < 50; number += 1) {
      deliver({ line: forged(), isUnsigned: true });
    }
    await pass(1000);
  }
  assert.ok(batches.length >= 3 && batches.length <= 4, `${batches.length} flushes in three minutes`);
  deliver();
  await pass(6000);
  const counted = batches.flatMap(({ counts }) => counts);
  assert.equal(
    counted.reduce((sum, { deliveries }) => sum + deliveries, lines()),
    180 * 50 + 2,
  );
  assert.ok(counted.every(({ code, isMismatch }) => code === "invalid_signature" && isMismatch));
  const last = batches.at(-1);
  assert.equal(last?.to, 180 * 50 + 2);
});

test("a line of a known sender does not wait for lines that anyone can cause", async () => {
  deliver({ line: forged(), isUnsigned: true });
  await pass(44_000);
  // Its request waits until a minute has passed.
  deliver({ line: forged(), isUnsigned: true });
  await pass(1000);
  deliver();
  await pass(600);
  deliver();
  await pass(5500);
  assert.equal(lines(), 4);
});

test("an isolate that was silent for longer than the object remembers it counts its lines anew", async () => {
  deliver();
  deliver();
  await pass(6000);
  mock.timers.setTime(Date.now() + 13 * 3_600_000);
  deliver();
  await pass(100);
  const [first, last] = [batches[0], batches.at(-1)];
  assert.notEqual(last?.isolate, first?.isolate);
  assert.deepEqual([last?.number, last?.from, last?.to, last?.lines.length], [1, 0, 1, 1]);
});

test("a batch that is not acknowledged is sent again as it is, and the rest after it", async () => {
  let fails = true;
  /** @type {Batch[]} */
  const tried = [];
  record = async (batch) => {
    tried.push(batch);
    if (fails) {
      return undefined;
    }
    batches.push(batch);
    return batch.number;
  };
  deliver();
  await pass(100);
  deliver();
  deliver();
  await pass(5000);
  fails = false;
  await pass(12_000);
  assert.ok(tried.length >= 3);
  assert.deepEqual(
    batches.map(({ number, from, to }) => ({ number, from, to })),
    [
      { number: 1, from: 0, to: 1 },
      { number: 2, from: 1, to: 3 },
    ],
  );
});

test("what waits for an object that never answers is bounded", async () => {
  record = () => new Promise(() => {});
  for (let minute = 0; minute < 600; minute += 1) {
    for (let number = 0; number < 30; number += 1) {
      deliver({ line: forged(), isUnsigned: true });
      deliver();
    }
    mock.timers.tick(60_000);
    await Promise.resolve();
  }
  record = async (batch) => {
    batches.push(batch);
    return batch.number;
  };
  await pass(10_000);
  deliver();
  await pass(10_000);
  const most = Math.max(...batches.map((batch) => batch.lines.length));
  assert.ok(most <= 1000, `${most} lines`);
  const counts = Math.max(...batches.map((batch) => batch.counts.length));
  assert.ok(counts <= 201, `${counts} counts`);
  const { from = 0, to = 0 } = batches.at(-1) ?? {};
  assert.equal(from < to && to, 600 * 60 + 1, "lines that were dropped are numbered");
});

test("without the binding, nothing is kept", async () => {
  for (let number = 0; number < 3000; number += 1) {
    buffer.add(forged(), number % 2 === 0);
    assert.equal(buffer.flushWhenDue({ env: {}, health: async () => "{}" }, Date.now() + longestWaitMs), undefined);
  }
  deliver();
  await pass(100);
  assert.equal(lines(), 1);
});
