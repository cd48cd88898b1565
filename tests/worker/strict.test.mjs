// Strict mode: each event is committed in one Durable Object, one flight at a time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newEvent, TestGateway } from "./gateway.mjs";

const settings = { DEDUPE: "durable-object" };

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

test("an event is accepted once", async () => {
  const { eventId, body } = newEvent();
  const first = await gateway.deliver(body, { settings });
  assert.equal(first.status, 202);
  const second = await gateway.deliver(body, { settings });
  assert.equal(second.status, 200);
  assert.equal((await gateway.messages(eventId)).length, 1);
  console.log(first, gateway.log, await gateway.observed());
});
