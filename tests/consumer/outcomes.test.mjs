// The outcome of each kind of message: handled, retried, or a dead letter with its reason.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, secret, sign, storedMessageOf } from "../support/messages.mjs";
import { TestConsumer } from "./consumer.mjs";

/** @type {TestConsumer} */
let consumer;
before(async () => {
  consumer = await TestConsumer.start();
});
after(() => consumer.stop());

function newPayment(extra = {}) {
  return {
    eventId: `evt_${randomUUID()}`,
    type: "payment.completed",
    data: { amount: "49.00", currency: "EUR" },
    ...extra,
  };
}

/** @param {string} eventId */
async function effects(eventId) {
  const [[{ effects }]] = await consumer.sql(`SELECT count(*) AS effects FROM effects WHERE event_id = '${eventId}'`);
  return effects;
}

/**
 * Waits for a dead letter.
 *
 * @param {string} text of the message
 * @returns {Promise<import("cronozen-edge/consumer").DeadLetter>}
 */
async function deadLetter(text) {
  const columns = "event_id AS eventId, type, reason, attempts, failed_at AS failedAt, text";
  for (let tries = 0; tries < 200; tries += 1) {
    const rows = await consumer.deadLetters(columns);
    const letters = rows.filter((letter) => letter.text === text);
    if (letters.length > 0) {
      assert.equal(letters.length, 1);
      return letters[0] ?? assert.fail();
    }
    await sleep(50);
  }
  return assert.fail("there is no such dead letter");
}

/** Waits until an event's outcome is logged. @param {string} eventId @param {string} outcome */
async function logged(eventId, outcome) {
  for (let tries = 0; tries < 200; tries += 1) {
    const line = consumer.log.find((line) => line.eventId === eventId && line.outcome === outcome);
    if (line !== undefined) {
      return line;
    }
    await sleep(50);
  }
  return assert.fail(`${eventId} has not been ${outcome}`);
}

test("a poison message is tried again, and ends as a dead letter; the rest of its batch is handled at once", async () => {
  const poison = messageOf(newPayment({ type: "test.poison" }));
  const mates = Array.from({ length: 8 }, () => newPayment());
  const messages = mates.map((mate) => messageOf(mate));
  await consumer.send([...messages.slice(4), poison, ...messages.slice(0, 4)]);
  const letter = await deadLetter(poison);
  assert.equal(letter.reason, "Error: never works");
  assert.equal(letter.attempts, 6);
  assert.equal(letter.type, "test.poison");
  for (const { eventId } of mates) {
    assert.equal((await logged(eventId, "handled")).attempt, 1);
    assert.equal(await effects(eventId), 1);
  }
});

test("a NonRetryableError is a dead letter at once", async () => {
  const event = newPayment({ type: "test.non-retryable" });
  await consumer.send([messageOf(event)]);
  const { failedAt, ...letter } = await deadLetter(messageOf(event));
  const { eventId, type } = event;
  assert.deepEqual(letter, { eventId, type, reason: "will never work", attempts: 1, text: messageOf(event) });
  assert.ok(Math.abs(Date.parse(failedAt ?? "") - Date.now()) < 60_000);
});

test("a handler that hangs is given up, tried again, and ends as a dead letter", async () => {
  const hanging = messageOf(newPayment({ type: "test.hangs" }));
  const mate = newPayment();
  await consumer.send([hanging, messageOf(mate)]);
  assert.equal((await deadLetter(hanging)).reason, "Error: timed out after 1000 ms");
  assert.equal(await effects(mate.eventId), 1);
});

