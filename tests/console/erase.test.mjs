// After an erasure, nothing holds the person's data, and the event still has no second effect.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { consume, d1, ignore } from "cronozen-edge/consumer";
import { StubActivity } from "../consumer/activity.mjs";
import { silent } from "../support/log.mjs";
import { messageOf, secret, storedMessageOf } from "../support/messages.mjs";
import { TestConsole } from "./console.mjs";

/** Only the person's data has it. */
const marked = "marked-4711";

/** @type {TestConsole} */
let tested;
before(async () => {
  tested = await TestConsole.start();
  await tested.ask("/events");
});
after(() => tested.stop());

/** @param {string} eventId @param {object} [more] */
function eventOf(eventId, more) {
  return { eventId, type: "payment.completed", data: { customer: marked, ...more } };
}

/** The number of effects. */
let effects = 0;

/** Has the consumer handle a message. @param {string} body @param {unknown} [failure] @param {() => void} [handler] */
async function handle(body, failure, handler) {
  /** @type {any[]} */
  const dead = [];
  const queue = consume(
    {
      "*":
        handler ??
        (() => {
          if (failure !== undefined) {
            throw failure;
          }
          effects += 1;
        }),
    },
    {
      once: d1((env) => env.DB),
      deadLetters: () => ({ send: async (/** @type {unknown} */ text) => dead.push(text) }),
      secrets: () => secret,
      bodies: (env) => env.BODIES,
    },
  );
  const message = { id: crypto.randomUUID(), timestamp: new Date(), body, attempts: 11, ack() {}, retry() {} };
  const lines = await silent(() => queue({ queue: "cronozen-events", messages: [message] }, tested.env));
  for (const text of dead) {
    assert.equal(await tested.bury(crypto.randomUUID(), text), "acknowledged");
  }
  return lines.map(({ outcome }) => outcome);
}

/** All that D1 and R2 hold, and all answers of the admin API, as one text. */
async function everything() {
  const texts = [];
  for (const db of [tested.env.DB, tested.env.DEAD]) {
    const { results: tables } = await db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'cronozen%'")
      .all();
    for (const { name } of tables) {
      texts.push(JSON.stringify((await db.prepare(`SELECT * FROM ${name}`).all()).results));
    }
  }
  const { objects } = await tested.env.BODIES.list();
  for (const { key } of objects) {
    texts.push(key, await (await tested.env.BODIES.get(key)).text());
  }
  const answers = ["/events", "/status", "/audit", "/dead-letters?state=all", "/event?id=evt_dead"];
  const { answer } = await tested.ask("/dead-letters?state=all");
  for (const path of [...answers, ...answer.deadLetters.map((/** @type {any} */ { id }) => `/dead-letters/${id}`)]) {
    texts.push((await tested.ask(path)).text);
  }
  return texts.join("\n");
}

/** @param {string} eventId */
async function erase(eventId) {
  const { status, answer } = await tested.post("/erase", { eventId });
  assert.equal(status, 200);
  return answer;
}

test("an event that was dead is erased, and a copy that comes late has no effect", async () => {
  const text = messageOf(eventOf("evt_dead"));
  assert.deepEqual(await handle(text, new Error(`no account for ${marked}`)), ["dead"]);
  assert.deepEqual(await handle(text, new Error("again")), ["dead"]);
  assert.ok((await everything()).includes(marked));
  assert.deepEqual(await erase("evt_dead"), { deadLetters: 2, bodies: 0, activityRecords: null, bodiesLeft: [] });
  assert.ok(!(await everything()).includes(marked));
  assert.deepEqual(await handle(text), ["duplicate"]);
  assert.equal(effects, 0);
  const { history } = (await tested.ask("/event?id=evt_dead")).answer;
  assert.deepEqual(
    history.map((/** @type {any} */ { outcome }) => outcome),
    ["erased"],
  );
  const [entry] = (await tested.ask("/audit")).answer.entries;
  assert.deepEqual([entry.actor, entry.action], ["ADMIN_TOKEN (token)", "erase"]);
  assert.deepEqual(
    [entry.details.eventId, entry.result],
    ["evt_dead", { deadLetters: 2, bodies: 0, activityRecords: null, bodiesLeft: [] }],
  );
});

test("a dead letter that comes after the erasure is not stored", async () => {
  assert.equal(await tested.bury("late", messageOf(eventOf("evt_dead"))), "acknowledged");
  assert.ok(!(await everything()).includes(marked));
  assert.deepEqual((await tested.ask("/dead-letters?eventId=evt_dead")).answer.deadLetters, []);
});

