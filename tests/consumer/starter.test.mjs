// The starter's consumer behind the real gateway: what each event leaves in D1.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { messageOf } from "../support/messages.mjs";
import { newEvent, Starter } from "./starter.mjs";

/** @type {Starter} */
let starter;
before(async () => {
  starter = await Starter.start();
});
after(() => starter.stop());

/** @param {string} eventId */
function payments(eventId) {
  return starter.sql(`SELECT amount, currency FROM payments WHERE event_id = '${eventId}'`);
}

test("a payment ends as one row of the ledger, however often it comes", async () => {
  const event = newEvent();
  assert.equal(await starter.deliver(event), 202);
  assert.equal(await starter.deliver(event), 200);
  assert.deepEqual(await starter.outcomes(event.eventId), ["handled"]);
  await starter.queue(Array.from({ length: 20 }, () => messageOf(event)));
  const outcomes = await starter.outcomes(event.eventId, 21);
  assert.equal(outcomes.filter((outcome) => outcome === "handled").length, 1);
  assert.deepEqual(await payments(event.eventId), [{ amount: "49.00", currency: "EUR" }]);
});

test("twenty copies at once have one effect", async () => {
  const event = newEvent();
  await starter.queue(Array.from({ length: 20 }, () => messageOf(event)));
  const outcomes = await starter.outcomes(event.eventId, 20);
  assert.equal(outcomes.filter((outcome) => outcome === "handled").length, 1, outcomes.join());
  assert.equal((await payments(event.eventId)).length, 1);
});

test("a payment without a usable amount is a dead letter, not a row", async () => {
  const unusable = [undefined, null, "49.00", {}, ...[49, null, ["1"]].map((amount) => ({ amount, currency: "EUR" }))];
  await Promise.all(
    unusable.map(async (data) => {
      const event = newEvent({ data });
      await starter.deliver(event);
      const [letter] = await starter.deadLettersOf(event.eventId);
      assert.match(letter?.reason, /^data\.amount or data\.currency missing or not a string$/);
      assert.equal(letter?.attempts, 1);
      assert.deepEqual(await payments(event.eventId), []);
    }),
  );
});

test("an event without a handler for its type is stored whole", async () => {
  const event = newEvent({ type: "invoice.printed" });
  await starter.deliver(event);
  assert.deepEqual(await starter.outcomes(event.eventId), ["handled"]);
  const [row] = await starter.sql(`SELECT * FROM events WHERE event_id = '${event.eventId}'`);
  assert.deepEqual(row, { event_id: event.eventId, type: "invoice.printed", event: JSON.stringify(event) });
});

test("poison and tampered messages are stored with the reason; the rest of the batch is handled", async () => {
  const good = [newEvent(), newEvent()];
  const [tampered, swapped, signedByAnother] = [newEvent(), newEvent(), newEvent()];
  const bad = /** @type {const} */ ([
    ["no JSON at all", /^not_a_message/],
    ["", /^not_a_message/],
    ["[1]", /^not_a_message/],
    [messageOf(newEvent(), { v: 2 }), /^unknown_version/],
    [messageOf(newEvent(), { signature: 7 }), /^not_a_message/],
    [messageOf(tampered).replace('"49.00"', '"0.01"'), /signature/],
    [messageOf(swapped, { eventId: good[0]?.eventId }), /^envelope_mismatch/],
    [messageOf(signedByAnother, { signature: "0".repeat(64) }), /signature/],
  ]);
  await starter.queue([...bad.map(([text]) => text), ...good.map((event) => messageOf(event))]);
  for (const { eventId } of good) {
    // One bad message has this event's id, too.
    await starter.until(
      async () => (await starter.outcomes(eventId)).find((outcome) => outcome === "handled"),
      eventId,
    );
    assert.equal((await payments(eventId)).length, 1);
  }
  for (const [text, reason] of bad) {
    const [row] = await starter.until(async () => {
      const rows = await starter.deadSql(`SELECT reason, attempts FROM cronozen_dead_letters WHERE text = '${text}'`);
      return rows.length > 0 ? rows : undefined;
    }, text);
    assert.match(row?.reason, reason);
    assert.equal(row?.attempts, 1);
  }
  for (const { eventId } of [tampered, swapped, signedByAnother]) {
    assert.deepEqual(await payments(eventId), []);
  }
});

