// A forger's requests cause no operation of KV, the queue, R2 or a Durable Object, in both modes. Activity's calls are few.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { until } from "../support/waiting.mjs";
import { atOnce, countedByStatus, newEvent, secret, TestGateway } from "./gateway.mjs";

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

/** The operations that are billed; `limit` and `record` are looked at apart. */
const billed = [
  "get",
  "put",
  "send",
  "store",
  "head",
  "acquire",
  "object acquire",
  "commit",
  "mark",
  "rows read",
  "rows written",
];

const times = 1000;

/** A line reaches Activity within 5 s. */
const patienceMs = 20_000;

const maxBodyBytes = 150_000;

/** Without faults, but counted, with the bucket for large bodies. @param {string} mode */
function countedIn(mode) {
  return { faults: {}, settings: { DEDUPE: mode, MAX_BODY_BYTES: String(maxBodyBytes) } };
}

const { body } = newEvent();
/** It does not fit a message, so the gateway puts it into the bucket once it is verified. */
const largeData = "x".repeat(130_000);
const large = newEvent({ data: largeData }).body;
const right = sign(body, secret);

/** @param {string} text @param {string} [signature] @param {RequestInit & { path?: string }} [changes] */
function post(text, signature, { path = webhookPath, ...init } = {}) {
  const headers = signature === undefined ? {} : { "x-cronozen-signature": signature };
  return () => gateway.request(path, { method: "POST", body: text, headers, ...init }, circumstances);
}

/** @type {import("./gateway.mjs").Circumstances} */
let circumstances = {};

/** @type {Record<string, [statuses: number[], send: () => Promise<import("./gateway.mjs").Answered>, signatureFails: boolean]>} */
const attacks = {
  "no signature": [[401, 429], post(body), true],
  "a malformed signature": [[401, 429], post(body, `sha256=${right}`), true],
  "another secret": [[401, 429], post(body, sign(body, "whsec_other")), true],
  "another secret, a large body": [[401, 429], post(large, sign(large, "whsec_other")), true],
  "another event's signature": [[401, 429], post(newEvent().body, right), true],
  "another path": [[404], post(body, right, { path: "/webhooks/cronozen/" }), false],
  "another method": [[405], post(body, right, { method: "PUT" }), false],
  "a body over the cap": [[413], post("x".repeat(maxBodyBytes + 1), right), false],
  "signed, but no event": [[400], post("[]", sign("[]", secret)), false],
};

for (const mode of ["kv", "durable-object"]) {
  for (const [name, [statuses, attack, signatureFails]] of Object.entries(attacks)) {
    test(`${mode}: ${name} causes no operation`, async () => {
      circumstances = countedIn(mode);
      const { calls: before } = await gateway.observed();
      for (const { status } of await atOnce(20, attack)) {
        assert.ok(statuses.includes(status), `${status}`);
      }
      const { calls } = await gateway.observed();
      const difference = (/** @type {string} */ operation) => (calls[operation] ?? 0) - (before[operation] ?? 0);
      assert.deepEqual(
        billed.filter((operation) => difference(operation) !== 0),
        [],
      );
      assert.equal(difference("limit"), signatureFails ? 20 : 0, "the limit is asked after a failure alone");
    });
  }

  test(`${mode}: an accepted delivery is counted, so the counters work`, async () => {
    circumstances = countedIn(mode);
    const { calls: before } = await gateway.observed();
    const event = newEvent({ data: largeData });
    assert.equal((await gateway.deliver(event.body, circumstances)).status, 202);
    const { calls } = await gateway.observed();
    const difference = (/** @type {string} */ operation) => (calls[operation] ?? 0) - (before[operation] ?? 0);
    assert.equal(difference("send"), 1);
    assert.equal(difference("store"), 1);
    assert.equal(difference(mode === "kv" ? "get" : "object acquire"), 1);
    assert.equal(difference(mode === "kv" ? "put" : "commit"), 1);
    // Its line is in Activity, so that no call is left to the next test.
    const newest = async () => (await gateway.activity("deliveries", { limit: 1 })).deliveries[0];
    assert.ok(await until(async () => (await newest())?.eventId === event.eventId, patienceMs));
  });

  test(`${mode}: ${times} forged deliveries cause at most 2 calls of Activity a minute`, async (context) => {
    circumstances = countedIn(mode);
    const started = performance.now();
    const { calls: before } = await gateway.observed();
    // Its line goes to Activity within 5 s, so that a call is seen.
    await gateway.deliver(newEvent().body, circumstances);
    /** @type {import("./gateway.mjs").Answered[]} */
    const answers = [];
    for (let sent = 0; sent < times; sent += 50) {
      answers.push(...(await atOnce(50, post(body, sign(newEvent().body, secret)))));
    }
    await gateway.called("record", 1, before);
    const minutes = Math.ceil((performance.now() - started) / 60_000);
    const { calls } = await gateway.observed();
    const recorded = (calls.record ?? 0) - (before.record ?? 0);
    const shown = JSON.stringify(countedByStatus(answers));
    context.diagnostic(`${shown}: ${recorded} calls of Activity in ${Math.round(performance.now() - started)} ms`);
    for (const { status } of answers) {
      assert.ok(status === 401 || status === 429, `${status}`);
    }
    assert.ok(recorded <= 2 * minutes, `${recorded} calls`);
  });
}
