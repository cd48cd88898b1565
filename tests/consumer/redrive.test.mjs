// Dead letters of the starter's consumer: none gets lost, and each can be redriven and then counts once.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { messageOf } from "../support/messages.mjs";
import { newEvent, Starter } from "./starter.mjs";

/** @type {Starter} */
let starter;
before(async () => {
  starter = await Starter.start();
  // Has the tables made.
  await starter.ask("/dead-letters");
});
afterEach(() => starter.deadSql("DELETE FROM cronozen_dead_letters", "DELETE FROM cronozen_audit"));
after(() => starter.stop());

const breakLedger = "ALTER TABLE payments RENAME TO payments_away";
const mendLedger = "ALTER TABLE payments_away RENAME TO payments";

/** The number of an event's payments. @param {string} eventId */
async function count(eventId) {
  return (await starter.sql(`SELECT 1 FROM payments WHERE event_id = '${eventId}'`)).length;
}

/** An event whose handler fails until it is a dead letter. */
async function failed() {
  const event = newEvent();
  await starter.sql(breakLedger);
  await starter.deliver(event);
  const [letter] = await starter.deadLettersOf(event.eventId);
  await starter.sql(mendLedger);
  return { event, id: Number(letter?.id), letter };
}

/** @param {...number} ids */
function redrive(...ids) {
  return starter.post("/dead-letters/redrive", { ids });
}

/** Waits for a state of an event's oldest dead letter. @param {string} eventId @param {string} state */
function letterIn(eventId, state) {
  return starter.until(
    async () => (await starter.lettersOf(eventId)).find((letter) => letter.state === state),
    `a dead letter of ${eventId} that is ${state}`,
  );
}

