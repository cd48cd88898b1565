// Random messages, batches and options: each message is settled once, only signed events reach a handler, nothing is lost on the
// way to the dead letters and back, and an option is taken or refused with a TypeError.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { consume, deadLetters, readDeadLetter } from "cronozen-edge/consumer";
import fc from "fast-check";
import { anything, assertHolds, patience, text } from "../support/fuzz.mjs";
import { messageOf, sign } from "../support/messages.mjs";
import { Run } from "./run.mjs";

const eventId = fc.oneof(fc.constant("evt_1"), text, anything);
const event = fc.record({ eventId, type: fc.oneof(text, anything), data: fc.jsonValue() }, { requiredKeys: [] });

/** A message as the gateway queues it, but for what a writer of the queue may put there. */
const message = fc
  .tuple(
    event,
    fc.dictionary(fc.constantFrom("v", "eventId", "key", "signature", "window", "dead"), fc.jsonValue(), {
      maxKeys: 1,
    }),
  )
  .map(([event, fields]) => {
    try {
      return messageOf(/** @type {any} */ (event), fields);
    } catch {
      // No JSON has it, such as a bigint.
      return "{";
    }
  });

/** A message with a part cut out, or another one put in. */
const changed = fc.tuple(message, fc.nat(), fc.nat(20), text).map(([whole, at, length, part]) => {
  const start = at % (whole.length + 1);
  return whole.slice(0, start) + part + whole.slice(start + length);
});

const dead = fc
  .tuple(
    message,
    fc.record({ reason: fc.oneof(text, fc.integer()), attempts: fc.oneof(fc.nat(), text), failedAt: text }),
  )
  .map(([whole, failure]) => `{"dead":${JSON.stringify(failure)},${whole.slice(1)}`);

/** White space at the ends belongs to a text. */
const spaced = fc.tuple(message, fc.constantFrom("\n", " ", "\u00a0")).map(([whole, space]) => whole + space);

const body = fc.oneof(
  spaced,
  { weight: 3, arbitrary: message },
  { weight: 3, arbitrary: changed },
  dead,
  text,
  anything,
);

/** @param {unknown} value */
function json(value) {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

test("any batch is settled, and a handler gets signed events alone", patience, async () => {
  let handled = 0;
  let buried = 0;
  await assertHolds(
    2000,
    fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 8 }), fc.boolean(), async (bodies, fails) => {
      const run = new Run({
        "*": (event) => {
          handled += 1;
          const signed = bodies.some((one) => {
            const [, signature = "", exact = ""] =
              /"signature":"([0-9a-f]{64})".*?,"event":(.*)\}$/s.exec(typeof one === "string" ? one : "") ?? [];
            return signature === sign(exact, "whsec_test") && JSON.parse(exact).eventId === event.eventId;
          });
          assert.ok(signed, "an event that is not signed is handled");
          if (fails) {
            throw new Error("closed");
          }
        },
      });
      // It checks that each is settled once. The eleventh attempt is the last one.
      const results = await run.takeAll(bodies, 11);
      buried += run.dead.length;
      assert.equal(run.log.length, bodies.length);
      for (const [position, result] of results.entries()) {
        assert.ok(result === "acknowledged" || result > 0, inspect(bodies[position]));
      }
      const outcomes = run.outcomes().filter((outcome) => outcome !== "handled");
      assert.equal(run.dead.length, outcomes.filter((outcome) => outcome === "dead").length);
      for (const line of run.log) {
        assert.doesNotMatch(JSON.stringify(line), /whsec_test|\bat .*\.[mc]?[jt]s:/);
      }
      // Each text comes back from the dead letters as it was.
      const texts = bodies.map((one) => (typeof one === "string" ? one : json(one)));
      for (const { body, options } of run.dead) {
        assert.ok(options.contentType === "v8" || texts.includes(readDeadLetter(body).text), "a text has changed");
      }
    }),
  );
  assert.ok(handled > 500 && buried > 500, `${handled} handled, ${buried} buried`);
});

