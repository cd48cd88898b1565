// Dead letters of the example consumer: none gets lost, and each can be redriven and then counts once.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { messageOf } from "../support/messages.mjs";
import { Example, newEvent } from "./example.mjs";

/** @type {Example} */
let example;
before(async () => {
  example = await Example.start();
});
afterEach(() => example.sql("DELETE FROM dead_letters"));
after(() => example.stop());

const breakLedger = "ALTER TABLE payments RENAME TO payments_away";
const mendLedger = "ALTER TABLE payments_away RENAME TO payments";

/** The number of an event's rows in the ledger. @param {string} eventId */
async function count(eventId) {
  return (await example.sql(`SELECT 1 FROM payments WHERE event_id = '${eventId}'`)).length;
}

/** An event whose handler fails until it is a dead letter. */
async function failed() {
  const event = newEvent();
  await example.sql(breakLedger);
  await example.deliver(event);
  const [letter] = await example.deadLettersOf(event.eventId);
  await example.sql(mendLedger);
  return { event, id: Number(letter?.id), letter };
}

test("an event that fails eleven times is a dead letter with a reason, and counts once when redriven", async () => {
  const { event, id, letter } = await failed();
  const { eventId } = event;
  assert.equal(letter?.type, "payment.completed");
  assert.equal(letter?.attempts, 11);
  assert.match(letter?.reason, /no such table: payments/);
  assert.equal(letter?.redrivenAt, null);
  assert.equal(letter?.handledAt, null);
  assert.deepEqual(
    await example
      .sql(`SELECT text FROM dead_letters WHERE id = ${id} AND text LIKE '{"v":1,%'`)
      .then((rows) => rows.length),
    1,
  );
  const delays = example.logged(eventId).flatMap(({ delaySeconds }) => delaySeconds ?? []);
  assert.equal(delays.length, 10);
  assert.ok(delays.reduce((sum, delay) => sum + delay, 0) < 24 * 3600, "within the free plan's retention");

  const { status, answer } = await example.post(`/dead-letters/${id}/redrive`);
  assert.equal(status, 200);
  assert.equal(answer.dryRun, false);
  assert.deepEqual(answer.redriven, [{ id, eventId, type: "payment.completed", bytes: letter?.bytes }]);
  assert.equal(answer.open, 0);
  assert.deepEqual(await example.outcomes(eventId, 2), ["dead", "handled"]);
  assert.equal(await count(eventId), 1);

  assert.deepEqual((await example.ask("/dead-letters")).answer, { deadLetters: [], next: null });
  const [redriven] = await example.deadLettersOf(eventId);
  assert.equal(redriven?.redrives, 1);
  assert.ok(redriven?.handledAt >= redriven?.failedAt, "the list shows that it was handled");
});

test("an event redriven three times counts once", async () => {
  const { event, id } = await failed();
  await Promise.all([example.post(`/dead-letters/${id}/redrive`), example.post(`/dead-letters/${id}/redrive`)]);
  await example.post(`/dead-letters/${id}/redrive`);
  assert.deepEqual((await example.outcomes(event.eventId, 4)).sort(), ["dead", "duplicate", "duplicate", "handled"]);
  assert.equal(await count(event.eventId), 1);
  const [letter] = await example.deadLettersOf(event.eventId);
  assert.equal(letter?.redrives, 3);
});