test("an event that has no handler is a dead letter", async () => {
  for (const type of ["unheard.of", undefined]) {
    const message = messageOf(newPayment({ type }));
    await consumer.send([message]);
    assert.match((await deadLetter(message)).reason ?? "", /^no_handler: no handler for the event's type/);
  }
});

/** @type {[name: string, tamper: (message: string) => string, reason: RegExp][]} */
const tampered = [
  [
    "an altered event",
    (message) => message.replace('"amount":"49.00"', '"amount":"90.00"'),
    /^signature mismatch: .+ README of the npm package cronozen-edge\)$/,
  ],
  ["another signature", (message) => message.replace(/("signature":")./, "$1x"), /^signature malformed/],
  ["another eventId", (message) => message.replace("evt_", "evt_x"), /^envelope_mismatch/],
  ["another type", (message) => message.replace("payment.completed", "test.poison"), /^envelope_mismatch/],
  ["another createdAt", (message) => message.replace('"createdAt":null', '"createdAt":"2026"'), /^envelope_mismatch/],
  ["a second event", (message) => message.replace(/}$/, ',"event":{"eventId":"evt_1"}}'), /^signature mismatch/],
  ["another version", (message) => message.replace('"v":1', '"v":2'), /^unknown_version/],
  [
    "a missing field",
    (message) => message.replace('"receivedAt"', '"ReceivedAt"'),
    /^not_a_message: field receivedAt missing/,
  ],
  ["no event", (message) => message.replace('"event"', '"Event"'), /^not_a_message: neither event, nor/],
  ["a missing end", (message) => message.slice(0, -1), /^not_a_message: not a string with a JSON object/],
];
for (const [name, tamper, reason] of tampered) {
  test(`a message with ${name} is refused, and is an unchanged dead letter`, async () => {
    const event = newPayment();
    const message = tamper(messageOf(event));
    assert.notEqual(message, messageOf(event));
    await consumer.send([message]);
    assert.match((await deadLetter(message)).reason ?? "", reason);
    assert.equal(await effects(event.eventId), 0);
  });
}

test("a message that is no string is a dead letter", async () => {
  const body = { eventId: `evt_${randomUUID()}`, v: 1 };
  await consumer.send([body]);
  const letter = await deadLetter(JSON.stringify(body));
  assert.equal(letter.eventId, body.eventId);
  assert.match(letter.reason ?? "", /^not_a_message/);
});

test("the longest message fits the dead-letter queue with its reason", async () => {
  const empty = Buffer.byteLength(messageOf(newPayment({ type: "test.non-retryable", filling: "" })));
  const message = messageOf(newPayment({ type: "test.non-retryable", filling: "x".repeat(127_500 - empty) }));
  assert.equal(message.length, 127_500);
  await consumer.send([message]);
  assert.equal((await deadLetter(message)).reason, "will never work");
});

test("updates out of order leave the newest state", async () => {
  const id = randomUUID();
  const seconds = ["10.5", "10.123456789", "09", "11.000000001", "11", "10"];
  for (const second of seconds) {
    const createdAt = `2026-11-24T06:55:${second}Z`;
    const eventId = `evt_${id}_${second}`;
    await consumer.send([
      messageOf({ eventId, type: "certificate.issued", createdAt, data: { certificateId: id, state: second } }),
    ]);
    await consumer.claimedOne(eventId);
  }
  const states = await consumer.sql(`SELECT state FROM states WHERE id = '${id}'`);
  const claims = await consumer.claims(`substr(event_id, 1, ${id.length + 4}) = 'evt_${id}'`);
  assert.deepEqual(states, [[{ state: "11.000000001" }]]);
  assert.equal(claims, seconds.length, "the older ones are claimed, too");
  for (const second of seconds) {
    assert.equal(await effects(`evt_${id}_${second}`), ["10.5", "11.000000001"].includes(second) ? 1 : 0);
  }
});

test("an older update in another time zone is older", async () => {
  const id = randomUUID();
  const newer = { eventId: `evt_${randomUUID()}`, createdAt: "2026-11-24T08:00:00+02:00" };
  const older = { eventId: `evt_${randomUUID()}`, createdAt: "2026-11-24T07:59:59+02:30" };
  for (const { eventId, createdAt } of [newer, older]) {
    const data = { certificateId: id, state: eventId };
    await consumer.send([messageOf({ eventId, type: "certificate.issued", createdAt, data })]);
    await consumer.claimedOne(eventId);
  }
  await logged(older.eventId, "outdated");
  assert.deepEqual(await consumer.sql(`SELECT state FROM states WHERE id = '${id}'`), [[{ state: newer.eventId }]]);
});

test("an update that has no time is a dead letter", async () => {
  const message = messageOf({
    eventId: `evt_${randomUUID()}`,
    type: "certificate.issued",
    data: { certificateId: "1", state: "2" },
  });
  await consumer.send([message]);
  assert.match((await deadLetter(message)).reason ?? "", /^createdAt missing or not RFC 3339/);
});

test("a hundred updates at once leave the newest state", async () => {
  const id = randomUUID();
  const times = Array.from({ length: 100 }, (_, number) => number).sort(() => Math.random() - 0.5);
  const messages = times.map((number) => {
    const createdAt = new Date(1_795_503_600_000 + number).toISOString();
    const data = { certificateId: id, state: String(number) };
    return messageOf({ eventId: `evt_${id}_${number}`, type: "certificate.issued", createdAt, data });
  });
  await consumer.send(messages);
  for (const number of times) {
    await consumer.claimedOne(`evt_${id}_${number}`);
  }
  assert.deepEqual(await consumer.sql(`SELECT state FROM states WHERE id = '${id}'`), [[{ state: "99" }]]);
});

/** Puts a body into the bucket. @param {string} key @param {string} body */
async function store(key, body) {
  const bucket = await consumer.miniflare.getR2Bucket("BODIES");
  await bucket.put(key, body);
}

test("a body in R2 is fetched, and its hash and signature are checked", async () => {
  const event = newPayment({ filling: "é".repeat(300_000) });
  const { message, body, key } = storedMessageOf(event);
  await store(key, body);
  await consumer.send([message]);
  await logged(event.eventId, "handled");
  assert.equal(await effects(event.eventId), 1);
});

test("a body in R2 that is gone, altered, or not the signed one is refused", async () => {
  const gone = storedMessageOf(newPayment());
  const altered = storedMessageOf(newPayment());
  await store(altered.key, altered.body.replace('"amount":"49.00"', '"amount":"90.00"'));
  const longer = storedMessageOf(newPayment());
  await store(longer.key, `${longer.body} `);
  const forged = newPayment();
  const body = JSON.stringify(forged);
  const sha256 = createHash("sha256").update(body).digest("hex");
  await store(`bodies/${sha256}`, body);
  const { message } = storedMessageOf(forged, sign(body, `not ${secret}`));
  await consumer.send([gone.message, altered.message, longer.message, message]);
  assert.match((await deadLetter(gone.message)).reason ?? "", /^body_missing/);
  assert.match((await deadLetter(altered.message)).reason ?? "", /^body_mismatch/);
  assert.match((await deadLetter(longer.message)).reason ?? "", /^body_mismatch/);
  assert.match((await deadLetter(message)).reason ?? "", /^signature mismatch/);
});
