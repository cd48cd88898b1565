// 5,000 dead letters, redriven by two operators at once, by a Worker that is killed in the middle.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../support/messages.mjs";
import { KillableConsumer } from "./consumer.mjs";

const count = 5000;

/** Every tenth fails again at once. */
const failsAgain = 10;

/** D1 accepts statements of 100 KB. */
const rowsPerStatement = 100;

const consumerProcess = new KillableConsumer();

/** @param {number} number */
function rowOf(number) {
  const type = number % failsAgain === 0 ? "test.non-retryable" : "payment.completed";
  const eventId = `evt_${number}`;
  const text = messageOf({ eventId, type, data: { amount: String(number), currency: "EUR" } });
  return `('m${number}', '${eventId}', '${type}', 'a test', '${text}', ${text.length}, 'cronozen-events-dead', '2026')`;
}

/** @param {import("./consumer.mjs").Client} consumer */
async function bury(consumer) {
  await consumer.event("evt_0");
  for (let start = 0; start < count; start += rowsPerStatement) {
    const rows = Array.from({ length: rowsPerStatement }, (_, number) => rowOf(start + number));
    await consumer.sql(
      `INSERT INTO cronozen_dead_letters (message_id, event_id, type, reason, text, bytes, queue, stored_at)
       VALUES ${rows.join()}`,
    );
  }
}

/**
 * Redrives all of a selection, step by step, until the end or until the Worker is gone. Returns the ids that were redriven,
 * as the answers say.
 *
 * @param {import("./consumer.mjs").Client} consumer
 * @param {{ upTo: number, state?: string }} selection
 */
async function redriveAll(consumer, selection, afterStep = /** @type {(redriven: number) => void} */ (() => {})) {
  const redriven = [];
  for (let after = 0; after !== null; ) {
    const answer = await consumer.api("dead-letters/redrive", { ...selection, after });
    assert.deepEqual(answer.failed, []);
    redriven.push(...answer.redriven.map((/** @type {any} */ { id }) => id));
    afterStep(redriven.length);
    after = answer.next;
  }
  return redriven;
}

/** Kills the Worker as soon as a step has leased its rows: its sends take 40 ms. @param {import("./consumer.mjs").Client} consumer */
async function killInTheMiddleOfAStep(consumer) {
  for (let leased = 0; leased === 0; ) {
    [[{ leased }]] = await consumer.sql("SELECT count(lease) AS leased FROM cronozen_dead_letters");
  }
  await consumerProcess.kill();
}

/** Waits until no event is claimed and no dead letter stored for five seconds: a retry comes within one. @param {import("./consumer.mjs").Client} consumer */
async function quiet(consumer) {
  for (let seen = -1, now = 0; seen !== now; ) {
    seen = now;
    await sleep(5000);
    now = (await consumer.claims()) + (await consumer.deadLetters("id")).length;
  }
}

test("5,000 dead letters are redriven by two operators and through a kill; each event has one effect, and the account is right", {
  timeout: 230_000,
}, async (context) => {
  let consumer = await consumerProcess.start();
  await bury(consumer);
  const preview = await consumer.api("dead-letters/redrive", { dryRun: true });
  assert.deepEqual([preview.letters, preview.upTo], [count, count]);

  // The first operator is cut off in the middle.
  const cutOff = redriveAll(consumer, { upTo: count }, (redriven) => {
    if (redriven === 1000) {
      void killInTheMiddleOfAStep(consumer);
    }
  });
  await assert.rejects(cutOff);
  consumer = await consumerProcess.start();
  const [[{ marked, leased }]] = await consumer.sql(
    "SELECT count(redriven_at) AS marked, count(lease) AS leased FROM cronozen_dead_letters",
  );
  assert.ok(marked >= 1000 && marked < count, `${marked} are marked`);
  assert.ok(leased <= 20, "at most one step has an unknown end");

  // Two go on at once. They leave out what the step that was cut off has leased.
  const both = await Promise.all([redriveAll(consumer, { upTo: count }), redriveAll(consumer, { upTo: count })]);
  const [mine = [], others = []] = both;
  assert.equal(new Set([...mine, ...others]).size, mine.length + others.length, "none is sent by both");
  assert.equal(mine.length + others.length, count - marked - leased);
  assert.ok(mine.length > 0 && others.length > 0);
  // A minute later.
  await consumer.sql(
    "UPDATE cronozen_dead_letters SET leased_until = '2026-01-01T00:00:00.000Z' WHERE lease IS NOT NULL",
  );
  assert.equal((await redriveAll(consumer, { upTo: count })).length, leased);
  await quiet(consumer);

  // The local queue is lost with its process. Those dead letters say "redriven" for ever: send them once more.
  const lost = count - count / failsAgain - (await consumer.effects());
  await redriveAll(consumer, { upTo: count, state: "redriven" });
  await quiet(consumer);

  const [effects, totals, open, account, audit] = await consumer.sql(
    "SELECT count(*) AS effects, count(DISTINCT event_id) AS events FROM effects",
    "SELECT letters, open, bytes FROM cronozen_dead_letter_totals",
    `SELECT count(*) AS letters, count(*) - count(redriven_at) AS open, sum(bytes) AS bytes FROM cronozen_dead_letters`,
    `SELECT sum(redrives) AS redrives FROM cronozen_dead_letters`,
    `SELECT sum(json_array_length(result, '$.redriven')) AS redrives, count(*) - count(result) AS unfinished
     FROM cronozen_audit WHERE action = 'redrive'`,
  );
  const handled = count - count / failsAgain;
  assert.deepEqual(effects, [{ effects: handled, events: handled }]);
  assert.deepEqual(totals, open, "the totals are those of the rows");
  assert.ok(open[0].open >= count / failsAgain, "what failed again is open");
  assert.equal(account[0].redrives, audit[0].redrives, "the audit has each redrive that is marked");
  assert.ok(audit[0].unfinished <= 1);
  context.diagnostic(`${marked} before the kill, ${leased} leased at the kill, ${lost} lost with the local queue`);
});