test("any value is read as a dead letter", async () => {
  await assertHolds(
    3000,
    fc.property(body, (value) => {
      const { text, ...head } = readDeadLetter(value);
      assert.equal(typeof text, "string");
      for (const field of [head.eventId, head.type, head.reason, head.failedAt]) {
        assert.ok(field === null || typeof field === "string");
      }
    }),
  );
});

/** Returns undefined if the call threw a TypeError that names this package. @param {() => unknown} work */
function made(work) {
  try {
    return work();
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, /^cronozen-edge/);
    return undefined;
  }
}

test("any options are taken, or refused with a TypeError that names them", async () => {
  const right = { once: false, deadLetters: () => undefined };
  /** @param {unknown} usual */
  const mostly = (usual) => fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, anything);
  const number = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.double(), anything);
  const retry = fc.record(
    { maxAttempts: number, firstSeconds: number, maxSeconds: number, retentionSeconds: number },
    { requiredKeys: [] },
  );
  const wrong = fc.oneof(
    anything,
    fc.record(
      {
        once: mostly(false),
        deadLetters: mostly(() => undefined),
        secrets: mostly(() => ""),
        bodies: mostly(undefined),
        onError: mostly(undefined),
        timeoutMs: fc.oneof(fc.constant(1000), number),
        retry: fc.oneof({ weight: 2, arbitrary: retry }, anything),
        queue: mostly(() => undefined),
      },
      { requiredKeys: [] },
    ),
  );
  const binding = mostly(() => undefined);
  const ofLetters = fc.record(
    {
      queue: binding,
      events: binding,
      ledger: binding,
      database: binding,
      bodies: binding,
      activity: binding,
      maxBytes: number,
      lossMinutes: number,
    },
    { requiredKeys: ["queue", "events", "ledger"] },
  );
  const handlers = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ "*": () => {} }) },
    anything,
    fc.dictionary(fc.oneof(text, fc.constantFrom("*", "payment.*")), fc.oneof(anything, fc.func(anything))),
  );
  let consumers = 0;
  let stores = 0;
  await assertHolds(
    3000,
    fc.property(
      handlers,
      wrong,
      fc.oneof(anything, { weight: 4, arbitrary: ofLetters }),
      fc.boolean(),
      (handlers, given, letters, complete) => {
        const options = complete ? { ...right, ...Object(given) } : given;
        const consumer = made(() => consume(/** @type {any} */ (handlers), /** @type {any} */ (options)));
        assert.ok(consumer === undefined || typeof consumer === "function");
        consumers += consumer === undefined ? 0 : 1;
        stores += made(() => deadLetters(/** @type {any} */ (letters))) === undefined ? 0 : 1;
      },
    ),
  );
  assert.ok(consumers > 50 && stores > 50, `${consumers} consumers and ${stores} stores of dead letters were made`);
});

test("any secrets settle a message, and none of them is logged", async () => {
  const secret = fc.oneof({ weight: 3, arbitrary: text }, fc.constant("whsec_test"));
  let handled = 0;
  let buried = 0;
  await assertHolds(
    1000,
    fc.asyncProperty(fc.oneof(anything, secret, fc.array(secret, { maxLength: 10 })), async (secrets) => {
      const run = new Run({ "*": () => {} }, { secrets: () => /** @type {any} */ (secrets) });
      const result = await run.take(messageOf({ eventId: "evt_1" }), 1);
      const isRight = [secrets].flat().includes("whsec_test");
      assert.ok(secrets !== "whsec_test" || result === "acknowledged");
      handled += run.outcomes()[0] === "handled" ? 1 : 0;
      buried += run.outcomes()[0] === "dead" ? 1 : 0;
      assert.ok(isRight || result !== "acknowledged" || run.outcomes()[0] === "dead");
      const line = JSON.stringify(run.log);
      for (const one of [secrets].flat()) {
        assert.ok(typeof one !== "string" || one.length < 24 || !line.includes(one), "a secret is logged");
      }
    }),
  );
  assert.ok(handled > 50 && buried > 50, `${handled} handled, ${buried} buried`);
});
