// The checks before a handler is called.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { d1, kv, readDeadLetter } from "cronozen-edge/consumer";
import { messageOf, secret, storedMessageOf } from "../support/messages.mjs";
import { event, message, Run } from "./run.mjs";

/** @typedef {import("cronozen-edge/consumer").ConsumeOptions<any>} Options */

for (const [name, options, reason] of /** @type {[string, Partial<Options>, RegExp][]} */ ([
  [
    "D1 database",
    { once: d1(() => /** @type {any} */ (undefined)) },
    /^Error: D1 database of d1\(\) missing: is it bound/,
  ],
  [
    "KV namespace",
    { once: kv(() => /** @type {any} */ (undefined)) },
    /^Error: KV namespace of kv\(\) missing: is it bound/,
  ],
  [
    "secret",
    { secrets: () => /** @type {any} */ (undefined) },
    /^Error: signing secrets missing: .+is CRONOZEN_SIGNING_SECRET set/,
  ],
  ["empty secret", { secrets: () => "" }, /^Error: signing secrets missing: .+is CRONOZEN_SIGNING_SECRET set/],
])) {
  test(`without its ${name} a message is tried again, and its handler is not called`, async () => {
    const run = new Run({ "*": () => assert.fail("called") }, options);
    assert.equal(typeof (await run.take(message)), "number");
    assert.match(run.log[0]?.reason, reason);
  });
}

/** A bucket from which nothing is deleted. @param {import("cronozen-edge/consumer").Bucket["get"]} get */
function bucketOf(get) {
  return { get, delete: () => assert.fail("deleted") };
}

test("several secrets, separated by white space or as a list, all count", async () => {
  for (const secrets of [`whsec_new ${secret}`, ["whsec_new", secret]]) {
    const run = new Run({ "*": () => {} }, { secrets: () => secrets });
    assert.equal(await run.take(message), "acknowledged");
    assert.deepEqual(run.dead, []);
  }
});

test("with secrets every message is verified, and without them none is", async () => {
  const forged = message.replace('"amount":"49.00"', '"amount":"42.00"');
  const trusting = new Run({ "*": () => {} }, { secrets: undefined });
  await trusting.take(forged);
  assert.deepEqual(trusting.dead, []);
  const run = new Run({ "*": () => assert.fail("called") });
  await run.take(forged);
  assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^signature mismatch/);
});

test("without the option bodies, a message whose body is in R2 is tried again", async () => {
  const run = new Run({ "*": () => assert.fail("called") });
  assert.equal(typeof (await run.take(storedMessageOf(event).message)), "number");
  assert.match(run.log[0]?.reason, /R2 bucket of the option bodies missing/);
});

test("a body is not read if it has another size, nor fetched under another key or beyond 1 MiB", async () => {
  const { message, key } = storedMessageOf(event);
  const other = new Run(
    { "*": () => assert.fail("called") },
    { bodies: () => bucketOf(async () => ({ size: 1, arrayBuffer: () => assert.fail("read") })) },
  );
  await other.take(message);
  assert.match(readDeadLetter(other.dead[0]?.body).reason ?? "", /^body_mismatch/);
  const elsewhere = message.replace(key, "secrets/1");
  const huge = message.replace(/"bodyBytes":\d+/, `"bodyBytes":${2 ** 20 + 1}`);
  for (const body of [elsewhere, huge]) {
    const run = new Run({ "*": () => {} }, { bodies: () => bucketOf(() => assert.fail("fetched")) });
    await run.take(body);
    assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^body_mismatch/);
  }
});

test("the event must be an object, without white space before its key", async () => {
  for (const body of [message.replace(/"event":.*$/, '"event":[]}'), message.replace(',"event":', ', "event":')]) {
    const run = new Run({ "*": () => assert.fail("called") });
    await run.take(body);
    assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^not_a_message: neither event, nor/);
  }
});

test("the type may be in eventType, and createdAt may be another type", async () => {
  const body = { eventId: "evt_1", event: 1, eventType: "a.b", createdAt: 1 };
  for (const secrets of [() => secret, undefined]) {
    const run = new Run({ "undocumented:a.b": () => {} }, { secrets });
    await run.take(messageOf(body, { type: "a.b", createdAt: null }));
    assert.deepEqual(run.outcomes(), ["handled"]);
  }
});

test("secrets may be fetched", async () => {
  const run = new Run({ "*": () => {} }, { secrets: async () => ` ${secret}\n` });
  await run.take(message);
  assert.deepEqual(run.outcomes(), ["handled"]);
});

test("without secrets envelope and event must still match and be well-formed", async () => {
  for (const [body, reason] of /** @type {const} */ ([
    [messageOf(event, { eventId: "evt_2" }), /^envelope_mismatch/],
    [messageOf(event, { type: "a.b" }), /^envelope_mismatch/],
    [JSON.stringify(JSON.parse(message), null, 1), /^not_a_message/],
  ])) {
    const run = new Run({ "*": () => assert.fail("called") }, { secrets: undefined });
    await run.take(body);
    assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", reason);
  }
});

for (const [name, bytes] of /** @type {[string, Buffer][]} */ ([
  ["UTF-8", Buffer.from('{"eventId":"evt_1","x":"\xff"}', "latin1")],
  ["without a byte order mark", Buffer.from('\ufeff{"eventId":"evt_1"}')],
])) {
  test(`without secrets a stored body must still be ${name}`, async () => {
    const stored = storedMessageOf({ eventId: "evt_1" }).message.replace(/"bodyKey".*$/, "");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const fields = { bodyKey: `bodies/${sha256}`, bodySha256: sha256, bodyBytes: bytes.length };
    const object = { size: bytes.length, arrayBuffer: async () => Uint8Array.from(bytes).buffer };
    const bodies = () => bucketOf(async () => object);
    const run = new Run({ "*": () => assert.fail("called") }, { secrets: undefined, bodies });
    await run.take(stored + JSON.stringify(fields).slice(1));
    assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^not_a_message: the event is no JSON object/);
  });
}