test("a message that is no string is stored, too", async () => {
  await starter.queue([{ not: "the gateway's" }, 7]);
  await starter.until(async () => {
    const rows = await starter.deadSql(
      `SELECT reason FROM cronozen_dead_letters WHERE text IN ('{"not":"the gateway''s"}', '7')`,
    );
    return rows.length === 2 ? rows : undefined;
  }, "both messages");
});

test("the admin API shows what the gateway has done with an event", async () => {
  const event = newEvent();
  assert.equal(await starter.deliver(event), 202);
  assert.equal(await starter.deliver(event), 200);
  assert.deepEqual(await starter.outcomes(event.eventId), ["handled"]);
  const { answer } = await starter.until(async () => {
    const shown = await starter.ask(`/event?id=${event.eventId}`);
    return shown.answer.deliveries.length === 2 ? shown : undefined;
  }, "two deliveries");
  assert.deepEqual(
    answer.deliveries.map((/** @type {any} */ { outcome }) => outcome),
    ["accepted", "duplicate"],
  );
  assert.deepEqual(
    answer.history.map((/** @type {any} */ { outcome }) => outcome),
    ["handled"],
  );
  const { deliveries } = (await starter.ask("/deliveries?code=duplicate&limit=1")).answer;
  assert.equal(deliveries.length, 1);
  const { periods } = (await starter.ask("/activity?by=minute")).answer;
  assert.ok(periods.some((/** @type {any} */ { codes }) => codes.accepted >= 1));
  const { activity } = (await starter.ask("/status")).answer;
  const [gateway] = activity.gateways;
  assert.equal(gateway.health.secrets, 1);
  assert.ok(gateway.keys[0].deliveries >= 2);
  assert.equal(activity.lost, 0);
});

test("an event whose message vanishes from the queue is lost after an hour, and no other", async () => {
  const vanished = newEvent({ type: "test.vanishes" });
  const dead = newEvent({ data: {} });
  assert.equal(await starter.deliver(vanished), 202);
  assert.equal(await starter.deliver(newEvent()), 202);
  assert.equal(await starter.deliver(dead), 202);
  await starter.deadLettersOf(dead.eventId);
  await starter.until(async () => {
    const { answer } = await starter.ask(`/event?id=${dead.eventId}`);
    return answer.deliveries.length > 0 ? true : undefined;
  }, "a delivery");
  const early = (await starter.ask("/losses", { minutesAhead: 55 })).answer;
  assert.deepEqual([early.lost, early.waiting], [0, 0]);
  // While the dead-letter queue has a message, it may hold the event. Then two looks must not find it.
  let minutesAhead = 63;
  const answer = await starter.until(async () => {
    minutesAhead += 2;
    const asked = await starter.ask("/losses", { minutesAhead });
    return asked.answer.waiting === 0 ? asked.answer : undefined;
  }, "empty queues");
  assert.deepEqual([answer.lost, answer.waiting, answer.notKept, answer.more], [1, 0, 0, false]);
  assert.deepEqual(
    answer.events.map((/** @type {any} */ { eventId, type }) => ({ eventId, type })),
    [{ eventId: vanished.eventId, type: "test.vanishes" }],
  );
  const [record] = (await starter.ask(`/event?id=${vanished.eventId}`)).answer.deliveries;
  assert.equal(record.outcome, "accepted");

  assert.equal((await starter.post("/erase", { eventId: vanished.eventId })).answer.activityRecords, 1);
  assert.equal((await starter.ask("/losses", { minutesAhead: minutesAhead + 2 })).answer.lost, 0);
  assert.deepEqual((await starter.ask(`/event?id=${vanished.eventId}`)).answer.deliveries, []);
});
