// The example consumer behind the real gateway: what each event leaves in D1.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { messageOf } from "../support/messages.mjs";
import { Example, newEvent } from "./example.mjs";

/** @type {Example} */
let example;
before(async () => {
  example = await Example.start();
});
after(() => example.stop());

/** @param {string} eventId */
function payments(eventId) {
  return example.sql(`SELECT outcome, amount, currency, created_at FROM payments WHERE event_id = '${eventId}'`);
}

test("a payment ends as one row of the ledger, however often it comes", async () => {
  const event = newEvent();
  assert.equal(await example.deliver(event), 202);
  assert.equal(await example.deliver(event), 200);
  assert.deepEqual(await example.outcomes(event.eventId), ["handled"]);
  await example.queue(Array.from({ length: 20 }, () => messageOf(event)));
  const outcomes = await example.outcomes(event.eventId, 21);
  assert.equal(outcomes.filter((outcome) => outcome === "handled").length, 1);
  assert.deepEqual(await payments(event.eventId), [
    { outcome: "completed", amount: "49.00", currency: "EUR", created_at: event.createdAt },
  ]);
});

test("twenty copies at once have one effect", async () => {
  const event = newEvent({ type: "payment.failed" });
  await example.queue(Array.from({ length: 20 }, () => messageOf(event)));
  const outcomes = await example.outcomes(event.eventId, 20);
  assert.equal(outcomes.filter((outcome) => outcome === "handled").length, 1, outcomes.join());
  assert.deepEqual(
    (await payments(event.eventId)).map(({ outcome }) => outcome),
    ["failed"],
  );
});

test("an amount is kept as it was sent", async () => {
  for (const [amount, kept] of /** @type {const} */ ([
    ["49.10", "49.10"],
    [0, "0"],
    [4900, "4900"],
    ["99999999999.9999", "99999999999.9999"],
  ])) {
    const event = newEvent({ data: { amount, currency: "JPY" } });
    await example.deliver(event);
    await example.outcomes(event.eventId);
    assert.deepEqual(
      (await payments(event.eventId)).map((row) => row.amount),
      [kept],
    );
  }
});

test("a payment without a usable amount is a dead letter, not a row", async () => {
  const unusable = [
    undefined,
    null,
    "49.00",
    {},
    ...["", "1e3", "-1.00", "1,00", " 1", "0x10", "1".repeat(12), 1e21, 49.1, -1, null, ["1"]].map((amount) => ({
      amount,
      currency: "EUR",
    })),
    ...[undefined, "eur", "EURO", 978].map((currency) => ({ amount: "1.00", currency })),
  ];
  await Promise.all(
    unusable.map(async (data) => {
      const event = newEvent({ data });
      await example.deliver(event);
      const [letter] = await example.deadLettersOf(event.eventId);
      assert.match(letter?.reason, /^data\.(amount missing, or neither|currency missing or not three)/);
      assert.equal(letter?.attempts, 1);
      assert.deepEqual(await payments(event.eventId), []);
    }),
  );
});

test("a createdAt that is no string is NULL in the ledger", async () => {
  for (const createdAt of [1763967300, true, {}, [49, 50], null]) {
    const event = newEvent({ createdAt: /** @type {any} */ (createdAt) });
    await example.deliver(event);
    await example.outcomes(event.eventId);
    assert.deepEqual(
      (await payments(event.eventId)).map((row) => row.created_at),
      [null],
    );
  }
});

test("each of two certificates has its own newest state", async () => {
  for (const [certificateId, createdAt] of /** @type {const} */ ([
    ["one", "2026-11-24T08:00:00Z"],
    ["other", "2026-11-24T07:00:00Z"],
  ])) {
    const event = newEvent({ type: "certificate.issued", createdAt, data: { certificateId } });
    await example.deliver(event);
    assert.deepEqual(await example.outcomes(event.eventId), ["handled"]);
    const rows = await example.sql(`SELECT event_id FROM certificates WHERE certificate_id = '${certificateId}'`);
    assert.deepEqual(rows, [{ event_id: event.eventId }]);
  }
});

test("a certificate keeps its newest state, whatever the order", async () => {
  const times = ["2026-11-24T06:00:00Z", "2026-11-24T08:00:00+01:00", "2026-11-24T08:00:00.5Z"];
  for (const order of ["012", "021", "102", "120", "201", "210"]) {
    const certificateId = `certificate-${order}`;
    for (const state of order) {
      const data = { certificateId, state };
      const event = newEvent({ type: "certificate.issued", createdAt: times[Number(state)] ?? "", data });
      assert.equal(await example.deliver(event), 202);
      await example.outcomes(event.eventId);
    }
    const rows = await example.sql(
      `SELECT created_at, data FROM certificates WHERE certificate_id = '${certificateId}'`,
    );
    assert.deepEqual(rows, [{ created_at: times[2], data: JSON.stringify({ certificateId, state: "2" }) }]);
  }
});