test("an event that fails eleven times is a dead letter with a reason, and counts once when redriven", async () => {
  const { event, id, letter } = await failed();
  const { eventId } = event;
  assert.equal(letter?.type, "payment.completed");
  assert.equal(letter?.attempts, 11);
  assert.match(letter?.reason, /no such table: payments/);
  assert.equal(letter?.queue, "cronozen-events-dead");
  assert.deepEqual([letter?.state, letter?.redrivenAt, letter?.handledAt], ["open", null, null]);
  const { answer: shown } = await starter.ask(`/dead-letters/${id}`);
  assert.match(shown.text, /^\{"v":1,/);
  assert.equal(shown.text.length, shown.bytes);
  const delays = starter.logged(eventId).flatMap(({ delaySeconds }) => delaySeconds ?? []);
  assert.equal(delays.length, 10);
  assert.ok(delays.reduce((sum, delay) => sum + delay, 0) < 24 * 3600, "within the free plan's retention");

  const { status, answer } = await redrive(id);
  assert.equal(status, 200);
  assert.deepEqual(answer, {
    redriven: [{ id, eventId, type: "payment.completed" }],
    failed: [],
    next: null,
    open: 0,
  });
  assert.deepEqual(await starter.outcomes(eventId, 2), ["dead", "handled"]);
  assert.equal(await count(eventId), 1);

  assert.deepEqual((await starter.ask("/dead-letters")).answer, { deadLetters: [], next: null });
  const redriven = await letterIn(eventId, "handled");
  assert.equal(redriven.redrives, 1);
  assert.ok(redriven.handledAt >= redriven.failedAt, "the list shows that it was handled");
});

test("an event that is dead, redriven and handled shows all three, and who redrove it", async () => {
  const { event, id } = await failed();
  await redrive(id);
  await letterIn(event.eventId, "handled");
  const { answer } = await starter.ask(`/event?id=${event.eventId}`);
  const { history, deadLetters, ...head } = answer;
  assert.deepEqual(
    history.map((/** @type {any} */ happening) => happening.outcome),
    ["dead", "redriven", "handled"],
  );
  assert.deepEqual(
    history.map((/** @type {any} */ happening) => happening.attempts),
    [11, undefined, 1],
  );
  assert.match(history[0].reason, /no such table: payments/);
  assert.equal(head.type, event.type);
  assert.equal(head.createdAt, event.createdAt);
  assert.ok(Math.abs(Date.parse(head.receivedAt) - Date.now()) < 60_000);
  assert.deepEqual(
    deadLetters.map((/** @type {any} */ letter) => letter.id),
    [id],
  );
  const [entry] = (await starter.ask("/audit")).answer.entries;
  assert.equal(entry.actor, "ADMIN_TOKEN (token)");
  assert.equal(entry.action, "redrive");
  assert.deepEqual(entry.details.ids, [id]);
  assert.deepEqual(entry.result, { redriven: [id], failed: [] });
});

test("an event redriven three times counts once", async () => {
  const { event, id } = await failed();
  const both = await Promise.all([redrive(id), redrive(id)]);
  await redrive(id);
  const sent = both.reduce((sum, { answer }) => sum + answer.redriven.length, 1);
  assert.ok(sent >= 2, "a lease may keep the second from sending");
  const outcomes = await starter.outcomes(event.eventId, 1 + sent);
  assert.deepEqual(outcomes.sort(), ["dead", ...Array(sent - 1).fill("duplicate"), "handled"]);
  assert.equal(await count(event.eventId), 1);
  const [letter] = await starter.deadLettersOf(event.eventId);
  assert.equal(letter?.redrives, sent);
});

test("a dry run sends nothing, marks nothing, and says what would be sent", async () => {
  const { event, id, letter } = await failed();
  for (const selection of [{ ids: [id] }, { upTo: id }, {}]) {
    const { status, answer } = await starter.post("/dead-letters/redrive", { ...selection, dryRun: true });
    assert.equal(status, 200);
    const { type, reason, bytes } = letter ?? assert.fail();
    assert.deepEqual(answer, { dryRun: true, letters: 1, bytes, upTo: id, groups: [{ type, reason, letters: 1 }] });
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(await starter.outcomes(event.eventId), ["dead"]);
  assert.equal(await count(event.eventId), 0);
  const [after] = await starter.deadLettersOf(event.eventId);
  assert.deepEqual([after?.redrivenAt, after?.redrives], [null, 0]);
  assert.deepEqual((await starter.ask("/audit")).answer.entries, []);

  await starter.redriveAll();
  await starter.outcomes(event.eventId, 2);
  assert.equal(await count(event.eventId), 1);
});

test("an event that fails again after a redrive has a new dead letter, and the first one says so", async () => {
  const { event, id } = await failed();
  await starter.sql(breakLedger);
  await starter.redriveAll();
  const letters = await starter.deadLettersOf(event.eventId, 2);
  await starter.sql(mendLedger);
  assert.deepEqual(
    letters.map(({ state }) => state),
    ["failed_again", "open"],
  );
  const open = (await starter.ask("/dead-letters")).answer.deadLetters;
  assert.equal(open.length, 1);
  assert.notEqual(open[0].id, id);
  const texts = await starter.deadSql("SELECT DISTINCT text FROM cronozen_dead_letters");
  assert.equal(texts.length, 1, "the message is unchanged");

  await starter.redriveAll();
  await starter.outcomes(event.eventId, 3);
  assert.equal(await count(event.eventId), 1);
});

/** Stores dead letters without the queue. @param {import("./starter.mjs").Event[]} events */
async function store(events) {
  for (const event of events) {
    await starter.deadSql(
      `INSERT INTO cronozen_dead_letters (message_id, event_id, type, reason, text, bytes, queue, stored_at)
       VALUES (hex(randomblob(16)), '${event.eventId}', '${event.type}', 'a test', '${messageOf(event)}', 400, 'q', '2026')`,
    );
  }
}

test("120 dead letters are redriven in steps of 20, and each counts once", async () => {
  const events = Array.from({ length: 120 }, () => newEvent());
  await store(events);
  const answers = await starter.redriveAll();
  assert.deepEqual(
    answers.map(({ redriven, open }) => [redriven.length, open]),
    [...Array(6).fill([20, null]), [0, 0]],
  );
  assert.deepEqual(
    answers.flatMap(({ redriven }) => redriven).map(({ eventId }) => eventId),
    events.map(({ eventId }) => eventId),
  );
  for (const { eventId } of events) {
    assert.deepEqual(await starter.outcomes(eventId), ["handled"]);
    assert.equal(await count(eventId), 1);
  }
  const { answer } = await starter.post("/dead-letters/redrive", { upTo: 1_000_000 });
  assert.deepEqual(answer.redriven, [], "nothing is redriven again");
});

test("a filter chooses what is redriven and pruned", async () => {
  const [wanted, other] = [newEvent({ type: "a.wanted" }), newEvent({ type: "another" })];
  await store([wanted, other]);
  const filter = { type: "a.wanted", reason: "a test", upTo: 1_000_000 };
  const { redriven, open } = (await starter.post("/dead-letters/redrive", filter)).answer;
  assert.deepEqual(
    redriven.map((/** @type {any} */ letter) => letter.eventId),
    [wanted.eventId],
  );
  assert.equal(open, 0, "of the selection");
  await starter.outcomes(wanted.eventId);
  assert.deepEqual((await starter.post("/dead-letters/prune", { ...filter, type: "unknown" })).answer.pruned, []);
  const dry = await starter.post("/dead-letters/prune", { reason: "a test", dryRun: true });
  assert.equal(dry.answer.letters, 1);
  const { pruned, next } = (await starter.post("/dead-letters/prune", { reason: "a test", upTo: dry.answer.upTo }))
    .answer;
  assert.deepEqual(
    pruned.map((/** @type {any} */ letter) => letter.eventId),
    [other.eventId],
  );
  assert.equal(next, null);
  const { answer } = await starter.post("/dead-letters/prune", { state: "redriven", upTo: 1_000_000 });
  assert.equal(answer.pruned.length, 1);
  assert.deepEqual(
    (await starter.ask("/audit")).answer.entries.map((/** @type {any} */ { action, result }) => [
      action,
      (result.pruned ?? result.redriven).length,
    ]),
    [
      ["prune", 1],
      ["prune", 1],
      ["prune", 0],
      ["redrive", 1],
    ],
  );
});

test("what the queue refuses stays open, and the answer says so", async () => {
  const event = newEvent();
  await starter.deadSql(
    `INSERT INTO cronozen_dead_letters (message_id, text, bytes, queue, stored_at)
     VALUES ('long', hex(zeroblob(65000)), 130000, 'q', '2026')`,
  );
  await store([event]);
  const [answer] = await starter.redriveAll();
  assert.deepEqual(
    answer?.redriven.map((/** @type {any} */ letter) => letter.eventId),
    [event.eventId],
  );
  assert.equal(answer?.failed.length, 1);
  assert.ok(answer?.failed[0].reason.length > 10, answer?.failed[0].reason);
  assert.equal(answer?.open, 1);
  const [{ result }] = (await starter.ask("/audit")).answer.entries;
  assert.deepEqual(
    [result.redriven, result.failed],
    [answer?.redriven, answer?.failed].map((letters) => letters.map((/** @type {any} */ { id }) => id)),
  );
  await starter.outcomes(event.eventId);
  assert.equal(await count(event.eventId), 1);
  const [again] = await starter.redriveAll();
  assert.equal(again?.failed.length, 1, "its lease has ended with the failure");
});

test("a failure between sending and marking leaves a copy without a second effect", async () => {
  const { event, id } = await failed();
  await starter.deadSql(
    `CREATE TRIGGER no_mark BEFORE UPDATE OF redriven_at ON cronozen_dead_letters
     BEGIN SELECT RAISE(FAIL, 'D1 is down'); END`,
  );
  const { status, answer } = await redrive(id);
  assert.equal(status, 503);
  assert.equal(answer.code, "unavailable");
  assert.ok(!JSON.stringify(answer).includes("D1 is down"), "only the log has the error");
  await starter.deadSql("DROP TRIGGER no_mark");
  await starter.outcomes(event.eventId, 2);
  assert.deepEqual((await redrive(id)).answer.redriven, [], "its lease lasts for a minute");
  const [started, unfinished] = (await starter.ask("/audit")).answer.entries;
  assert.deepEqual([started.result.redriven, unfinished.result], [[], null], "the audit has the one without an end");
  await starter.deadSql("UPDATE cronozen_dead_letters SET leased_until = '2026-01-01T00:00:00.000Z'");
  await redrive(id);
  assert.deepEqual(await starter.outcomes(event.eventId, 3), ["dead", "handled", "duplicate"]);
  assert.equal(await count(event.eventId), 1);
});

test("a dead letter that the queue itself has moved has no reason, and is redriven as it was", async () => {
  const event = newEvent();
  await starter.sql("CREATE TABLE worker_is_broken (reason)");
  await starter.deliver(event);
  const [letter] = await starter.deadLettersOf(event.eventId);
  await starter.sql("DROP TABLE worker_is_broken");
  assert.equal(letter?.type, event.type);
  assert.deepEqual([letter?.reason, letter?.attempts, letter?.failedAt], [null, null, null]);
  const outcomes = await starter.until(async () => {
    const lines = starter.logged(event.eventId);
    return lines.length >= 2 ? lines.map(({ outcome }) => outcome) : undefined;
  }, "two lines");
  assert.deepEqual(outcomes, Array(2).fill("dead_letter_stored"));

  await starter.redriveAll();
  assert.deepEqual(await starter.outcomes(event.eventId), ["handled"]);
  assert.equal(await count(event.eventId), 1);
});

test("without D1 a dead letter is retried with growing delays until it is stored", async () => {
  const event = newEvent({ data: { amount: "none" } });
  await starter.deadSql("ALTER TABLE cronozen_dead_letters RENAME TO dead_letters_away");
  await starter.deliver(event);
  const failures = await starter.until(async () => {
    const lines = starter.logged("dead_letter_not_stored").filter(({ attempt }) => attempt >= 9);
    return lines.length > 0 ? starter.logged("dead_letter_not_stored") : undefined;
  }, "nine failures");
  await starter.deadSql("ALTER TABLE dead_letters_away RENAME TO cronozen_dead_letters");
  const [letter] = await starter.deadLettersOf(event.eventId);
  assert.match(letter?.reason, /^data\.amount or data\.currency missing/);
  const delays = new Map(failures.map(({ attempt, delaySeconds }) => [attempt, delaySeconds]));
  assert.deepEqual([delays.get(1), delays.get(2), delays.get(3), delays.get(9)], [30, 60, 120, 7680]);
});
