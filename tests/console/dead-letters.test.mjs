// Dead letters through the admin API: their limit, their states, and what a step takes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deadLetters } from "cronozen-edge/consumer";
import { silent } from "../support/log.mjs";
import { messageOf } from "../support/messages.mjs";
import { TestConsole } from "./console.mjs";

/** @type {TestConsole} */
let tested;
before(async () => {
  tested = await TestConsole.start();
  // Has the tables made.
  await tested.ask("/events");
});
after(() => tested.stop());

test("dead letters over the limit wait on their queue, and the log has the alarm long before", async () => {
  const full = deadLetters({
    queue: () => undefined,
    events: () => undefined,
    ledger: (env) => env.DB,
    database: (env) => env.DEAD,
    maxBytes: (await tested.ask("/status")).answer.deadLetters.bytes + 1000,
  });
  /** @type {string[]} */
  const results = [];
  const messages = Array.from({ length: 4 }, (_, number) => ({
    id: `full-${number}`,
    timestamp: new Date(),
    body: "x".repeat(600),
    attempts: 1,
    ack: () => void results.push("stored"),
    retry: () => void results.push("retried"),
  }));
  const lines = await silent(() => full.store({ queue: "cronozen-events-dead", messages }, tested.env));
  assert.deepEqual(results, ["stored", "stored", "retried", "retried"]);
  assert.deepEqual(
    lines.map(({ outcome }) => outcome),
    ["dead_letter_stored", "dead_letters_filling", "dead_letter_stored", "dead_letters_filling"].concat(
      Array(2).fill("dead_letter_not_stored"),
    ),
  );
  assert.match(lines.at(-1)?.error, /dead letters full: they have \d+ bytes \(prune some, or raise maxBytes\)/);
  await tested.post("/dead-letters/prune", { ids: [(await tested.ask("/dead-letters")).answer.deadLetters[0].id] });
  await silent(() => full.store({ queue: "cronozen-events-dead", messages: messages.slice(2, 3) }, tested.env));
  assert.equal(results.at(-1), "stored", "after a prune there is room");
});

/** Adds dead letters as if stored at these seconds. @param {string} name @param {...number} seconds */
async function buryAt(name, ...seconds) {
  for (const [number, second] of seconds.entries()) {
    await tested.bury(`${name}-${number}`, messageOf({ eventId: `evt_${name}`, type: `type.${name}` }));
    const at = new Date(Date.UTC(2026, 9, 1, 0, 0, second)).toISOString();
    await tested.env.DEAD.prepare("UPDATE cronozen_dead_letters SET stored_at = ? WHERE message_id = ?")
      .bind(at, `${name}-${number}`)
      .run();
  }
  const { answer } = await tested.ask(`/dead-letters?eventId=evt_${name}`);
  return answer.deadLetters.map((/** @type {any} */ { id }) => id).reverse();
}

test("the pages of events have each dead letter once, also if ids and times are in another order", async () => {
  await buryAt("order", 1, 3, 2, 4);
  for (const limit of [1, 2, 3]) {
    const times = [];
    for (let next = ""; next !== null; ) {
      const before = next === "" ? "" : `&before=${encodeURIComponent(next)}`;
      const { answer } = await tested.ask(`/events?type=type.order&limit=${limit}${before}`);
      times.push(...answer.events.map((/** @type {any} */ { at }) => Number(at.slice(17, 19))));
      next = answer.next;
    }
    assert.deepEqual(times, [4, 3, 2, 1]);
  }
});

