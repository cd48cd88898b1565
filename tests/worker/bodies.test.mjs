// Bodies that do not fit a message: stored in R2 before the message is sent, held outside of WebAssembly.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import {
  atOnce,
  countedByStatus,
  newEvent,
  promisedMs,
  residentMebibytes,
  secret,
  sleep,
  TestGateway,
} from "./gateway.mjs";

const mebibyte = 1024 * 1024;
const maxMessageBytes = 127_500;

const modes = /** @type {const} */ ([
  ["kv", { MAX_BODY_BYTES: mebibyte }],
  ["durable-object", { MAX_BODY_BYTES: mebibyte, DEDUPE: "durable-object" }],
]);

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

/** An event with a body of `bytes` bytes. @param {number} bytes */
function eventOf(bytes) {
  const frame = newEvent({ data: "" }).body.length;
  return newEvent({ data: "x".repeat(bytes - frame) });
}

/** @param {string} body */
function keyOf(body) {
  return `bodies/${createHash("sha256").update(body).digest("hex")}`;
}

/**
 * Delivers a body without a Content-Length.
 *
 * @param {string} body
 * @param {import("./gateway.mjs").Circumstances} circumstances
 */
function stream(body, circumstances) {
  const headers = { "x-cronozen-signature": sign(body, secret) };
  /** @type {RequestInit} */
  const init = { method: "POST", headers, body: new Blob([body]).stream(), duplex: "half" };
  return gateway.request(webhookPath, init, circumstances);
}

/** The stored body. @param {string} key */
async function stored(key) {
  const bucket = await gateway.miniflare.getR2Bucket("BODIES");
  return (await bucket.get(key))?.text();
}