test("the body of a handled event is erased from R2, and its claim stays", async () => {
  const { message, body, key } = storedMessageOf(eventOf("evt_stored"));
  await tested.env.BODIES.put(key, body);
  assert.deepEqual(await handle(message), ["handled"]);
  assert.deepEqual(await erase("evt_stored"), { deadLetters: 0, bodies: 1, activityRecords: null, bodiesLeft: [] });
  assert.ok(!(await everything()).includes(marked));
  await tested.env.BODIES.put(key, body);
  assert.deepEqual(await handle(message), ["duplicate"]);
  assert.equal(effects, 1);
  const { history } = (await tested.ask("/event?id=evt_stored")).answer;
  assert.deepEqual(
    history.map((/** @type {any} */ { outcome }) => outcome),
    ["handled", "erased"],
  );
  await tested.env.BODIES.delete(key);
});

test("the body of a dead letter is erased from R2", async () => {
  const { message, body, key } = storedMessageOf(eventOf("evt_dead_stored"));
  await tested.env.BODIES.put(key, body);
  assert.deepEqual(await handle(message, new Error("no")), ["dead"]);
  assert.deepEqual(await erase("evt_dead_stored"), {
    deadLetters: 1,
    bodies: 1,
    activityRecords: null,
    bodiesLeft: [],
  });
  assert.ok(!(await everything()).includes(marked));
});

test("a forged dead letter that names the body of another event does not erase it", async () => {
  const { message, body, key } = storedMessageOf(eventOf("evt_other"));
  await tested.env.BODIES.put(key, body);
  await tested.bury("forged", message.replace("evt_other", "evt_forged"));
  assert.deepEqual(await erase("evt_forged"), { deadLetters: 1, bodies: 0, activityRecords: null, bodiesLeft: [] });
  assert.notEqual(await tested.env.BODIES.get(key), null);
  await tested.env.BODIES.delete(key);
});

test("an erasure that fails can be repeated, and the audit shows that it has no end", async () => {
  const { message, body, key } = storedMessageOf(eventOf("evt_again"));
  await tested.env.BODIES.put(key, body);
  await handle(message, new Error("no"));
  const { BODIES } = tested.env;
  tested.env.BODIES = {
    get: (/** @type {string} */ key) => BODIES.get(key),
    delete: async () => assert.fail("R2 is down"),
  };
  await silent(async () => assert.equal((await tested.post("/erase", { eventId: "evt_again" })).status, 503));
  tested.env.BODIES = BODIES;
  assert.equal((await tested.ask("/audit")).answer.entries[0].result, null);
  assert.deepEqual(await erase("evt_again"), { deadLetters: 1, bodies: 1, activityRecords: null, bodiesLeft: [] });
  assert.ok(!(await everything()).includes(marked));
});

test("an event that was never seen is claimed, so that it has no effect when it comes", async () => {
  assert.deepEqual(await erase("evt_new"), { deadLetters: 0, bodies: 0, activityRecords: null, bodiesLeft: [] });
  assert.deepEqual(await handle(messageOf(eventOf("evt_new"))), ["duplicate"]);
});

test("a dead letter that is stored while its event is erased is deleted by the one or the other", async () => {
  const text = messageOf(eventOf("evt_race"));
  const { DEAD, DB } = tested.env;
  /** @type {(value?: unknown) => void} */
  let goOn = () => {};
  const held = new Promise((resolve) => {
    goOn = resolve;
  });
  // The insertion is held back until the erasure is done.
  const late = {
    prepare: (/** @type {string} */ query) => DEAD.prepare(query),
    batch: async (/** @type {any[]} */ statements) => {
      await held;
      return DEAD.batch(statements);
    },
  };
  tested.env.DEAD = late;
  const stored = tested.bury("race", text);
  tested.env.DEAD = DEAD;
  await erase("evt_race");
  goOn();
  assert.equal(await stored, "acknowledged");
  assert.ok(!(await everything()).includes(marked));
  // If the ledger cannot say, the message is kept, and its dead letter, too.
  const fails = { prepare: () => assert.fail("ledger down"), batch: () => assert.fail("ledger down") };
  tested.env.DB = fails;
  assert.equal(await tested.bury("unsure", text), "retried");
  tested.env.DB = DB;
  assert.equal(await tested.bury("unsure", text), "acknowledged");
  assert.ok(!(await everything()).includes(marked));
});

