// The routes of the admin API, for an operator with the token.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { silent } from "../support/log.mjs";
import { messageOf } from "../support/messages.mjs";
import { TestConsole } from "./console.mjs";

/** @type {TestConsole} */
let tested;
before(async () => {
  tested = await TestConsole.start();
  await tested.ask("/events");
  for (let number = 1; number <= 5; number += 1) {
    await tested.bury(`m${number}`, messageOf({ eventId: `evt_dead_${number}`, type: "a.type" }));
  }
  await tested.post("/dead-letters/redrive", { ids: [2] });
  const [of] = [(/** @type {number} */ minute) => `2026-11-24T06:0${minute}:00.000Z`];
  for (const [eventId, type, minute] of /** @type {const} */ ([
    ["evt_1", "payment.completed", 1],
    ["evt_2", "payment.failed", 2],
    ["evt_3", null, 3],
    ["evt_4", "payment.completed", 4],
    ["evt_5", "payment.completed", 4],
  ])) {
    await tested.env.DB.prepare(
      `INSERT INTO cronozen_events (event_id, type, created_at, received_at, attempts, handled_at, outcome)
       VALUES (?, ?, 'c', ?, 1, ?, 'handled')`,
    )
      .bind(eventId, type, of(0), of(minute))
      .run();
  }
  await tested.env.DB.prepare(
    "INSERT INTO cronozen_ignored (event_id, type, ignored_at, attempts) VALUES ('evt_6', 'dpu.sealed', ?, 1)",
  )
    .bind(of(5))
    .run();
});
after(() => tested.stop());

/** The ids of a list of events. @param {string} query */
async function events(query) {
  const { status, answer } = await tested.ask(`/events${query}`);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer.events.map((/** @type {any} */ { eventId }) => eventId);
}

test("events are found by type, by time, by both, and by source; the newest first", async () => {
  const dead = [5, 4, 3, 2, 1].map((number) => `evt_dead_${number}`);
  assert.deepEqual(await events(""), [...dead, "evt_6", "evt_5", "evt_4", "evt_3", "evt_2", "evt_1"]);
  assert.deepEqual(await events("?type=payment.completed"), ["evt_5", "evt_4", "evt_1"]);
  assert.deepEqual(await events("?type=a.type"), dead);
  assert.deepEqual(await events("?type=absent"), []);
  assert.deepEqual(await events("?from=2026-11-24T06:02:00Z&to=2026-11-24T06:04Z"), ["evt_3", "evt_2"]);
  assert.deepEqual(await events("?from=2026-11-24T07:04:00%2B01:00&to=2026-11-24T06:05:00Z"), ["evt_5", "evt_4"]);
  assert.deepEqual(await events("?type=payment.completed&to=2026-11-24T06:04:00Z"), ["evt_1"]);
  assert.deepEqual(await events("?source=ledger"), ["evt_5", "evt_4", "evt_3", "evt_2", "evt_1"]);
  assert.deepEqual(await events("?source=ignored"), ["evt_6"]);
  assert.deepEqual(await events("?source=dead"), dead);
  assert.deepEqual(await events("?from=2026-11-25"), dead, "a day alone is its beginning");
});

test("an entry of the list says what happened, and when", async () => {
  const { answer } = await tested.ask("/events?type=payment.failed");
  assert.deepEqual(answer, {
    events: [
      {
        at: "2026-11-24T06:02:00.000Z",
        outcome: "handled",
        eventId: "evt_2",
        type: "payment.failed",
        createdAt: "c",
        receivedAt: "2026-11-24T06:00:00.000Z",
        attempts: 1,
      },
    ],
    next: null,
  });
  const [{ at, reason, ...entry }] = (await tested.ask("/events?source=dead&limit=1")).answer.events;
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
  assert.equal(reason, null);
  assert.deepEqual(entry, { outcome: "dead", eventId: "evt_dead_5", type: "a.type", attempts: null, deadLetter: 5 });
});

test("the pages of events have each entry once", async () => {
  for (const query of ["", "&type=payment.completed", "&source=ledger", "&source=dead", "&source=ignored"]) {
    const whole = await events(`?limit=200${query}`);
    for (const limit of [1, 2, 3]) {
      const found = [];
      for (let next = ""; next !== null; ) {
        const before = next === "" ? "" : `&before=${encodeURIComponent(next)}`;
        const { answer } = await tested.ask(`/events?limit=${limit}${query}${before}`);
        assert.ok(answer.events.length <= limit);
        found.push(...answer.events.map((/** @type {any} */ { eventId }) => eventId));
        next = answer.next;
      }
      assert.deepEqual(found, whole, `${query} by ${limit}`);
    }
  }
});

