// The consumer is killed in the middle of its work, and the same messages are delivered again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../support/messages.mjs";
import { KillableConsumer } from "./consumer.mjs";

const count = 2000;
/** The messages of one request, and the most that wait for the consumer. */
const [step, ahead] = [100, 300];

const consumerProcess = new KillableConsumer();

test("every event has one effect after three kills and restarts on the same D1", {
  timeout: 200_000,
}, async () => {
  const messages = Array.from({ length: count }, (_, number) =>
    messageOf({
      eventId: `evt_${number}`,
      type: "payment.completed",
      data: { amount: String(number), currency: "EUR" },
    }),
  );
  let survived = 0;
  for (const enough of [100, 700, 1300]) {
    const consumer = await consumerProcess.start();
    let claims = await consumer.claims();
    assert.ok(claims >= survived, "what was committed is still there");
    assert.equal(await consumer.effects(), claims, "no claim without its effect, no effect without its claim");
    survived = enough;
    // Sending stays just ahead of the work, so a fast machine does not finish before it is killed. The local queue dies
    // with the process; a real one would deliver again what was not acknowledged.
    for (let sent = 0; claims < enough; claims = await consumer.claims()) {
      if (sent - claims < ahead) {
        await consumer.send(messages.slice(sent, sent + step));
        sent += step;
      }
    }
    await consumer.send(messages.slice(-step));
    await consumerProcess.kill();
  }
  const interrupted = await consumerProcess.start();
  assert.ok((await interrupted.claims()) < count, "it was killed in the middle of its work");
  await interrupted.send(messages);
  await interrupted.claimed(count);
  await consumerProcess.kill();
  const consumer = await consumerProcess.start();
  await consumer.send(messages);
  await sleep(2000);
  const [effects, totals] = await consumer.sql(
    "SELECT count(*) AS effects, count(DISTINCT event_id) AS events FROM effects",
    "SELECT effects, amount FROM totals",
  );
  assert.deepEqual(effects, [{ effects: count, events: count }]);
  assert.deepEqual(totals, [{ effects: count, amount: (count * (count - 1)) / 2 }]);
  for (let first = 0; first < count; first += 50) {
    const found = await Promise.all(Array.from({ length: 50 }, (_, n) => consumer.event(`evt_${first + n}`)));
    assert.ok(found.every((event) => event?.history.length === 1 && event.history[0].outcome === "handled"));
  }
});
