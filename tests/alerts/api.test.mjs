// The routes of the admin API for incidents, on D1.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { alerts } from "cronozen-edge/alerts";
import { TestConsole } from "../console/console.mjs";
import { silent } from "../support/log.mjs";
import { messageOf } from "../support/messages.mjs";

/** @type {TestConsole} */
let tested;
/** @type {(env: any) => Promise<unknown>} */
let run;
/** @type {any[]} */
const messages = [];
let fails = false;

before(async () => {
  tested = await TestConsole.start();
  const sink = {
    name: "test",
    send: async (/** @type {any} */ message) => {
      if (fails) {
        throw new Error("refused");
      }
      messages.push(message);
    },
  };
  const scheduled = alerts({
    deadLetters: tested.letters,
    sinks: () => [sink],
    rules: { ledger_full: { maxBytes: 1 } },
  });
  run = () => silent(() => scheduled({}, tested.env));
});
after(() => tested.stop());

test("without a run, the status says so", async () => {
  const { answer } = await tested.ask("/status");
  assert.deepEqual(answer.alerts, { open: 0, ranAt: null, notWatched: [], problems: [], failing: [] });
  assert.deepEqual((await tested.ask("/incidents")).answer, { incidents: [], next: null });
});

test("incidents are listed by state, the newest first, in pages", async () => {
  await tested.bury("m1", messageOf({ eventId: "evt_1", type: "a.type" }));
  await run(tested.env);
  assert.deepEqual(
    messages.map(({ rule }) => rule),
    ["dead_letter", "ledger_full"],
  );
  const { answer } = await tested.ask("/incidents");
  const [ledger, letter] = answer.incidents;
  assert.deepEqual([ledger.rule, ledger.id, letter.id, answer.next], ["ledger_full", 2, 1, null]);
  const { openedAt, ...incident } = letter;
  assert.ok(Math.abs(Date.parse(openedAt) - Date.now()) < 60_000);
  assert.deepEqual(incident, {
    id: 1,
    rule: "dead_letter",
    title: "Events could not be handled: dead letters are open",
    text: "1 dead letter is open. Look at the reason, cure its cause, then redrive them.",
    details: [
      { name: "event", value: "evt_1" },
      { name: "type", value: "a.type" },
      { name: "reason", value: "the queue itself has given up" },
    ],
    seenAt: openedAt,
    closedAt: null,
    messageAt: openedAt,
    messages: 1,
    mutedUntil: null,
    mutedBy: null,
  });
  const first = (await tested.ask("/incidents?limit=1&state=open")).answer;
  assert.deepEqual([first.incidents[0].id, first.next], [2, 2]);
  const second = (await tested.ask("/incidents?limit=1&state=open&before=2")).answer;
  assert.deepEqual([second.incidents[0].id, second.next], [1, null]);
  assert.deepEqual((await tested.ask("/incidents?state=closed")).answer.incidents, []);
});

test("an incident is shown with the state of its sinks", async () => {
  const { answer } = await tested.ask("/incidents/1");
  assert.equal(answer.rule, "dead_letter");
  const [{ dueAt, sentAt, ...state }] = answer.sinks;
  assert.ok(dueAt <= sentAt);
  assert.deepEqual(state, { sink: "test", kind: "opened", attempts: 1, failedAt: null, reason: null });
  assert.equal((await tested.ask("/incidents/99")).status, 404);
});

test("a mute is recorded with its actor, in the audit, too", async () => {
  const until = new Date(Date.now() + 86_400_000).toISOString();
  const { status, answer } = await tested.post("/incidents/mute", { id: 1, until });
  assert.deepEqual([status, answer.mutedUntil, answer.mutedBy], [200, until, "ADMIN_TOKEN (token)"]);
  const [entry] = (await tested.ask("/audit?limit=1")).answer.entries;
  assert.deepEqual(
    [entry.action, entry.actor, entry.details, entry.result],
    ["mute", "ADMIN_TOKEN (token)", { id: 1, until }, { muted: [1] }],
  );
});

test("an invalid mute is refused, and changes nothing", async () => {
  const soon = new Date(Date.now() + 60_000).toISOString();
  const late = new Date(Date.now() + 31 * 86_400_000).toISOString();
  const entries = (await tested.ask("/audit?limit=200")).answer.entries.length;
  for (const [body, status] of /** @type {[object, number][]} */ ([
    [{ id: 1 }, 400],
    [{ until: soon }, 400],
    [{ id: 1, until: "tomorrow" }, 400],
    [{ id: 1, until: late }, 400],
    [{ id: 1, until: soon, more: 1 }, 400],
    [{ id: 0, until: soon }, 400],
    [{ id: 99, until: soon }, 404],
  ])) {
    assert.equal((await tested.post("/incidents/mute", body)).status, status, JSON.stringify(body));
  }
  assert.equal((await tested.ask("/incidents/mute")).status, 405);
  assert.equal((await tested.ask("/incidents/1", { method: "POST", body: {} })).status, 405);
  assert.equal((await tested.ask("/events/1")).status, 404, "other lists have no such path");
  assert.equal((await tested.ask("/incidents/ID")).status, 404);
  assert.equal((await tested.ask("/audit?limit=200")).answer.entries.length, entries);
});

test("the status has the open incidents, the failing sinks and what is not watched", async () => {
  fails = true;
  await tested.env.DEAD.prepare("UPDATE cronozen_incident_messages SET sent_at = NULL WHERE incident = 2").run();
  await run(tested.env);
  const { ranAt, ...status } = (await tested.ask("/status")).answer.alerts;
  assert.ok(Math.abs(Date.parse(ranAt) - Date.now()) < 60_000);
  const [{ failedAt, ...sink }] = status.failing;
  assert.ok(Math.abs(Date.parse(failedAt) - Date.now()) < 60_000);
  assert.deepEqual(sink, { sink: "test", messages: 1, reason: "Error: refused" });
  assert.deepEqual(status.notWatched, ["signatures", "failing", "misconfigured", "loss"]);
  assert.deepEqual([status.open, status.problems], [2, []]);
});

test("a closed incident cannot be muted, and nothing is recorded", async () => {
  await tested.env.DEAD.prepare("UPDATE cronozen_incidents SET closed_at = opened_at WHERE id = 2").run();
  const entries = async () => (await tested.ask("/audit?limit=200")).answer.entries.length;
  const before = await entries();
  const { status } = await tested.post("/incidents/mute", {
    id: 2,
    until: new Date(Date.now() + 60_000).toISOString(),
  });
  assert.equal(status, 404);
  assert.equal(await entries(), before);
});
