// Which batches hold events, and which dead letters.

import assert from "node:assert/strict";
import { test } from "node:test";
import { consume, readDeadLetter } from "cronozen-edge/consumer";
import { deadLetterText } from "../../pkg/src/consumer/dead-letter.ts";
import { silent } from "../support/log.mjs";
import { message, Run } from "./run.mjs";

/** @param {string} queue @param {Record<string, string>} env */
async function take(queue, env) {
  /** @type {string[]} */
  const handled = [];
  /** @type {string[]} */
  const stored = [];
  const consumer = consume(
    { "*": ({ eventId }) => void handled.push(eventId) },
    {
      once: false,
      deadLetters: {
        queue: () => undefined,
        store: async ({ messages }) => void stored.push(...messages.map(({ id }) => id)),
      },
    },
  );
  const one = { id: "m1", timestamp: new Date(), body: message, attempts: 1, ack() {}, retry: () => assert.fail() };
  await silent(() => consumer({ queue, messages: [one] }, env));
  return { handled, stored };
}

const events = { handled: ["evt_1"], stored: [] };
const letters = { handled: [], stored: ["m1"] };

for (const [queue, env, expected] of /** @type {const} */ ([
  ["cronozen-events", {}, events],
  ["cronozen-events-dead", {}, letters],
  ["cronozen-events-staging", {}, letters],
  ["cronozen-events-staging", { EVENTS_QUEUE: "cronozen-events-staging" }, events],
  ["cronozen-events", { EVENTS_QUEUE: "cronozen-events-staging" }, letters],
  ["dead-cronozen-events", { EVENTS_QUEUE: "cronozen-events" }, letters],
])) {
  test(`a batch of ${queue} ${JSON.stringify(env)} holds ${expected === events ? "events" : "dead letters"}`, async () => {
    assert.deepEqual(await take(queue, env), expected);
  });
}

test("a dead letter on the queue of events that fails becomes one again, and does not loop", async () => {
  const dead = deadLetterText(message, { reason: "no", attempts: 1, failedAt: "2026-11-24T07:00:00.000Z" });
  /** @type {unknown[]} */
  const sent = [];
  const run = new Run(
    {
      "*": () => {
        throw new Error("still no");
      },
    },
    { deadLetters: { queue: () => ({ send: async (body) => sent.push(body) }), store: async () => {} } },
  );
  assert.equal(await run.take(dead, 11), "acknowledged");
  assert.equal(readDeadLetter(sent[0]).reason, "Error: still no");
});