test("a redriven event that is handled or ignored while its step still sends is reported so", async () => {
  const [id = 0] = await buryAt("slow", 1);
  const { EVENTS } = tested.env;
  tested.env.EVENTS = {
    send: async () => {
      await tested.env.DB.prepare(
        "INSERT INTO cronozen_ignored (event_id, type, ignored_at, attempts) VALUES ('evt_slow', 'type.slow', ?, 1)",
      )
        .bind(new Date().toISOString())
        .run();
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
  await silent(() => tested.post("/dead-letters/redrive", { ids: [id] }));
  tested.env.EVENTS = EVENTS;
  assert.equal((await tested.ask(`/dead-letters/${id}`)).answer.state, "ignored");
  const { history } = (await tested.ask("/event?id=evt_slow")).answer;
  assert.deepEqual(
    history.map((/** @type {any} */ { outcome }) => outcome),
    ["dead", "redriven", "ignored"],
  );
});

test("a dead letter is failed_again only if the newer one was stored after the redrive", async () => {
  const [older = 0, newer = 0] = await buryAt("again", 1, 2);
  await silent(() => tested.post("/dead-letters/redrive", { ids: [older] }));
  const state = async () => (await tested.ask(`/dead-letters/${older}`)).answer.state;
  assert.equal(await state(), "redriven");
  await tested.bury("again-2", messageOf({ eventId: "evt_again", type: "type.again" }));
  assert.equal(await state(), "failed_again");
  assert.equal((await tested.ask(`/dead-letters/${newer}`)).answer.state, "open");
});

test("a prune of redriven dead letters leaves those whose event may be on its way", async () => {
  const [way = 0, done = 0] = [...(await buryAt("way", 1)), ...(await buryAt("done", 1))];
  await silent(() => tested.post("/dead-letters/redrive", { ids: [way, done] }));
  await tested.env.DB.prepare(
    "INSERT INTO cronozen_events (event_id, handled_at, outcome) VALUES ('evt_done', ?, 'handled')",
  )
    .bind(new Date().toISOString())
    .run();
  for (const [type, pruned] of /** @type {const} */ ([
    ["type.way", []],
    ["type.done", [done]],
  ])) {
    const { answer } = await tested.post("/dead-letters/prune", { state: "redriven", type, upTo: 1_000_000 });
    assert.deepEqual(
      answer.pruned.map((/** @type {any} */ { id }) => id),
      pruned,
    );
    const [{ result }] = (await tested.ask("/audit")).answer.entries;
    assert.deepEqual(result, { pruned });
  }
  assert.equal((await tested.post("/dead-letters/prune", { ids: [way] })).answer.pruned.length, 1, "by its id");
});

test("the dead letters of a time are listed, redriven and pruned alone, and a preview goes on after an id", async () => {
  const [first = 0, second = 0, third = 0] = await buryAt("day", 1, 2, 3);
  const [from, to] = ["2026-10-01T00:00:02Z", "2026-10-01T00:00:03Z"];
  const type = "type.day";
  const { answer } = await tested.ask(`/dead-letters?type=${type}&from=${from}&to=${to}`);
  assert.deepEqual(
    answer.deadLetters.map((/** @type {any} */ { id }) => id),
    [second],
  );
  const preview = async (/** @type {object} */ selection) =>
    (await tested.post("/dead-letters/redrive", { dryRun: true, type, ...selection })).answer;
  assert.deepEqual([(await preview({ from, to })).letters, (await preview({ from, to })).upTo], [1, second]);
  assert.deepEqual([(await preview({ after: first })).letters, (await preview({})).letters], [2, 3]);
  const taken = async (/** @type {string} */ path, /** @type {object} */ selection) => {
    const { answer } = await tested.post(`/dead-letters/${path}`, { type, upTo: 1_000_000, ...selection });
    return (answer.redriven ?? answer.pruned).map((/** @type {any} */ { id }) => id);
  };
  await silent(async () => assert.deepEqual(await taken("redrive", { from, to }), [second]));
  assert.deepEqual(await taken("prune", { from: to }), [third]);
  assert.deepEqual(await taken("prune", { to: from }), [first]);
});

test("ids with a state leave out those that somebody else has redriven meanwhile", async () => {
  const [open = 0, other = 0] = await buryAt("both", 1, 2);
  await silent(() => tested.post("/dead-letters/redrive", { ids: [other] }));
  const sent = tested.sent.length;
  const chosen = { ids: [open, other], state: "open" };
  assert.equal((await tested.post("/dead-letters/prune", { ...chosen, dryRun: true })).answer.letters, 1);
  const lines = await silent(() => tested.post("/dead-letters/redrive", chosen));
  assert.deepEqual(
    lines.map(({ id }) => id),
    [open],
  );
  assert.equal(tested.sent.length, sent + 1);
  assert.deepEqual((await tested.post("/dead-letters/prune", chosen)).answer.pruned, []);
  const redriven = { ids: [open, other], state: "redriven" };
  assert.equal((await tested.post("/dead-letters/prune", redriven)).answer.pruned.length, 2);
});

test("more ids than a step takes are refused, also without the API", async () => {
  const ids = Array.from({ length: 501 }, (_, number) => number + 1);
  await assert.rejects(tested.letters.redrive(tested.env, { ids: ids.slice(0, 21) }, "a test"), RangeError);
  await assert.rejects(tested.letters.prune(tested.env, { ids }, "a test"), RangeError);
  assert.equal((await tested.post("/dead-letters/prune", { ids })).status, 400);
});
