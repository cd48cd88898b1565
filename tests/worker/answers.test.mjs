// The answers table and the settings, over HTTP.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { newEvent, secret, TestGateway } from "./gateway.mjs";

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

test("a signed delivery is queued, and its message holds the exact signed bytes", async () => {
  const eventId = `evt_${createHash("sha256").update(String(process.hrtime())).digest("hex")}`;
  const body = ` {"eventId":"${eventId}",\t"type":"payment.completed", "big":9007199254740993,"zero":-0,"x":"\\ud800é🔒"}\n`;
  const answered = await gateway.deliver(body);
  assert.equal(answered.status, 202);
  assert.deepEqual(answered.answer, { status: "accepted", eventId });
  assert.equal(answered.headers.get("content-type"), "application/json");
  assert.equal(answered.headers.get("cache-control"), "no-store");

  const messages = await gateway.messages(eventId);
  assert.equal(messages.length, 1);
  const [{ text, message } = assert.fail()] = messages;
  const start = text.indexOf(',"event":') + ',"event":'.length;
  const event = text.slice(start, -1);
  assert.equal(event, body);
  assert.equal(sign(event, secret), message.signature);
  assert.deepEqual(Object.keys(message), [
    "v",
    "eventId",
    "type",
    "createdAt",
    "receivedAt",
    "key",
    "dedupe",
    "window",
    "signature",
    "event",
  ]);
  assert.deepEqual(message.event, JSON.parse(body));

  const marker = await gateway.marker(eventId);
  assert.equal(marker.value, "");
  assert.deepEqual(marker.metadata, { receivedAt: message.receivedAt });
});

test("a repeated delivery is a duplicate and is not queued", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body)).status, 202);
  for (let retry = 0; retry < 3; retry += 1) {
    const answered = await gateway.deliver(body);
    assert.equal(answered.status, 200);
    assert.deepEqual(answered.answer, { status: "duplicate", eventId });
  }
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("a forged delivery is refused and leaves nothing behind", async () => {
  const { eventId, body } = newEvent();
  for (const signature of [sign(body, "whsec_wrong"), sign(`${body} `, secret), sign(body, ""), "", "0".repeat(64)]) {
    const answered = await gateway.deliver(body, { headers: { "x-cronozen-signature": signature } });
    assert.equal(answered.status, 401);
    assert.equal(answered.answer.code, "invalid_signature");
  }
  const { status } = await gateway.request(webhookPath, { method: "POST", body });
  assert.equal(status, 401);
  assert.equal((await gateway.messages(eventId, 0)).length, 0);
  assert.equal((await gateway.marker(eventId)).value, null);
});

test("a wrong method is a 405 with the right one", async () => {
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
    const answered = await gateway.request(webhookPath, { method });
    assert.equal(answered.status, 405, method);
    assert.equal(answered.headers.get("allow"), "POST");
    assert.equal(answered.headers.get("content-type"), "application/problem+json");
  }
});

test("the log line of a delivery has every field", async () => {
  const { eventId, body } = newEvent();
  await gateway.deliver(body, { headers: { "cf-ray": "8c1d" } });
  const [line] = await gateway.linesOf(eventId);
  assert.ok(line);
  const { at, ms, address, ...rest } = line;
  assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(typeof ms, "number");
  assert.equal(typeof address, "string");
  assert.deepEqual(rest, {
    outcome: "accepted",
    code: "accepted",
    eventId,
    type: "payment.completed",
    bytes: body.length,
    dedupe: "new",
    key: 0,
    ray: "8c1d",
  });
});

test("every active secret counts, and the message has its position", async () => {
  const { eventId, body } = newEvent();
  const settings = { CRONOZEN_SIGNING_SECRET: `whsec_newest\n${secret}` };
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  assert.equal((await gateway.messages(eventId))[0]?.message.key, 1);
  const rotated = { CRONOZEN_SIGNING_SECRET: "whsec_newest" };
  assert.equal((await gateway.deliver(body, { settings: rotated })).status, 401);
});

