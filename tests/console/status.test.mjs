// The backlog of the queues in the status.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TestConsole } from "./console.mjs";

/** @type {TestConsole} */
let tested;
before(async () => {
  tested = await TestConsole.start();
});
after(() => tested.stop());

/** The backlog, with these producers. @param {object} settings */
async function backlog(settings) {
  const { status, answer } = await tested.ask("/status", { settings });
  assert.equal(status, 200);
  assert.equal(answer.deadLetters.letters, 0);
  return answer.backlog;
}

/** @param {() => Promise<unknown>} metrics */
const queue = (metrics) => ({ send: async () => {}, metrics });

test("the status has the number of messages on each queue", async () => {
  const EVENTS = queue(async () => ({ backlogCount: 12, backlogBytes: 9 }));
  const DEAD_QUEUE = queue(async () => ({ backlogCount: 0, backlogBytes: 0 }));
  assert.deepEqual(await backlog({ EVENTS, DEAD_QUEUE }), { events: 12, dead: 0 });
});

test("a queue without metrics, without a binding, or whose metrics fail, hang or have no count, has an unknown backlog", async () => {
  const known = queue(async () => ({ backlogCount: 3, backlogBytes: 9 }));
  for (const [settings, expected] of /** @type {const} */ ([
    [{}, { events: null, dead: null }],
    [
      { EVENTS: known, DEAD_QUEUE: undefined },
      { events: 3, dead: null },
    ],
    [
      { EVENTS: queue(() => Promise.reject(new Error("metrics are down"))), DEAD_QUEUE: known },
      { events: null, dead: 3 },
    ],
    [
      { EVENTS: known, DEAD_QUEUE: queue(() => new Promise(() => {})) },
      { events: 3, dead: null },
    ],
    [
      { EVENTS: queue(async () => ({})), DEAD_QUEUE: queue(async () => undefined) },
      { events: null, dead: null },
    ],
    [
      { EVENTS: queue(async () => ({ backlogCount: "12" })), DEAD_QUEUE: queue(async () => ({ backlogCount: -1 })) },
      { events: null, dead: null },
    ],
  ])) {
    assert.deepEqual(await backlog(settings), expected);
  }
});
