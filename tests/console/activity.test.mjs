// Activity in the admin API, when its object works, is not bound, fails or hangs.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { silent } from "../support/log.mjs";
import { TestConsole } from "./console.mjs";

/** @type {TestConsole} */
let tested;
before(async () => {
  tested = await TestConsole.start();
});
after(() => tested.stop());

/** What the object was asked. @type {{ method: string, query: any }[]} */
let asked = [];
beforeEach(() => {
  asked = [];
});

/** Binds an object whose methods all do the same. @param {(method: string, query: any) => Promise<unknown>} answer */
function bind(answer) {
  const object = new Proxy(
    {},
    {
      get: (_, method) => (/** @type {unknown} */ query) => {
        asked.push({ method: String(method), query });
        return answer(String(method), query);
      },
    },
  );
  tested.env.ACTIVITY = { idFromName: () => "id", get: () => object };
}

test("without the binding, the routes say how to bind it, and the others do without", async () => {
  tested.env.ACTIVITY = undefined;
  for (const path of ["/activity", "/deliveries", "/losses"]) {
    const { status, answer } = await tested.ask(path);
    assert.deepEqual([status, answer.code], [404, "no_activity"], path);
  }
  assert.equal((await tested.ask("/status")).answer.activity, null);
  assert.equal((await tested.ask("/event?id=evt_1")).status, 404);
});

test("a summary has the last two days by hour, and the parameters choose another range", async () => {
  bind(async () => ({ by: "hour", boundsMs: [5], periods: [] }));
  assert.deepEqual((await tested.ask("/activity")).answer, { by: "hour", boundsMs: [5], periods: [] });
  await tested.ask("/activity?by=day&from=2026-11-01&to=2026-11-24");
  const [first, second] = asked.map(({ query }) => query);
  const hours = (Date.parse(first.to) - Date.parse(first.from)) / 3_600_000;
  assert.ok(first.by === "hour" && hours >= 48 && hours < 49.1, `${hours} hours`);
  assert.deepEqual(second, { by: "day", from: "2026-11-01T00:00:00.000Z", to: "2026-11-24T00:00:00.000Z" });
  for (const query of ["by=week", "from=yesterday", "limit=1"]) {
    assert.equal((await tested.ask(`/activity?${query}`)).status, 400, query);
  }
});

test("deliveries are filtered and paged by the object", async () => {
  bind(async () => ({ deliveries: [], next: 17 }));
  const filter = { outcome: "failed", code: "unavailable", type: "a.type", address: "192.0.2.1" };
  const { answer } = await tested.ask(`/deliveries?${new URLSearchParams({ ...filter, after: "3", limit: "10" })}`);
  assert.deepEqual(answer, { deliveries: [], next: 17 });
  assert.deepEqual(asked, [{ method: "deliveries", query: { ...filter, after: 3, limit: 10 } }]);
  for (const query of ["limit=201", "after=-1", "before=0", "outcome="]) {
    assert.equal((await tested.ask(`/deliveries?${query}`)).status, 400, query);
  }
});

test("an event that only the gateway knows is found by its deliveries", async () => {
  bind(async () => [{ position: 1, outcome: "accepted", eventId: "evt_queued" }]);
  const { status, answer } = await tested.ask("/event?id=evt_queued");
  assert.equal(status, 200);
  assert.deepEqual([answer.history, answer.deliveries.length], [[], 1]);
});

for (const [what, answer] of /** @type {[string, () => Promise<unknown>][]} */ ([
  ["fails", () => Promise.reject(new Error("object is down\n    at stack"))],
  ["hangs", () => new Promise(() => {})],
])) {
  test(`an object that ${what} is reported, and hides nothing else`, async () => {
    bind(answer);
    await silent(async () => {
      const { status, answer: shown } = await tested.ask("/status");
      assert.equal(status, 200);
      assert.equal(shown.deadLetters.letters, 0);
      assert.match(shown.activity.unavailable, /^Error: (object is down|Activity timed out after 5000 ms)$/);
      assert.equal((await tested.ask("/event?id=evt_1")).status, 404);
      assert.equal((await tested.ask("/activity")).status, 503);
    });
  });
}