test("the next secret is the newest, and /healthz reports two", async () => {
  const { eventId, body } = newEvent();
  const settings = { CRONOZEN_SIGNING_SECRET: "whsec_old", CRONOZEN_SIGNING_SECRET_NEXT: `${secret}\n` };
  assert.equal((await gateway.deliver(body, { settings })).status, 202);
  assert.equal((await gateway.messages(eventId))[0]?.message.key, 0);
  const { status, answer } = await gateway.request("/healthz", {}, { settings });
  assert.equal(status, 200);
  assert.equal(answer.secrets, 2);
  const blank = { CRONOZEN_SIGNING_SECRET_NEXT: " \n" };
  assert.equal((await gateway.deliver(body, { settings: blank })).status, 200);
  assert.equal((await gateway.request("/healthz", {}, { settings: blank })).answer.secrets, 1);
});

test("an event in FORGET is accepted again", async () => {
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body)).status, 202);
  assert.equal((await gateway.deliver(body, { settings: { FORGET: `evt_other,${eventId}` } })).status, 202);
  assert.equal((await gateway.deliver(body)).status, 200);
  assert.equal((await gateway.messages(eventId, 2)).length, 2);
});

test("an old event is refused or marked, as REPLAY says", async () => {
  const old = newEvent({ createdAt: "2020-01-01T00:00:00Z" });
  const refused = await gateway.deliver(old.body, { settings: { REPLAY: "refuse" } });
  assert.equal(refused.status, 422);
  assert.equal(refused.answer.code, "event_too_old");
  assert.equal((await gateway.deliver(old.body)).status, 202);
  assert.equal((await gateway.messages(old.eventId))[0]?.message.window, "outside");
  const young = newEvent({ createdAt: new Date().toISOString() });
  assert.equal((await gateway.deliver(young.body, { settings: { REPLAY: "refuse" } })).status, 202);
  assert.equal((await gateway.messages(young.eventId))[0]?.message.window, "inside");
});

