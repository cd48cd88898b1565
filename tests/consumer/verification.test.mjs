// What a message must be for its handler to be called.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { d1, kv, readDeadLetter } from "cronozen-edge/consumer";
import { messageOf, secret, storedMessageOf } from "../support/messages.mjs";
import { event, message, Run } from "./run.mjs";

/** @typedef {import("cronozen-edge/consumer").ConsumeOptions<any>} Options */

for (const [name, options, reason] of /** @type {[string, Partial<Options>, RegExp][]} */ ([
  ["D1 database", { once: d1(() => /** @type {any} */ (undefined)) }, /d1\(\) to be given a D1 database, got none/],
  ["KV namespace", { once: kv(() => /** @type {any} */ (undefined)) }, /kv\(\) to be given a KV namespace, got none/],
  ["secret", { secrets: () => /** @type {any} */ (undefined) }, /secrets to give the signing secrets, got none/],
  ["empty secret", { secrets: () => "" }, /secrets to give the signing secrets, got none/],
])) {
  test(`without its ${name} a message is tried again, and its handler is not called`, async () => {
    const run = new Run({ "*": () => assert.fail("called") }, options);
    assert.equal(typeof (await run.take(message)), "number");
    assert.match(run.log[0]?.reason, reason);
  });
}

test("several secrets, separated by white space or as a list, all count", async () => {
  for (const secrets of [`whsec_new ${secret}`, ["whsec_new", secret]]) {
    const run = new Run({ "*": () => {} }, { secrets: () => secrets });
    assert.equal(await run.take(message), "acknowledged");
    assert.deepEqual(run.dead, []);
  }
});

test("without secrets nothing is verified, and with them nothing passes that is not", async () => {
  const forged = message.replace('"amount":1', '"amount":2');
  const trusting = new Run({ "*": () => {} }, { secrets: undefined });
  await trusting.take(forged);
  assert.deepEqual(trusting.dead, []);
  const run = new Run({ "*": () => assert.fail("called") });
  await run.take(forged);
  assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^signature mismatch/);
});

test("without the option bodies, a message whose body lies in R2 is tried again", async () => {
  const run = new Run({ "*": () => assert.fail("called") });
  assert.equal(typeof (await run.take(storedMessageOf(event).message)), "number");
  assert.match(run.log[0]?.reason, /option bodies to give the R2 bucket/);
});

test("a body is not read from another key, nor if it has another size", async () => {
  const { message, key } = storedMessageOf(event);
  const bodies = () => ({
    get: async () => ({ size: 1, arrayBuffer: () => assert.fail("read") }),
  });
  for (const body of [message, message.replace(key, "secrets/1")]) {
    const run = new Run({ "*": () => assert.fail("called") }, { bodies });
    await run.take(body);
    assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^body_mismatch/);
  }
  const huge = message.replace(/"bodyBytes":\d+/, `"bodyBytes":${2 ** 20 + 1}`);
  const run = new Run({ "*": () => {} }, { bodies: () => ({ get: () => assert.fail("fetched") }) });
  await run.take(huge);
  assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^body_mismatch/);
});

test("secrets may be fetched", async () => {
  const run = new Run({ "*": () => {} }, { secrets: async () => ` ${secret}\n` });
  await run.take(message);
  assert.deepEqual(run.outcomes(), ["handled"]);
});

test("without secrets an envelope must still be its event's, and the event an object", async () => {
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

test("without secrets a stored body must still be UTF-8", async () => {
  const bytes = new Uint8Array([0x7b, 0xff, 0x7d]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const stored = storedMessageOf(event).message.replace(/"bodyKey".*$/, "");
  const fields = { bodyKey: `bodies/${sha256}`, bodySha256: sha256, bodyBytes: 3 };
  const bodies = () => ({ get: async () => ({ size: 3, arrayBuffer: async () => bytes.buffer }) });
  const run = new Run({ "*": () => assert.fail("called") }, { secrets: undefined, bodies });
  await run.take(stored + JSON.stringify(fields).slice(1));
  assert.match(readDeadLetter(run.dead[0]?.body).reason ?? "", /^not_a_message: expected the event to be/);
});
