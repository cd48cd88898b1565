// Ten thousand events, many of them more than once, with handlers that fail: each has its effect once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf } from "../support/messages.mjs";
import { TestConsumer } from "./consumer.mjs";

const count = 10_000;

/** @param {number} number */
function payment(number) {
  return messageOf({
    eventId: `evt_${number}`,
    type: "payment.completed",
    data: { amount: String(number), currency: "EUR" },
  });
}

/** @template T @param {T[]} list */
function shuffled(list) {
  for (let last = list.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [list[last], list[other]] = [/** @type {T} */ (list[other]), /** @type {T} */ (list[last])];
  }
  return list;
}

test("10,000 events, sent and delivered more than once, with handlers that fail, have one effect each", async (context) => {
  const consumer = await TestConsumer.start({ failing: 5, repeated: 20 });
  try {
    const events = Array.from({ length: count }, (_, number) => payment(number));
    // A gateway queues an event again if its marker is not written.
    const twice = events.filter(() => Math.random() < 0.1);
    await consumer.send(shuffled([...events, ...twice]));
    await consumer.claimed(count);
    await consumer.quiet();

    const [effects, totals, claims] = await consumer.sql(
      "SELECT count(*) AS effects, count(DISTINCT event_id) AS events FROM effects",
      "SELECT effects, amount FROM totals",
      "SELECT count(*) AS claims FROM cronozen_events WHERE outcome = 'handled' AND type = 'payment.completed'",
    );
    assert.deepEqual(effects, [{ effects: count, events: count }]);
    assert.deepEqual(totals, [{ effects: count, amount: (count * (count - 1)) / 2 }]);
    assert.deepEqual(claims, [{ claims: count }]);
    const { failed } = await consumer.observed();
    assert.deepEqual(await consumer.deadLetters("event_id"), []);
    for (let first = 0; first < count; first += 50) {
      const found = await Promise.all(Array.from({ length: 50 }, (_, n) => consumer.event(`evt_${first + n}`)));
      for (const event of found) {
        assert.deepEqual(
          event?.history.map((/** @type {any} */ happening) => happening.outcome),
          ["handled"],
        );
      }
    }
    context.diagnostic(
      `${twice.length} sent twice; ${JSON.stringify(consumer.outcomes())}; failed ${JSON.stringify(failed)}`,
    );
    for (const fails of ["before", "in the middle of", "after"]) {
      assert.ok((failed[fails] ?? 0) > 100, `handlers failed ${fails} their effect`);
    }
    assert.ok((consumer.outcomes().duplicate ?? 0) > twice.length, "copies arrived");
  } finally {
    await consumer.stop();
  }
});