test("one event is found by its id, with all that is known of it", async () => {
  const { answer } = await tested.ask("/event?id=evt_2");
  assert.deepEqual(answer, {
    eventId: "evt_2",
    type: "payment.failed",
    createdAt: "c",
    receivedAt: "2026-11-24T06:00:00.000Z",
    history: [{ at: "2026-11-24T06:02:00.000Z", outcome: "handled", attempts: 1 }],
    deadLetters: [],
    deliveries: null,
  });
  const ignored = (await tested.ask("/event?id=evt_6")).answer;
  assert.deepEqual(ignored.history, [{ at: "2026-11-24T06:05:00.000Z", outcome: "ignored", attempts: 1 }]);
  const dead = (await tested.ask("/event?id=evt_dead_2")).answer;
  assert.deepEqual(
    dead.history.map((/** @type {any} */ { outcome, deadLetter }) => [outcome, deadLetter]),
    [
      ["dead", 2],
      ["redriven", 2],
    ],
  );
  assert.equal(dead.deadLetters[0].state, "redriven");
  const { status, answer: absent } = await tested.ask("/event?id=absent");
  assert.deepEqual([status, absent.code], [404, "not_found"]);
});

test("a redriven event that is ignored is reported as ignored", async () => {
  const ignored = (/** @type {string} */ at) =>
    tested.env.DB.prepare(
      `INSERT INTO cronozen_ignored (event_id, type, ignored_at, attempts) VALUES ('evt_dead_2', 'a.type', ?, 1)
       ON CONFLICT DO UPDATE SET ignored_at = excluded.ignored_at`,
    )
      .bind(at)
      .run();
  const state = async () => (await tested.ask("/dead-letters/2")).answer.state;
  await ignored("2026-11-24T06:00:00.000Z");
  assert.equal(await state(), "redriven", "it was ignored before it was redriven");
  await ignored(new Date(Date.now() + 1000).toISOString());
  assert.equal(await state(), "ignored");
  await tested.env.DB.prepare("DELETE FROM cronozen_ignored WHERE event_id = 'evt_dead_2'").run();
});

test("the list has the open dead letters, without text", async () => {
  const { status, headers, answer } = await tested.ask("/dead-letters");
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "application/json");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(answer.next, null);
  assert.deepEqual(ids(answer), [5, 4, 3, 1]);
  const { storedAt, bytes, ...letter } = answer.deadLetters[0];
  assert.ok(Math.abs(Date.parse(storedAt) - Date.now()) < 60_000);
  assert.equal(bytes, messageOf({ eventId: "evt_dead_5", type: "a.type" }).length);
  assert.deepEqual(letter, {
    id: 5,
    eventId: "evt_dead_5",
    type: "a.type",
    reason: null,
    attempts: null,
    failedAt: null,
    queue: "cronozen-events-dead",
    redrivenAt: null,
    redrives: 0,
    state: "open",
    handledAt: null,
  });
  assert.deepEqual(ids((await tested.ask("/dead-letters?state=all")).answer), [5, 4, 3, 2, 1]);
  assert.deepEqual(ids((await tested.ask("/dead-letters?state=redriven")).answer), [2]);
  assert.deepEqual(ids((await tested.ask("/dead-letters?eventId=evt_dead_3")).answer), [3]);
  assert.deepEqual(ids((await tested.ask("/dead-letters?type=absent")).answer), []);
  const { answer: shown } = await tested.ask("/dead-letters/5");
  assert.equal(shown.text, messageOf({ eventId: "evt_dead_5", type: "a.type" }));
});

test("the list of dead letters has pages", async () => {
  const pages = [];
  for (let before = 1000; before !== null; ) {
    const { answer } = await tested.ask(`/dead-letters?limit=2&before=${before}&state=all`);
    pages.push(ids(answer));
    before = answer.next;
  }
  assert.deepEqual(pages, [[5, 4], [3, 2], [1]]);
});

/** @param {{ deadLetters: { id: number }[] }} answer */
function ids({ deadLetters }) {
  return deadLetters.map(({ id }) => id);
}