test("a dry run sends nothing, marks nothing, and says what would be sent", async () => {
  const { event, id, letter } = await failed();
  for (const path of [`/dead-letters/${id}/redrive`, "/dead-letters/redrive"]) {
    const { status, answer } = await example.post(`${path}?dry-run=true`);
    assert.equal(status, 200);
    const redriven = [{ id, eventId: event.eventId, type: event.type, bytes: letter?.bytes }];
    assert.deepEqual(answer, { dryRun: true, redriven, failed: [], open: 1 });
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(await example.outcomes(event.eventId), ["dead"]);
  assert.equal(await count(event.eventId), 0);
  const [after] = await example.deadLettersOf(event.eventId);
  assert.deepEqual([after?.redrivenAt, after?.redrives], [null, 0]);

  await example.post("/dead-letters/redrive?dry-run=false");
  await example.outcomes(event.eventId, 2);
  assert.equal(await count(event.eventId), 1);
});

test("an event that fails again after a redrive has a new dead letter, and the first one is closed", async () => {
  const { event, id } = await failed();
  await example.sql(breakLedger);
  await example.post("/dead-letters/redrive");
  const letters = await example.deadLettersOf(event.eventId, 2);
  await example.sql(mendLedger);
  assert.equal(letters.length, 2);
  const open = (await example.ask("/dead-letters")).answer.deadLetters;
  assert.deepEqual(
    open.map((/** @type {any} */ letter) => letter.eventId),
    [event.eventId],
  );
  assert.notEqual(open[0].id, id);
  const texts = await example.sql("SELECT DISTINCT text FROM dead_letters");
  assert.equal(texts.length, 1, "the message is unchanged");

  await example.post("/dead-letters/redrive");
  await example.outcomes(event.eventId, 3);
  assert.equal(await count(event.eventId), 1);
});

/** Stores dead letters without the queue. @param {import("./example.mjs").Event[]} events */
async function store(events) {
  for (const event of events) {
    await example.sql(
      `INSERT INTO dead_letters (message_id, event_id, text, stored_at)
       VALUES (hex(randomblob(16)), '${event.eventId}', '${messageOf(event)}', '2026')`,
    );
  }
}

test("120 dead letters are redriven, and each counts once", async () => {
  const events = Array.from({ length: 120 }, () => newEvent());
  await store(events);
  assert.equal((await example.post("/dead-letters/redrive?dry-run=true")).answer.redriven.length, 120);
  const { status, answer } = await example.post("/dead-letters/redrive");
  assert.equal(status, 200);
  assert.deepEqual(
    answer.redriven.map((/** @type {any} */ letter) => letter.eventId),
    events.map(({ eventId }) => eventId),
  );
  assert.equal(answer.open, 0);
  for (const { eventId } of events) {
    assert.deepEqual(await example.outcomes(eventId), ["handled"]);
    assert.equal(await count(eventId), 1);
  }
  assert.deepEqual((await example.post("/dead-letters/redrive")).answer.redriven, [], "nothing is redriven again");
});

test("one request redrives five hundred, and says how many are left", async () => {
  await example.sql(
    `INSERT INTO dead_letters (message_id, text, stored_at)
     WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 501)
     SELECT 'many-' || n, 'nothing that can be handled', '2026' FROM number`,
  );
  const first = (await example.post("/dead-letters/redrive")).answer;
  assert.equal(first.redriven.length, 500);
  assert.ok(first.open >= 1);
  // Each comes back as a new dead letter.
  await example.until(async () => {
    const [row] = await example.sql("SELECT count(*) AS stored FROM dead_letters");
    return row?.stored >= 1001 || undefined;
  }, "501 new dead letters");
});

test("what the queue refuses stays, and the answer says so", async () => {
  const event = newEvent();
  await example.sql(
    "INSERT INTO dead_letters (message_id, text, stored_at) VALUES ('long', hex(zeroblob(65000)), '2026')",
  );
  await store([event]);
  const { status, headers, answer } = await example.post("/dead-letters/redrive");
  assert.equal(status, 502);
  assert.equal(headers.get("content-type"), "application/problem+json");
  assert.equal(answer.code, "not_redriven");
  assert.deepEqual(
    answer.redriven.map((/** @type {any} */ letter) => letter.eventId),
    [event.eventId],
  );
  assert.equal(answer.failed[0].bytes, 130_000);
  assert.ok(answer.failed[0].reason.length > 10, answer.failed[0].reason);
  assert.equal(answer.open, 1);
  await example.outcomes(event.eventId);
  assert.equal(await count(event.eventId), 1);
});

test("a failure between sending and marking leaves a copy without a second effect", async () => {
  const { event, id } = await failed();
  await example.sql("CREATE TRIGGER no_mark BEFORE UPDATE ON dead_letters BEGIN SELECT RAISE(FAIL, 'D1 is down'); END");
  const { status, answer } = await example.post(`/dead-letters/${id}/redrive`);
  assert.equal(status, 503);
  assert.equal(answer.code, "unavailable");
  assert.ok(!JSON.stringify(answer).includes("D1 is down"), "only the log has the error");
  await example.sql("DROP TRIGGER no_mark");
  await example.outcomes(event.eventId, 2);
  await example.post("/dead-letters/redrive");
  assert.deepEqual(await example.outcomes(event.eventId, 3), ["dead", "handled", "duplicate"]);
  assert.equal(await count(event.eventId), 1);
});

test("a dead letter that the queue itself has moved has no reason, and is redriven as it was", async () => {
  const event = newEvent();
  await example.sql("CREATE TABLE worker_is_broken (reason)");
  await example.deliver(event);
  const [letter] = await example.deadLettersOf(event.eventId);
  await example.sql("DROP TABLE worker_is_broken");
  assert.equal(letter?.type, event.type);
  assert.deepEqual([letter?.reason, letter?.attempts, letter?.failedAt], [null, null, null]);
  assert.deepEqual(
    example.logged(event.eventId).map(({ outcome }) => outcome),
    Array(2).fill("dead_letter_stored"),
  );

  await example.post("/dead-letters/redrive");
  assert.deepEqual(await example.outcomes(event.eventId), ["handled"]);
  assert.equal(await count(event.eventId), 1);
});

test("without D1 a dead letter is retried with growing delays until it is stored", async () => {
  const event = newEvent({ data: { amount: "none" } });
  await example.sql("ALTER TABLE dead_letters RENAME TO dead_letters_away");
  await example.deliver(event);
  const failures = await example.until(async () => {
    const lines = example.logged("dead_letter_not_stored").filter(({ attempt }) => attempt >= 9);
    return lines.length > 0 ? example.logged("dead_letter_not_stored") : undefined;
  }, "nine failures");
  await example.sql("ALTER TABLE dead_letters_away RENAME TO dead_letters");
  const [letter] = await example.deadLettersOf(event.eventId);
  assert.match(letter?.reason, /^data\.amount missing/);
  const delays = new Map(failures.map(({ attempt, delaySeconds }) => [attempt, delaySeconds]));
  assert.deepEqual([delays.get(1), delays.get(2), delays.get(3), delays.get(9)], [30, 60, 120, 3600]);
});