for (const [mode, settings] of modes) {
  test(`${mode}: a body that does not fit its message is stored under its hash`, async () => {
    const { eventId, body } = eventOf(mebibyte);
    assert.equal((await gateway.deliver(body, { settings })).status, 202);
    const [{ text, message } = assert.fail(), ...more] = await gateway.messages(eventId);
    assert.equal(more.length, 0);
    const sha256 = createHash("sha256").update(body).digest("hex");
    assert.ok(
      text.endsWith(`"bodyKey":"bodies/${sha256}","bodySha256":"${sha256}","bodyBytes":${mebibyte}}`),
      text.slice(-300),
    );
    assert.equal(message.type, "payment.completed");
    assert.equal(message.signature, sign(body, secret));
    assert.equal(await stored(message.bodyKey), body);
    assert.equal((await gateway.deliver(body, { settings })).status, 200);
    assert.equal((await gateway.linesOf(eventId))[0]?.bytes, mebibyte);
  });

  test(`${mode}: a chunked body is stored, up to the cap`, async () => {
    for (const [bytes, status] of /** @type {const} */ ([
      [mebibyte, 202],
      [mebibyte + 1, 413],
    ])) {
      const { body } = eventOf(bytes);
      const answered = await stream(body, { settings });
      assert.equal(answered.status, status);
      assert.equal(await stored(keyOf(body)), status === 202 ? body : undefined);
    }
  });

  test(`${mode}: a streamed body of odd length is stored byte for byte, with its hash`, async () => {
    const { body } = eventOf(200_001);
    assert.equal((await stream(body, { settings })).status, 202);
    const bucket = await gateway.miniflare.getR2Bucket("BODIES");
    const object = await bucket.get(keyOf(body));
    assert.ok(object !== null);
    const bytes = Buffer.from(new Uint8Array(await object.arrayBuffer()));
    assert.equal(bytes.length, 200_001);
    assert.ok(bytes.equals(Buffer.from(body)));
    const sha256 = Buffer.from(new Uint8Array(object.checksums.sha256 ?? new ArrayBuffer(0))).toString("hex");
    assert.equal(`bodies/${sha256}`, keyOf(body));
  });

  for (const store of ["hangs", "throws an error", "throws a string", "throws synchronously", "resolves to nothing"]) {
    test(`${mode}: a body whose put ${store} is a 503, and nothing is sent`, async () => {
      const { eventId, body } = eventOf(200_000);
      const answered = await gateway.deliver(body, { settings, faults: { store } });
      assert.equal(answered.status, 503);
      assert.equal(answered.headers.get("retry-after"), "30");
      assert.ok(answered.ms < promisedMs);
      const [line] = await gateway.linesOf(eventId);
      assert.match(line?.reason, /^bucket put (failed|timed out)/);
      assert.ok(!line?.reason.includes("stack"));
      assert.equal((await gateway.messages(eventId, 0)).length, 0);
      assert.equal((await gateway.deliver(body, { settings })).status, 202, "there is no marker");
      assert.equal((await gateway.messages(eventId)).length, 1);
      assert.equal(await stored(keyOf(body)), body);
    });
  }

  test(`${mode}: a put that R2 refuses, as it does twice in a second, counts as stored if the body is there`, async () => {
    const { eventId, body } = eventOf(200_000);
    const faults = { store: "throws an error" };
    assert.equal((await gateway.deliver(body, { settings, faults })).status, 503);
    assert.equal((await gateway.deliver(body, { settings })).status, 202);
    const again = await gateway.deliver(body, { settings, faults });
    assert.equal(again.status, 200, "a duplicate is not stored");
    assert.equal(again.answer.status, "duplicate");
    const forgetting = { ...settings, FORGET: eventId };
    assert.equal((await gateway.deliver(body, { settings: forgetting, faults })).status, 202);
    assert.equal((await gateway.messages(eventId, 2)).length, 2);

    const bucket = await gateway.miniflare.getR2Bucket("BODIES");
    await bucket.put(keyOf(body), `${body} `);
    const other = await gateway.deliver(body, { settings: forgetting, faults });
    assert.equal(other.status, 503, "another body is there");
  });

  test(`${mode}: a slow put delays the answer, and 20 hung ones end in time`, async () => {
    const slow = await gateway.deliver(eventOf(200_000).body, { settings, faults: { store: "after 500 ms" } });
    assert.equal(slow.status, 202);
    assert.ok(slow.ms > 490, `${slow.ms} ms`);
    const faults = { store: "hangs" };
    for (const { status, ms } of await atOnce(20, () => gateway.deliver(eventOf(200_000).body, { settings, faults }))) {
      assert.equal(status, 503);
      assert.ok(ms < promisedMs, `${ms} ms`);
    }
  });

  test(`${mode}: 20 bodies of 1 MiB at once are accepted with the memory of one`, async (context) => {
    // A fresh gateway.
    await gateway.stop();
    gateway = await TestGateway.start();
    const figures = async () => {
      const { wasmBytes } = await gateway.observed();
      return { wasm: wasmBytes / 1024, resident: residentMebibytes() };
    };
    await gateway.deliver(newEvent().body, { settings });
    const small = await figures();
    await gateway.deliver(eventOf(mebibyte).body, { settings });
    const one = await figures();
    /** @type {(typeof one)[]} */
    const rounds = [];
    for (let round = 0; round < 3; round += 1) {
      // All of them are held while each is being stored.
      const faults = { store: "pretends after 1000 ms" };
      const whole = atOnce(10, () => gateway.deliver(eventOf(mebibyte).body, { settings, faults }));
      const streamed = atOnce(10, () => stream(eventOf(mebibyte).body, { settings, faults }));
      const answers = [...(await whole), ...(await streamed)];
      assert.deepEqual(countedByStatus(answers), { 202: 20 });
      rounds.push(await figures());
    }
    context.diagnostic(
      `WebAssembly, KiB: ${[small, one, ...rounds].map(({ wasm }) => wasm)}; ` +
        `workerd, MiB: ${[small, one, ...rounds].map(({ resident }) => resident)}`,
    );
    assert.ok(one.wasm > small.wasm, "the figures show a body");
    for (const { wasm } of rounds) {
      assert.ok(wasm - one.wasm <= 256, `grown from ${one.wasm} to ${wasm} KiB`);
    }
  });

  test(`${mode}: 20 bodies of 1 MiB at once are all stored`, async (context) => {
    const events = Array.from({ length: 20 }, () => eventOf(mebibyte));
    let retries = 0;
    const work = async (/** @type {{ body: string }} */ { body }) => {
      // The local R2 shares its thread with the Worker: on a busy machine some bodies come too slowly.
      while ((await gateway.deliver(body, { settings })).status !== 202) {
        retries += 1;
        assert.ok(retries < 60, "a retry is accepted");
      }
    };
    await Promise.all(events.map(work));
    context.diagnostic(`${retries} retries for 20 bodies`);
    const messages = await Promise.all(events.map(({ eventId }) => gateway.messages(eventId)));
    assert.deepEqual(
      messages.map(([only]) => only?.message.bodyKey),
      events.map(({ body }) => keyOf(body)),
    );
    for (const { body } of events) {
      assert.equal(await stored(keyOf(body)), body);
    }
  });
}

