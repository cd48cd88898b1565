// Marked secrets, bodies, signatures and tokens go through the consumer, the dead letters, the console and the alerts, and
// through their failures. Then each place that holds anything is searched for them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sign } from "../../scripts/delivery.mjs";
import { messageOf as messageOfEvent, storedMessageOf } from "../support/messages.mjs";
import { PrivateSystem } from "./private.mjs";

const system = new PrivateSystem();
const { canaries } = system;
before(() => system.start());
after(() => system.remove());

/** The kinds of the errors of bindings, by where they come to. */
const bindings = {
  DB: "error of a handling",
  BODIES: "error of a handling",
  DEAD_LETTERS_DB: "error of a binding",
  DEAD_LETTERS: "error of a binding",
  ACTIVITY: "error of a binding",
  EVENTS: "error of a redrive",
};

/** A large body is in R2. */
const large = 130_000;

/** @typedef {ReturnType<PrivateSystem["event"]>} Event */

/** A message of the gateway. @param {Event} event @param {Record<string, unknown>} [fields] */
function messageOf({ body, signature }, fields = {}) {
  return messageOfEvent(JSON.parse(body), { signature, ...fields });
}

/** An assertion with more in its header. @param {object} header @param {string} signature */
function assertionWith(header, signature) {
  const parts = [{ alg: "RS256", kid: "ours", ...header }, { email: "eve@acme.example" }];
  return [...parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")), signature].join(".");
}

/** The error of a binding: only its first line may be anywhere. @param {string} kind */
function errorText(kind) {
  return `D1_ERROR: ${canaries.make(kind)}\n${canaries.make("stack of a binding's error")}`;
}

/** The ids of the dead letters with a reason, redriven ones included. @param {string} reason */
async function idsOf(reason) {
  const { answer } = await system.ask(`/api/dead-letters?state=all&limit=200&reason=${encodeURIComponent(reason)}`);
  const { deadLetters } = answer;
  assert.ok(deadLetters.length > 0, reason);
  return deadLetters.map((/** @type {any} */ { id }) => id);
}

test("events are handled, or fail with what is private in their errors", async () => {
  await system.ask("/api/status");
  const handled = [system.event("handled", "payment.completed"), system.event("handled", "payment.completed", large)];
  const types = ["retried", "dead", "string", "object", "hangs", "refused"].map((type) => `test.${type}`);
  const dead = [...types.map((type) => system.event("dead", type)), system.event("dead", "test.dead", large)];
  await Promise.all([...handled, ...dead].map((event) => system.deliver(event)));
  for (const { eventId } of handled) {
    await system.logged(1, '"outcome":"handled"', eventId);
  }
  for (const { eventId } of dead) {
    await system.logged(1, '"outcome":"dead_letter_stored"', eventId);
  }
});

test("messages that are not the gateway's are dead letters", async () => {
  const event = () => system.event("dead", "payment.completed");
  const forged = event();
  const other = JSON.parse(event().body).data.stack;
  const lost = event();
  const bodies = [
    other,
    `{"eventId":"${other}`,
    JSON.stringify({ data: other }),
    { data: other },
    [other],
    messageOf(event(), { v: 2 }),
    messageOf(event(), { key: "0" }),
    messageOf(event(), { createdAt: null }),
    messageOf({ ...forged, signature: canaries.addSignature("dead: signature", sign(other, "whsec_wrong")) }),
    storedMessageOf(JSON.parse(lost.body), lost.signature).message,
    messageOf(event(), { eventId: event().eventId }),
  ];
  const before = system.count("dead_letter_stored");
  await system.queue(bodies);
  await system.logged(before + bodies.length, "dead_letter_stored");
});

test("each binding of the consumer fails", async () => {
  for (const [name, kind] of Object.entries(bindings)) {
    await system.fail({ failing: { [name]: errorText(kind) } });
    const event = system.event("dead", name === "BODIES" ? "payment.completed" : "test.dead", large);
    await system.deliver(event);
    await system.logged(1, event.eventId, kind === "error of a handling" ? "dead_letter_" : `"attempt":1`);
    for (const path of ["status", "losses", "activity", "outcomes", "events", "dead-letters", "audit"]) {
      await system.ask(`/api/${path}`);
    }
    await system.ask("/api/erase", { method: "POST", body: { eventId: `evt_${name}` } });
    await system.ask("/api/dead-letters/redrive", { method: "POST", body: { ids: [1] } });
    await system.alert().catch(() => {});
  }
  await system.fail({});
});

test("operators come with the right credentials, and strangers with wrong ones", async () => {
  const wrong = () => canaries.make("wrong token");
  const json = { origin: "https://edge.example.com" };
  const post = (/** @type {unknown} */ body) => ({ method: "POST", headers: json, body, as: null });
  /** @type {import("./private.mjs").Asked[]} */
  const refused = [
    { as: wrong() },
    { as: `${system.token}x` },
    { as: null, headers: { authorization: `Basic ${wrong()}` } },
    { as: null, headers: { cookie: `__Host-cronozen-console=${wrong()}.${wrong()}` } },
    { as: null, headers: { "cf-access-jwt-assertion": wrong() } },
    { as: null, headers: { "cf-access-jwt-assertion": `${wrong()}.${wrong()}.${wrong()}` } },
    { as: null, headers: { "cf-access-jwt-assertion": await system.assertion("other") } },
    { as: null, headers: { "cf-access-jwt-assertion": assertionWith({ crit: [wrong()], [wrong()]: 1 }, wrong()) } },
  ];
  for (const request of refused) {
    assert.equal((await system.ask("/api/status", request)).status, 401, JSON.stringify(request));
  }
  const good = { as: null, headers: { "cf-access-jwt-assertion": await system.assertion("our-tag") } };
  assert.equal((await system.ask("/api/status", good)).status, 200);

  assert.equal((await system.ask("/api/login", post({ name: "Ada", token: wrong() }))).status, 401);
  assert.equal((await system.ask("/api/login", post({ name: "Ada", [wrong()]: system.token }))).status, 400);
  assert.equal((await system.ask("/api/login", post(`{"token":"${wrong()}`))).status, 400);
  const login = await system.ask("/api/login", { ...post({ name: "Ada", token: system.token }), place: "login" });
  const cookie = login.headers.get("set-cookie")?.split(";", 1).join() ?? "";
  canaries.add("session", cookie.split(".")[1] ?? "");
  canaries.search("login", login.headers.get("set-cookie"));
  assert.equal((await system.ask("/api/status", { as: null, headers: { cookie } })).status, 200);
  assert.equal((await system.ask("/api/status", { as: null, headers: { cookie: `${cookie}x` } })).status, 401);
  assert.equal((await system.ask("/api/logout", { ...post({}), headers: { ...json, cookie } })).status, 200);
});

test("the admin API refuses what it does not know, and does not repeat it", async () => {
  const value = () => canaries.make("parameter");
  for (const path of [
    `/api/${value()}`,
    `/api/status?${value()}=1`,
    `/api/events?type=${value()}${value().repeat(9)}`,
  ]) {
    assert.ok([400, 404].includes((await system.ask(path)).status), path);
  }
  for (const path of ["/api/event?id=", "/api/dead-letters?state=", "/api/deliveries?limit=", "/api/audit?before="]) {
    assert.ok([400, 404].includes((await system.ask(path + value())).status), path);
  }
  await system.ask(`/${value()}?token=${value()}`);
  await system.ask(`/../${value()}`);
  for (const body of [{ [value()]: 1 }, { ids: [value()] }, `{${value()}`, `"${value()}"`, value().repeat(500)]) {
    const { status } = await system.ask("/api/dead-letters/redrive", { method: "POST", body });
    assert.ok([400, 413].includes(status), String(status));
  }
});

test("alerts are sent, and each sink fails in its own way", async () => {
  await system.alert();
  assert.deepEqual(Object.keys(system.sent).sort(), ["failing", "redirecting", "slack"]);
  await system.logged(5, "alert_not_sent");
  await system.logged(1, "connection failed");
  await system.fail({ sinks: "throw" });
  await system.alert();
  await system.logged(1, "option sinks failed");
  await system.fail({ sinks: "right" });
  await system.alert();
  assert.equal(system.sent.heartbeat, 1);
});

test("dead letters are listed, shown, redriven and pruned", async () => {
  const { answer } = await system.ask("/api/dead-letters?state=all&limit=200");
  for (const { id } of answer.deadLetters) {
    assert.equal((await system.ask(`/api/dead-letters/${id}`, { place: "a shown dead letter" })).status, 200);
  }
  const post = (/** @type {object} */ body) => ({ method: "POST", body });
  const preview = await system.ask("/api/dead-letters/redrive", post({ dryRun: true }));
  assert.ok(preview.answer.upTo > 0);
  const stored = system.count("dead_letter_stored");
  const redriven = (await idsOf("[object Object]")).slice(0, 1);
  assert.equal((await system.ask("/api/dead-letters/redrive", post({ ids: redriven }))).answer.redriven.length, 1);
  await system.logged(stored + 1, "dead_letter_stored");
  const pruned = await idsOf("unknown_version: the message is not of version 1");
  assert.equal((await system.ask("/api/dead-letters/prune", post({ ids: pruned }))).status, 200);
  const incidents = await system.ask("/api/incidents?state=all");
  const [{ id }] = incidents.answer.incidents;
  await system.ask(`/api/incidents/${id}`);
  await system.ask("/api/incidents/mute", post({ id, until: new Date(Date.now() + 60_000).toISOString() }));
  for (const path of ["status", "activity", "outcomes", "deliveries", "events", "losses", "audit", "session"]) {
    assert.equal((await system.ask(`/api/${path}`)).status, 200, path);
  }
});

test("an erased event is in no row and in no answer", async () => {
  for (const [bytes, bodies] of /** @type {const} */ ([
    [0, 0],
    [large, 1],
  ])) {
    const event = system.event("erased", "test.object", bytes);
    await system.deliver(event);
    await system.logged(1, '"outcome":"dead_letter_stored"', event.eventId);
    const erased = await system.ask("/api/erase", { method: "POST", body: { eventId: event.eventId } });
    assert.deepEqual([erased.status, erased.answer.deadLetters, erased.answer.bodies], [200, 1, bodies]);
  }
});

test("nothing private is where it must not be", async () => {
  canaries.search("rows of D1", await system.rows());
  await system.stop();
  // The text of an error is what a handler threw; that of a handling is what D1 or R2 threw in it.
  const reasons = ["error of a handling", "text of an error"];
  const letter = ["dead", "dead: signature", "event id", ...reasons];
  const places = {
    "answers of the gateway": ["event id"],
    log: ["event id", "error of a binding", ...reasons],
    "answers of the console": ["event id", "error of a redrive", ...reasons],
    "a shown dead letter": letter,
    login: ["session"],
    "messages of alerts": ["event id", ...reasons],
    "rows of D1": letter,
    "files of D1": letter,
    // The bodies of large events.
    R2: ["dead", "event id", "handled", "text of an error"],
    "Durable Objects": ["event id"],
    KV: [],
    cache: [],
  };
  // What has been deleted is in the files until SQLite writes over it.
  canaries.assertPlaces(places, { "files of D1": ["erased", "erased: signature"] });
});
