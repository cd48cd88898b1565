// Retries, their delays, and dead letters.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NonRetryableError, readDeadLetter } from "cronozen-edge/consumer";
import { deadLetterText } from "../../pkg/src/consumer/dead-letter.ts";
import { delaySeconds, scheduleOf } from "../../pkg/src/consumer/retry.ts";
import { messageOf } from "../support/messages.mjs";
import { event, message, Run } from "./run.mjs";

test("a failure is retried with growing delays, and becomes a dead letter after the last attempt", async () => {
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
  assert.deepEqual(
    run.log.map(({ level }) => level),
    [...Array(10).fill("warn"), "error"],
  );
  assert.ok(run.log.every(({ eventId, type }) => eventId === event.eventId && type === event.type));
  assert.equal(errors.length, 11);
  assert.ok(errors.every((error) => error instanceof TypeError));
  assert.ok(!JSON.stringify(run.log).includes("secret.js"), "the log has no stack");
  assert.ok(!JSON.stringify(run.log).includes("amount"), "no body");
});

test("a delay is from 30 s to 12 h", () => {
  const schedule = scheduleOf({});
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

const failing = {
  "*": () => {
    throw new Error("no luck");
  },
};

test("a message is buried before the queue's retention deletes it, also when a backlog has eaten the time", async (context) => {
  const now = Date.UTC(2026, 10, 29, 12);
  context.mock.timers.enable({ apis: ["Date"], now });
  context.mock.method(Math, "random", () => 0);
  /** @param {number} hours */
  const ago = (hours) => new Date(now - hours * 3_600_000);
  for (const [attempt, queuedAt, retry, buried] of /** @type {[number, Date, object | undefined, boolean][]} */ ([
    // 24 h are the default, of which 21 are used: after 10 h, the tenth delay of 8.5 h still fits.
    [1, ago(0), undefined, false],
    [10, ago(10), undefined, false],
    [10, ago(13), undefined, true],
    // The first attempt comes after a backlog.
    [1, ago(20.9), undefined, false],
    [1, ago(21), undefined, true],
    [1, ago(23.9), undefined, true],
    [1, ago(48), undefined, true],
    // The retention that the queue was created with.
    [1, ago(48), { retentionSeconds: 1_209_600 }, false],
    [10, ago(24 * 12.25), { retentionSeconds: 1_209_600 }, true],
    [1, ago(0), { retentionSeconds: 60 }, true],
    [1, ago(0), { retentionSeconds: 60, firstSeconds: 1 }, false],
  ])) {
    const run = new Run(failing, retry === undefined ? {} : { retry });
    const result = await run.take(message, attempt, queuedAt);
    assert.equal(run.dead.length, buried ? 1 : 0, `attempt ${attempt}, queued ${queuedAt.toISOString()}`);
    assert.equal(typeof result === "number", !buried);
    if (buried) {
      const { reason, attempts } = readDeadLetter(run.dead[0]?.body);
      assert.deepEqual([reason, attempts], ["Error: no luck", attempt]);
    }
  }
});

test("a message that is late, and whose dead-letter queue fails, comes again within the time that is left", async (context) => {
  const now = Date.UTC(2026, 10, 29, 12);
  context.mock.timers.enable({ apis: ["Date"], now });
  context.mock.method(Math, "random", () => 0);
  const send = async () => assert.fail("overloaded");
  for (const [hours, seconds] of /** @type {const} */ ([
    // 10 of the 21 h are left. Half of that is less than the delay of 8.5 h.
    [11, 18_000],
    [20, 1800],
    [21, 30],
    [23, 30],
  ])) {
    const run = new Run(failing, { deadLetters: () => ({ send }) });
    assert.equal(await run.take(message, 11, new Date(now - hours * 3_600_000)), seconds);
  }
});

test("an event whose dead-letter queue fails is tried again", async () => {
  const run = new Run(
    {
      "*": () => {
        throw new NonRetryableError("no");
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

test("no thrown value and no failing onError keeps the other messages from being handled", async () => {
  const strange = {
    toString() {
      throw new Error("cannot be shown");
    },
  };
  for (const thrown of [undefined, null, "text", Object.create(null), strange, Symbol("x")]) {
    for (const onError of [
      () => {
        throw new Error("reports are down");
      },
      async () => {
        throw Object.create(null);
      },
      () => new Promise(() => {}),
    ]) {
      const run = new Run(
        {
          "payment.*": async () => {
            throw thrown;
          },
          "*": async () => {},
        },
        { onError, timeoutMs: 50 },
      );
      const mates = [1, 2, 3].map((number) => messageOf({ eventId: `evt_${number}`, type: "a.b" }));
      const [failed, ...others] = await run.takeAll([message, ...mates]);
      assert.equal(typeof failed, "number");
      assert.deepEqual(others, ["acknowledged", "acknowledged", "acknowledged"]);
      assert.ok(run.outcomes().includes("on_error_failed"));
    }
  }
});

test("a console that fails causes no retry of an acknowledged message", async () => {
  const run = new Run({ "*": () => {} });
  run.keepLog = () => {
    throw new Error("no console");
  };
  assert.equal(await run.take(message), "acknowledged");
});

test("onError gets the error, the message, the environment and the context", async () => {
  /** @type {any[]} */
  const calls = [];
  const error = new Error("no luck");
  const run = new Run(
    {
      "*": () => {
        throw error;
      },
    },
    { onError: (...args) => void calls.push(args) },
  );
  await run.take(message);
  const [[found, { body }, env, context]] = calls;
  assert.deepEqual([found, body, env, context], [error, message, { name: "env" }, "context"]);
});

test("a dead letter on the handlers' queue that fails again stays unchanged", async () => {
  const dead = deadLetterText(message, { reason: "no", attempts: 1, failedAt: "2026-11-24T07:00:00.000Z" });
  const run = new Run({
    "*": () => {
      throw new NonRetryableError("still no");
    },
  });
  assert.equal(await run.take(dead), 43_200);
  assert.deepEqual(run.dead, []);
  assert.match(run.log[0]?.reason, /^dead letter received/);
});

test("a dead-letter queue that hangs does not hold a message for ever", async () => {
  const run = new Run(
    {
      "*": () => {
        throw new NonRetryableError("no");
      },
    },
    { deadLetters: () => ({ send: () => new Promise(() => {}) }), timeoutMs: 50 },
  );
  assert.equal(typeof (await run.take(message)), "number");
  assert.match(run.log[0]?.reason, /^no; and the dead-letter queue failed: Error: timed out after 50 ms/);
});

test("without a dead-letter queue a message is tried again", async () => {
  const run = new Run({ "undocumented:a.b": () => {} }, { deadLetters: () => /** @type {any} */ (undefined) });
  assert.equal(typeof (await run.take(message)), "number");
  assert.match(run.log[0]?.reason, /queue of the option deadLetters missing/);
});

test("six messages are handled at once, and each time-out starts with its handler", async () => {
  let running = 0;
  let most = 0;
  const run = new Run(
    {
      "*": async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 40));
        running -= 1;
      },
    },
    { timeoutMs: 200 },
  );
  const messages = Array.from({ length: 60 }, (_, number) => messageOf({ eventId: `evt_${number}` }));
  assert.ok((await run.takeAll(messages)).every((result) => result === "acknowledged"));
  assert.equal(most, 6);
});

test("a type of many parts is handled fast, and cut short in the log", async () => {
  const type = ".".repeat(60_000);
  const run = new Run({ "*": () => {}, "payment.*": () => {} });
  const started = performance.now();
  await run.take(messageOf({ eventId: "evt_1", type }));
  assert.ok(performance.now() - started < 4500);
  assert.deepEqual(run.outcomes(), ["handled"]);
  assert.equal(run.log[0]?.type.length, 256);
});

test("a reason is cut short in the log", async () => {
  const run = new Run({
    "*": () => {
      throw new Error("x".repeat(1000));
    },
  });
  await run.take(message);
  assert.equal(run.log[0]?.reason.length, 320);
});

test("delays of messages that failed together differ", async () => {
  const run = new Run({
    "*": () => {
      throw new Error("no luck");
    },
  });
  const delays = new Set();
  for (let number = 0; number < 50; number += 1) {
    delays.add(await run.take(message, 5));
  }
  assert.ok(delays.size > 20, `${delays.size} delays`);
});

test("a message that is no string is a dead letter as JSON with the reason, or else unchanged", async () => {
  for (const body of [{ eventId: "evt_1" }, [1], 7, null]) {
    const run = new Run({ "*": () => {} });
    assert.equal(await run.take(body), "acknowledged");
    const [{ body: dead, options } = assert.fail()] = /** @type {any[]} */ (run.dead);
    assert.deepEqual(options, { contentType: "text" });
    const { reason, text } = readDeadLetter(dead);
    assert.match(reason ?? "", /^not_a_message/);
    assert.equal(text, JSON.stringify(body));
  }
  for (const body of [{ n: 1n }, undefined, ["x".repeat(127_900)]]) {
    const run = new Run({ "*": () => {} });
    assert.equal(await run.take(body), "acknowledged");
    assert.deepEqual(run.dead, [{ body, options: { contentType: "v8" } }]);
  }
});

test("messages start in their order", async () => {
  /** @type {string[]} */
  const started = [];
  const run = new Run({ "*": ({ eventId }) => void started.push(eventId) });
  const ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
  await run.takeAll(ids.map((eventId) => messageOf({ eventId })));
  assert.deepEqual(started, ids);
});

test("a non-retryable error of another copy of the module, or of a renamed subclass, is not retried", async () => {
  const other = Object.assign(new Error("no"), { name: "NonRetryableError" });
  class PaymentError extends NonRetryableError {
    name = "PaymentError";
  }
  for (const error of [other, new PaymentError("no")]) {
    const run = new Run({
      "*": () => {
        throw error;
      },
    });
    await run.take(message);
    assert.equal(readDeadLetter(run.dead[0]?.body).reason, "no");
  }
});