test("a message may be as large as its limit; a larger one is stored, or refused without a bucket", async () => {
  // The look-up fails, so that dedupe is "unknown", the longest value.
  const faults = { get: "throws an error" };
  // Repeated in the message, so that it is too large and the body is not.
  const type = "t".repeat(2000);
  const probe = newEvent({ type, data: "" });
  await gateway.deliver(probe.body, { faults });
  const [{ text: probed } = assert.fail()] = await gateway.messages(probe.eventId);
  const data = (/** @type {number} */ messageBytes) => "x".repeat(messageBytes - probed.length);

  for (const settings of [{}, { BODIES: "absent" }]) {
    const fits = newEvent({ type, data: data(maxMessageBytes) });
    assert.equal((await gateway.deliver(fits.body, { faults, settings })).status, 202);
    const [{ text } = assert.fail()] = await gateway.messages(fits.eventId);
    assert.equal(text.length, maxMessageBytes);
    assert.equal(await stored(keyOf(fits.body)), undefined);
  }

  const beyond = newEvent({ type, data: data(maxMessageBytes + 1) });
  const refused = await gateway.deliver(beyond.body, { faults, settings: { BODIES: "absent" } });
  assert.equal(refused.status, 413);
  assert.equal(refused.answer.code, "body_too_large");
  assert.equal((await gateway.deliver(beyond.body, { faults })).status, 202);
  const [{ message } = assert.fail()] = await gateway.messages(beyond.eventId);
  assert.equal(message.bodyKey, keyOf(beyond.body));
  assert.equal(await stored(message.bodyKey), beyond.body);
});

test("a bucket is used at the default cap, too", async () => {
  const { eventId, body } = newEvent({ type: "t".repeat(70_000), data: "x".repeat(50_000) });
  assert.equal((await gateway.deliver(body)).status, 202);
  const [{ message } = assert.fail()] = await gateway.messages(eventId);
  assert.equal(await stored(message.bodyKey), body);
});

test("storing again renews the object", async () => {
  const { eventId, body } = eventOf(200_000);
  const settings = { MAX_BODY_BYTES: mebibyte, FORGET: eventId };
  await gateway.deliver(body, { settings });
  const bucket = await gateway.miniflare.getR2Bucket("BODIES");
  const first = await bucket.head(keyOf(body));
  await sleep(50);
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  const second = await bucket.head(keyOf(body));
  assert.ok(Number(second?.uploaded) > Number(first?.uploaded));
});

for (const [what, settings, names] of /** @type {const} */ ([
  ["no bucket at the default cap", { BODIES: "absent" }, []],
  ["no bucket at 127,000 bytes", { BODIES: "absent", MAX_BODY_BYTES: 127_000 }, []],
  ["no bucket over 127,000 bytes", { BODIES: "absent", MAX_BODY_BYTES: 127_001 }, ["BODIES"]],
  ["a string as bucket", { BODIES: "cronozen-bodies" }, ["BODIES"]],
  ["a KV namespace as bucket", { BODIES: "a KV namespace" }, ["BODIES"]],
  ["more than 1 MiB", { MAX_BODY_BYTES: mebibyte + 1 }, ["MAX_BODY_BYTES"]],
])) {
  test(`settings: ${what}`, async () => {
    const { status, answer } = await gateway.request("/healthz", {}, { settings });
    assert.equal(status, names.length === 0 ? 200 : 500);
    const problems = answer.problems ?? [];
    assert.deepEqual(
      problems.map((/** @type {any} */ problem) => problem.name),
      names,
    );
    assert.equal((await gateway.deliver(newEvent().body, { settings })).status, names.length === 0 ? 202 : 500);
    if (names.includes(/** @type {never} */ ("BODIES"))) {
      const { expected, found } = problems[0];
      const larger = "MAX_BODY_BYTES" in settings;
      assert.equal(expected, larger ? "an R2 bucket, for MAX_BODY_BYTES over 127000" : "an R2 bucket");
      assert.equal(found, larger ? "no such binding" : "something else");
    }
  });
}