test("the body of an event that is erased between two attempts is deleted by the second", async () => {
  const { message, body, key } = storedMessageOf(eventOf("evt_between"));
  await tested.env.BODIES.put(key, body);
  assert.deepEqual(await erase("evt_between"), { deadLetters: 0, bodies: 0, activityRecords: null, bodiesLeft: [] });
  assert.notEqual(await tested.env.BODIES.get(key), null);
  assert.deepEqual(await handle(message), ["duplicate"]);
  assert.ok(!(await everything()).includes(marked));
});

test("the body of an erased event is deleted by a message that is ignored, and by a dead letter that comes late", async () => {
  const { message, body, key } = storedMessageOf(eventOf("evt_ignored"));
  await erase("evt_ignored");
  await tested.env.BODIES.put(key, body);
  assert.deepEqual(await handle(message, undefined, ignore), ["ignored"]);
  assert.ok(!(await everything()).includes(marked));
  await tested.env.BODIES.put(key, body);
  assert.equal(await tested.bury("late-body", message), "acknowledged");
  assert.ok(!(await everything()).includes(marked));
});

test("without the bucket, dead letters are erased, and the answer names the bodies that are left", async () => {
  const { message, body, key } = storedMessageOf(eventOf("evt_no_bucket"));
  const { BODIES } = tested.env;
  await BODIES.put(key, body);
  await handle(message, new Error("no"));
  tested.env.BODIES = undefined;
  assert.deepEqual(await erase("evt_no_bucket"), {
    deadLetters: 1,
    bodies: 0,
    activityRecords: null,
    bodiesLeft: [key],
  });
  tested.env.BODIES = BODIES;
  await BODIES.delete(key);
  assert.ok(!(await everything()).includes(marked));
});

test("the audit keeps no reason, which may quote a person's data", async () => {
  await handle(messageOf(eventOf("evt_reason")), new Error(`no account for ${marked}`));
  const reason = `Error: no account for ${marked}`;
  for (const path of ["redrive", "prune"]) {
    const { answer } = await tested.post(`/dead-letters/${path}`, { reason, upTo: 1000 });
    assert.equal((answer.redriven ?? answer.pruned).length, path === "redrive" ? 1 : 0);
  }
  await erase("evt_reason");
  assert.ok(!(await everything()).includes(marked));
});

test("the gateway's records of an event are erased, and a failure leaves all of it for the next try", async () => {
  const { message, body, key } = storedMessageOf(eventOf("evt_recorded"));
  await tested.env.BODIES.put(key, body);
  await handle(message, new Error("no"));
  const activity = new StubActivity();
  for (const eventId of ["evt_recorded", "evt_other", "evt_recorded"]) {
    activity.accept(eventId, "2026-11-24T06:55:00.000Z");
  }
  const working = activity.erase;
  activity.erase = async () => assert.fail("the object is down");
  tested.env.ACTIVITY = activity.namespace;
  await silent(async () => assert.equal((await tested.post("/erase", { eventId: "evt_recorded" })).status, 503));
  assert.equal((await tested.ask("/audit")).answer.entries[0].result, null);
  activity.erase = () => new Promise(() => {});
  const started = performance.now();
  await silent(async () => assert.equal((await tested.post("/erase", { eventId: "evt_recorded" })).status, 503));
  assert.ok(performance.now() - started < 9000, "an object that hangs is given up after 5 s");
  activity.erase = working;
  const expected = { deadLetters: 1, bodies: 1, activityRecords: 2, bodiesLeft: [] };
  assert.deepEqual(await erase("evt_recorded"), expected);
  assert.deepEqual((await tested.ask("/audit")).answer.entries[0].result, expected);
  tested.env.ACTIVITY = undefined;
  assert.deepEqual(
    activity.events.map(({ eventId }) => eventId),
    ["evt_other"],
  );
  assert.ok(!(await everything()).includes(marked));
});

test("an event that is lost or tried again is erased from these tables, too", async () => {
  await Promise.all([tested.letters.ledger(tested.env), tested.letters.letters(tested.env)]);
  await tested.env.DEAD.prepare("INSERT INTO cronozen_missing VALUES ('evt_lost', ?, '2026', 1, NULL)")
    .bind(marked)
    .run();
  await tested.env.DB.prepare("INSERT INTO cronozen_retries VALUES ('evt_lost', '2026')").run();
  await erase("evt_lost");
  assert.ok(!(await everything()).includes(marked));
  assert.deepEqual((await tested.env.DB.prepare("SELECT * FROM cronozen_retries").all()).results, []);
});