/** @type {[name: string, settings: Record<string, unknown>][]} */
const badSettings = [
  ["CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: "absent" }],
  ["CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: "" }],
  ["CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: " \t\n" }],
  ["CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: null }],
  ["CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: { secret } }],
  ["CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: `${secret} `.repeat(9) }],
  ["CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: `"${secret}"` }],
  ["CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: "absent", CRONOZEN_SIGNING_SECRET_NEXT: secret }],
  ["CRONOZEN_SIGNING_SECRET_NEXT", { CRONOZEN_SIGNING_SECRET_NEXT: `${secret}\u200b` }],
  ["CRONOZEN_SIGNING_SECRET_NEXT", { CRONOZEN_SIGNING_SECRET_NEXT: `${secret} `.repeat(8) }],
  ["CRONOZEN_SIGNING_SECRET_NEXT", { CRONOZEN_SIGNING_SECRET_NEXT: null }],
  ["DEDUPE", { DEDUPE: "none" }],
  ["DEDUPE_TTL_SECONDS", { DEDUPE_TTL_SECONDS: "172799" }],
  ["REPLAY", { REPLAY: "ignore" }],
  ["MAX_BODY_BYTES", { MAX_BODY_BYTES: 1_048_577 }],
  ["DEADLINE_MS", { DEADLINE_MS: "5000" }],
  ["DEADLINE_MS", { DEADLINE_MS: true }],
  ["WEBHOOK_PATH", { WEBHOOK_PATH: "webhooks/cronozen" }],
  ["WEBHOOK_PATH", { WEBHOOK_PATH: "/hooks/{token}" }],
  ["FORGET", { FORGET: ["evt_1"] }],
  ["SEEN", { SEEN: "absent" }],
  ["SEEN", { SEEN: "a text" }],
  ["SEEN", { SEEN: null }],
  ["EVENTS", { EVENTS: "absent" }],
  ["EVENTS", { EVENTS: "a text" }],
  ["EVENTS", { EVENTS: null }],
  ["BODIES", { BODIES: null }],
];

test("with a bad setting every delivery is a 500; the log and /healthz name it", async () => {
  for (const [name, settings] of badSettings) {
    const shown = JSON.stringify(settings);
    const { eventId, body } = newEvent();
    const before = gateway.log.length;
    const answered = await gateway.deliver(body, { settings });
    assert.equal(answered.status, 500, shown);
    assert.equal(answered.answer.code, "misconfigured", shown);
    const forged = await gateway.deliver(body, { settings, headers: { "x-cronozen-signature": sign(body, "") } });
    assert.equal(forged.status, 500, shown);
    const [line = assert.fail(shown)] = gateway.log.slice(before).map((text) => JSON.parse(text));
    assert.match(line.reason, new RegExp(`^${name}: expected .+, got .+`), shown);
    const health = await gateway.request("/healthz", {}, { settings });
    assert.equal(health.status, 500, shown);
    assert.deepEqual(
      health.answer.problems.map((/** @type {{ name: string }} */ problem) => problem.name),
      [name],
    );
    assert.equal((await gateway.marker(eventId)).value, null, shown);
  }
});

test("settings may be numbers", async () => {
  const settings = { DEADLINE_MS: 1000, DEDUPE_TTL_SECONDS: 172_800, MAX_BODY_BYTES: 2048 };
  assert.equal((await gateway.deliver(newEvent().body, { settings })).status, 202);
  assert.equal((await gateway.deliver(newEvent({ data: "x".repeat(2048) }).body, { settings })).status, 413);
});

test("/healthz reports the version and limits", async () => {
  const { status, answer } = await gateway.request("/healthz", {});
  assert.equal(status, 200);
  assert.match(answer.version, /^\d+\.\d+\.\d+$/);
  assert.deepEqual(
    { ...answer, version: "" },
    {
      status: "ok",
      version: "",
      dedupe: "kv",
      maxBodyBytes: 127_000,
      maxMessageBytes: 127_500,
      secrets: 1,
    },
  );
  assert.equal((await gateway.request("/healthz", { method: "HEAD" })).status, 200);
  assert.equal((await gateway.request("/healthz", { method: "POST" })).status, 405);
});

test("/healthz has a hint for a misspelt name, and none for other names", async () => {
  const settings = { DEDUP: secret, DB: secret, "events-of-another": secret };
  const hints = ["unknown name DEDUP: did you mean DEDUPE?"];
  const healthy = await gateway.request("/healthz", {}, { settings });
  assert.equal(healthy.status, 200);
  assert.deepEqual(healthy.answer.hints, hints);
  assert.equal((await gateway.deliver(newEvent().body, { settings })).status, 202);
  const unhealthy = await gateway.request("/healthz", {}, { settings: { ...settings, REPLAY: "no" } });
  assert.equal(unhealthy.status, 500);
  assert.deepEqual(unhealthy.answer.hints, hints);
});

test("no answer and no log line holds a secret, a body or a whole signature", async () => {
  const marked = newEvent({ data: "private-content" });
  const answers = [
    await gateway.deliver(marked.body),
    await gateway.deliver(marked.body, { headers: { "x-cronozen-signature": sign(marked.body, "whsec_wrong") } }),
    await gateway.deliver(`${marked.body}private-content`),
    await gateway.deliver(marked.body, { settings: { DEDUPE: secret } }),
    await gateway.request("/healthz", {}, { settings: { DEDUPE: secret } }),
  ];
  const headers = answers.map((answered) => [...answered.headers]);
  const all = gateway.log.join("\n") + JSON.stringify([answers, headers]);
  assert.ok(all.includes(marked.eventId));
  for (const hidden of [secret, "private-content", sign(marked.body, secret), sign(marked.body, "whsec_wrong")]) {
    assert.ok(!all.includes(hidden), hidden);
  }
});
