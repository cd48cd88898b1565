// What is tried again and when, and what becomes a dead letter.

import assert from "node:assert/strict";
import { test } from "node:test";
import { d1, kv, Permanent, readDeadLetter } from "cronozen-edge/consumer";
import { delaySeconds, scheduleOf } from "../../pkg/src/consumer/retry.js";
import { secret } from "../support/messages.mjs";
import { event, message, Run } from "./run.mjs";

/** @typedef {import("cronozen-edge/consumer").ConsumeOptions<any>} Options */

test("a failure is tried again, later each time, and becomes a dead letter after the last attempt", async () => {
  /** @type {unknown[]} */
  const errors = [];
  const run = new Run(
    {
      "*": async () => {
        throw new TypeError("no luck\n    at secret.js:1:1");
      },
    },
    { onError: (error) => errors.push(error) },
  );
  for (let attempt = 1; attempt < 11; attempt += 1) {
    const delay = await run.take(message, attempt);
    assert.ok(delay >= 30 * 2 ** (attempt - 1) && delay <= 60 * 2 ** (attempt - 1), `${delay} s`);
  }
  assert.deepEqual(run.dead, []);
  assert.equal(await run.take(message, 11), "acknowledged");
  const { body, options } = run.dead[0] ?? assert.fail();
  assert.deepEqual(options, { contentType: "text" });
  const { failedAt, ...letter } = readDeadLetter(body);
  const { eventId, type } = event;
  assert.deepEqual(letter, { eventId, type, reason: "TypeError: no luck", attempts: 11, text: message });
  assert.equal(errors.length, 11);
  assert.ok(errors.every((error) => error instanceof TypeError));
  assert.ok(!JSON.stringify(run.log).includes("secret.js"), "the log has no stack");
  assert.ok(!JSON.stringify(run.log).includes("amount"), "nor a body");
});

test("a delay is from 30 s to 12 h", () => {
  const schedule = scheduleOf();
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    for (const random of [0, 0.5, 0.999_999]) {
      const delay = delaySeconds(schedule, attempt, random);
      assert.ok(delay >= 30 && delay <= 43_200 && Number.isInteger(delay), `${delay} s`);
    }
  }
  assert.deepEqual(
    [1, 2, 3, 20].map((attempt) => delaySeconds(schedule, attempt, 0)),
    [60, 120, 240, 43_200],
  );
  const { maxAttempts } = schedule;
  const all = Array.from({ length: maxAttempts - 1 }, (_, number) => delaySeconds(schedule, number + 1, 0));
  const hours = all.reduce((sum, delay) => sum + delay) / 3600;
  assert.ok(hours < 24 - 6, `${hours} h: the free plan keeps a message for 24`);
});

test("an event whose dead-letter queue fails is tried again", async () => {
  const run = new Run(
    {
      "*": () => {
        throw new Permanent("no");
      },
    },
    {
      deadLetters: () => ({
        send: async () => {
          throw new Error("overloaded");
        },
      }),
    },
  );
  assert.equal(typeof (await run.take(message)), "number");
  assert.equal(run.log[0]?.reason, "no; and the dead-letter queue failed: Error: overloaded");
});

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
