// In strict mode, hung sends delay no other event: an object never waits for the queue.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { atOnce, countedByStatus, newEvent, promisedMs, shardOf, TestGateway } from "./gateway.mjs";

const settings = { DEDUPE: "durable-object" };

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

/** An event of one of two shards: ten hung sends are more than the six connections that an object has. */
function eventOfTwoShards() {
  let event = newEvent();
  while (shardOf(event.eventId) > 1) {
    event = newEvent();
  }
  return event;
}

test("with 20 sends that hang for 57 s, 2,000 events in the same two objects are accepted", async (context) => {
  const { calls } = await gateway.observed();
  const faults = { send: "fails after 57000 ms" };
  const hung = atOnce(20, () => gateway.deliver(eventOfTwoShards().body, { settings, faults }));
  await gateway.called("send", 20, calls);
  const waiting = Array.from({ length: 2000 }, eventOfTwoShards);
  /** @type {import("./gateway.mjs").Answered[]} */
  const answers = [];
  const work = async () => {
    for (let event = waiting.pop(); event !== undefined; event = waiting.pop()) {
      answers.push(await gateway.deliver(event.body, { settings, faults: {} }));
    }
  };
  await atOnce(64, work);
  const slowest = Math.round(Math.max(...answers.map(({ ms }) => ms)));
  context.diagnostic(`${JSON.stringify(countedByStatus(answers))}, the slowest in ${slowest} ms`);
  assert.deepEqual(countedByStatus(answers), { 202: 2000 });
  for (const { status, ms } of await hung) {
    assert.equal(status, 503);
    assert.ok(ms < promisedMs, `${ms} ms`);
  }
});