test("the status has the totals, also after a prune", async () => {
  const totals = async () => (await tested.ask("/status")).answer.deadLetters;
  const before = await totals();
  assert.equal(before.maxBytes, 250_000_000);
  assert.deepEqual([before.letters, before.open], [5, 4]);
  const text = messageOf({ eventId: "evt_more", type: "a.type" });
  assert.equal(await tested.bury("more", text), "acknowledged");
  assert.equal(await tested.bury("more", text), "acknowledged", "the queue may deliver it twice");
  assert.deepEqual(await totals(), { ...before, letters: 6, open: 5, bytes: before.bytes + text.length });
  const { answer } = await tested.post("/dead-letters/prune", { ids: [6] });
  assert.equal(answer.pruned.length, 1);
  assert.deepEqual(await totals(), before);
});

/** In UTC, these years have a sign and more digits: as texts, they come before all times. */
const beyond = ["9999-12-31T23:59:59-01:00", "9999-12-31T23:59-00:01", "0000-01-01T00:00+00:01"];

test("an invalid request is refused, and changes nothing", async () => {
  const sent = tested.sent.length;
  for (const [method, path, status, code, body] of /** @type {[string, string, number, string, unknown?][]} */ ([
    ["POST", "/dead-letters", 405, "method_not_allowed"],
    ["GET", "/dead-letters/redrive", 405, "method_not_allowed"],
    ["DELETE", "/dead-letters/1", 405, "method_not_allowed"],
    ["PUT", "/erase", 405, "method_not_allowed"],
    ["GET", "/", 404, "not_found"],
    ["GET", "/dead-letters/", 404, "not_found"],
    ["GET", "/dead-letters/99", 404, "not_found"],
    ["GET", "/dead-letters/x", 404, "not_found"],
    ["GET", "/dead-letters/ID", 404, "not_found"],
    ["GET", "/dead-letters/-1", 404, "not_found"],
    ["GET", "/dead-letters/9007199254740993", 404, "not_found"],
    ["GET", "/toString", 404, "not_found"],
    ["GET", "/__proto__", 404, "not_found"],
    ["GET", "/dead-letters?limit=0", 400, "invalid_parameter"],
    ["GET", "/dead-letters?limit=201", 400, "invalid_parameter"],
    ["GET", "/dead-letters?before=-1", 400, "invalid_parameter"],
    ["GET", "/dead-letters?before=1e3", 400, "invalid_parameter"],
    ["GET", "/dead-letters?state=yes", 400, "invalid_parameter"],
    ["GET", "/dead-letters?limit=1&limit=2", 400, "invalid_parameter"],
    ["GET", "/dead-letters?toString=1", 400, "invalid_parameter"],
    ["GET", "/dead-letters/1?more=1", 400, "invalid_parameter"],
    ["GET", "/events?from=yesterday", 400, "invalid_parameter"],
    ["GET", "/events?from=2026-13-01", 400, "invalid_parameter"],
    ...["/events", "/dead-letters", "/activity", "/outcomes"].flatMap((path) =>
      beyond.map((time) => ["GET", `${path}?from=${encodeURIComponent(time)}`, 400, "invalid_parameter"]),
    ),
    ["GET", "/events?before=x", 400, "invalid_parameter"],
    ["GET", "/events?before=[1]", 400, "invalid_parameter"],
    ["GET", `/events?before=${encodeURIComponent('{"other":["2026","x"]}')}`, 400, "invalid_parameter"],
    ["GET", `/events?before=${encodeURIComponent('{"dead":["2026",{}]}')}`, 400, "invalid_parameter"],
    ["GET", "/events?typo=x", 400, "invalid_parameter"],
    ["GET", "/event", 400, "invalid_parameter"],
    ["GET", "/event?id=", 400, "invalid_parameter"],
    ["POST", "/dead-letters/redrive", 400, "invalid_json", "dryRun=true"],
    ["POST", "/dead-letters/redrive", 400, "invalid_json", ""],
    ["POST", "/dead-letters/redrive", 400, "invalid_json", [1]],
    ["POST", "/dead-letters/redrive", 400, "invalid_json", null],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", {}],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { dryrun: true, upTo: 9 }],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { dryRun: 1, upTo: 9 }],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { ids: [] }],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { ids: [1.5] }],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { ids: ["1"] }],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { ids: Array(21).fill(1) }],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { ids: [1], type: "a" }],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { upTo: -1 }],
    ["POST", "/dead-letters/redrive", 400, "invalid_parameter", { upTo: 9, after: "x" }],
    ...["/dead-letters/redrive", "/dead-letters/prune"].flatMap((path) =>
      beyond.map((from) => ["POST", path, 400, "invalid_parameter", { upTo: 9, from }]),
    ),
    ["POST", "/incidents/mute", 400, "invalid_parameter", { id: 1, until: beyond[0] }],
    ["POST", "/dead-letters/redrive", 413, "body_too_large", { reason: "x".repeat(20_000) }],
    ["POST", "/dead-letters/prune", 400, "invalid_parameter", { type: "a.type" }],
    ["POST", "/erase", 400, "invalid_parameter", {}],
    ["POST", "/erase", 400, "invalid_parameter", { eventId: 7 }],
  ])) {
    const { status: found, headers, answer } = await tested.ask(path, { method, body });
    assert.deepEqual([found, answer.code], [status, code], `${method} ${path} ${JSON.stringify(body)}`);
    assert.equal(headers.get("content-type"), "application/problem+json");
    assert.equal(answer.status, status);
    if (status === 405) {
      assert.ok(["GET", "POST"].includes(headers.get("allow") ?? ""));
    }
  }
  assert.equal(tested.sent.length, sent);
  assert.deepEqual((await tested.ask("/status")).answer.deadLetters.letters, 5);
});