test("a certificate without an id, or without a time, is a dead letter", async () => {
  for (const [fields, reason] of /** @type {const} */ ([
    [{ data: { certificateId: "" } }, /^data\.certificateId missing/],
    [{ data: { certificateId: 7 } }, /^data\.certificateId missing/],
    [{ data: { certificateId: "c" }, createdAt: "yesterday" }, /^createdAt missing, unreadable/],
  ])) {
    const event = newEvent({ type: "certificate.issued", ...fields });
    await example.deliver(event);
    const [letter] = await example.deadLettersOf(event.eventId);
    assert.match(letter?.reason, reason);
  }
});

test("an event without a handler for its type is stored whole", async () => {
  const event = newEvent({ type: "invoice.printed" });
  await example.deliver(event);
  assert.deepEqual(await example.outcomes(event.eventId), ["handled"]);
  const [row] = await example.sql(`SELECT * FROM events WHERE event_id = '${event.eventId}'`);
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
  await example.queue([...bad.map(([text]) => text), ...good.map((event) => messageOf(event))]);
  for (const { eventId } of good) {
    // One bad message has this event's id, too.
    await example.until(
      async () => (await example.outcomes(eventId)).find((outcome) => outcome === "handled"),
      eventId,
    );
    assert.equal((await payments(eventId)).length, 1);
  }
  for (const [text, reason] of bad) {
    const [row] = await example.until(async () => {
      const rows = await example.deadSql(`SELECT reason, attempts FROM cronozen_dead_letters WHERE text = '${text}'`);
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
  await example.queue([{ not: "the gateway's" }, 7]);
  await example.until(async () => {
    const rows = await example.deadSql(
      `SELECT reason FROM cronozen_dead_letters WHERE text IN ('{"not":"the gateway''s"}', '7')`,
    );
    return rows.length === 2 ? rows : undefined;
  }, "both messages");
});

test("the admin API shows what the gateway has done with an event", async () => {
  const event = newEvent();
  assert.equal(await example.deliver(event), 202);
  assert.equal(await example.deliver(event), 200);
  assert.deepEqual(await example.outcomes(event.eventId), ["handled"]);
  const { answer } = await example.until(async () => {
    const shown = await example.ask(`/event?id=${event.eventId}`);
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
  const { deliveries } = (await example.ask("/deliveries?code=duplicate&limit=1")).answer;
  assert.equal(deliveries.length, 1);
  const { periods } = (await example.ask("/activity?by=minute")).answer;
  assert.ok(periods.at(-1).codes.accepted >= 1);
  const { activity } = (await example.ask("/status")).answer;
  const [gateway] = activity.gateways;
  assert.equal(gateway.health.secrets, 1);
  assert.ok(gateway.keys[0].deliveries >= 2);
  assert.equal(activity.lost, 0);
});

test("an event whose message vanishes from the queue is lost after an hour, and no other", async () => {
  const vanished = newEvent({ type: "test.vanishes" });
  const dead = newEvent({ data: {} });
  assert.equal(await example.deliver(vanished), 202);
  assert.equal(await example.deliver(newEvent()), 202);
  assert.equal(await example.deliver(dead), 202);
  await example.deadLettersOf(dead.eventId);
  await example.until(async () => {
    const { answer } = await example.ask(`/event?id=${dead.eventId}`);
    return answer.deliveries.length > 0 ? true : undefined;
  }, "a delivery");
  const early = (await example.ask("/losses", { minutesAhead: 55 })).answer;
  assert.deepEqual([early.lost, early.waiting], [0, 0]);
  // While the dead-letter queue has a message, it may hold the event. Then two looks must not find it.
  let minutesAhead = 63;
  const answer = await example.until(async () => {
    minutesAhead += 2;
    const asked = await example.ask("/losses", { minutesAhead });
    return asked.answer.waiting === 0 ? asked.answer : undefined;
  }, "empty queues");
  assert.deepEqual([answer.lost, answer.waiting, answer.notKept, answer.more], [1, 0, 0, false]);
  assert.deepEqual(
    answer.events.map((/** @type {any} */ { eventId, type }) => ({ eventId, type })),
    [{ eventId: vanished.eventId, type: "test.vanishes" }],
  );
  const [record] = (await example.ask(`/event?id=${vanished.eventId}`)).answer.deliveries;
  assert.equal(record.outcome, "accepted");

  assert.equal((await example.post("/erase", { eventId: vanished.eventId })).answer.activityRecords, 1);
  assert.equal((await example.ask("/losses", { minutesAhead: minutesAhead + 2 })).answer.lost, 0);
  assert.deepEqual((await example.ask(`/event?id=${vanished.eventId}`)).answer.deliveries, []);
});