test("hostile values in every parameter are only values", async () => {
  const dump = async () =>
    Promise.all(
      [
        [tested.env.DB, "SELECT * FROM cronozen_events"],
        [tested.env.DB, "SELECT * FROM cronozen_ignored"],
        [tested.env.DB, "SELECT name, sql FROM sqlite_schema"],
        [tested.env.DEAD, "SELECT * FROM cronozen_dead_letters"],
        [tested.env.DEAD, "SELECT name, sql FROM sqlite_schema"],
      ].map(async ([db, query]) => (await db.prepare(query).all()).results),
    );
  const before = await dump();
  for (const value of [
    "'",
    "''; DROP TABLE cronozen_events; --",
    "' OR 1 = 1 --",
    '" OR ""="',
    "?1",
    ":type",
    "\0",
    "%",
    "_",
    "\ud800",
    "$.run",
    "😀'\\\n",
    "1 UNION SELECT text FROM cronozen_dead_letters",
    `{"ledger":["9998","'; DROP TABLE cronozen_events; --"]}`,
  ]) {
    for (const path of [
      "/events?type=",
      "/events?before=",
      "/events?from=",
      "/events?source=",
      "/event?id=",
      "/dead-letters?eventId=",
      "/dead-letters?type=",
      "/dead-letters?reason=",
      "/dead-letters?state=",
      "/dead-letters?before=",
      "/dead-letters?limit=",
      "/audit?before=",
    ]) {
      const { status, answer } = await tested.ask(path + encodeURIComponent(value.toWellFormed()));
      assert.ok([200, 400, 404].includes(status), `${path}${value} ${JSON.stringify(answer)}`);
      if (path !== "/events?before=") {
        assert.deepEqual(answer.events ?? answer.deadLetters ?? [], [], path + value);
      }
    }
    for (const [path, body] of /** @type {[string, object][]} */ ([
      ["/dead-letters/redrive", { upTo: 9, type: value }],
      ["/dead-letters/redrive", { upTo: 9, reason: value, dryRun: true }],
      ["/dead-letters/prune", { upTo: 9, reason: value }],
      ["/dead-letters/prune", { upTo: 9, after: value }],
      ["/dead-letters/prune", { ids: [value] }],
      ["/dead-letters/prune", { ids: value }],
    ])) {
      const { status, answer } = await tested.post(path, body);
      assert.ok([200, 400].includes(status), `${path} ${JSON.stringify([body, answer])}`);
      assert.deepEqual(answer.redriven ?? answer.pruned ?? [], []);
    }
  }
  assert.deepEqual(await dump(), before);
});

test("when D1 fails, the answer is 503 and only the log has the error", async () => {
  await tested.env.DEAD.prepare("ALTER TABLE cronozen_dead_letters RENAME TO away").run();
  const lines = await silent(async () => {
    const { status, answer, text } = await tested.ask("/dead-letters");
    assert.deepEqual([status, answer.code], [503, "unavailable"]);
    assert.ok(!text.includes("no such table"));
  });
  await tested.env.DEAD.prepare("ALTER TABLE away RENAME TO cronozen_dead_letters").run();
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.outcome, "unavailable");
  assert.match(lines[0]?.reason, /no such table: cronozen_dead_letters/);
});

test("a batch of a queue of another name becomes dead letters, with the queue's name", async () => {
  assert.equal(await tested.bury("m-other", messageOf({ eventId: "evt_other" }), "my-events"), "acknowledged");
  const { answer } = await tested.ask("/dead-letters?eventId=evt_other");
  assert.equal(answer.deadLetters[0].queue, "my-events");
});
