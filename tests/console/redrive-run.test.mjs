// The steps of a redrive or a prune in the console's page, over an admin API in memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, planOf, Run, statesOf } from "../../pkg/src/console/page/redrive-run.ts";

/** Answers as the admin API does, for open dead letters with these ids. */
class Api {
  /** Ids that were sent, in order. @type {number[]} */
  sent = [];
  /** The bodies of the steps. @type {any[]} */
  steps = [];
  /** @type {{ id: number, action: string, details: any, result: any }[]} */
  audit = [];
  /** Is called before and after a step. @type {(when: "before" | "after", step: number) => void} */
  disturb = () => {};
  /** Ids that the queue refuses. @type {number[]} */
  refused = [];
  /** The most requests at once. */
  atOnce = 0;
  #running = 0;

  /** @param {number} count */
  constructor(count) {
    this.open = new Set(Array.from({ length: count }, (_, index) => index + 1));
  }

  /** @param {string} path @param {{ body?: any }} [question] @returns {Promise<any>} */
  ask = async (path, { body } = {}) => {
    this.#running += 1;
    this.atOnce = Math.max(this.atOnce, this.#running);
    try {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return path.startsWith("audit") ? { entries: this.audit.toReversed() } : this.#change(path.split("/")[1], body);
    } finally {
      this.#running -= 1;
    }
  };

  /** @param {any} action @param {any} body */
  #change(action, { dryRun, ...body }) {
    const { ids, upTo = Number.MAX_SAFE_INTEGER, after = 0 } = body;
    const most = action === "redrive" ? 20 : 500;
    assert.ok(ids === undefined || ids.length <= most, "too many ids");
    const all = [...this.open].filter((id) => (ids === undefined ? id > after && id <= upTo : ids.includes(id)));
    if (dryRun) {
      const groups = [{ type: "a", reason: "b", letters: all.length }];
      return { letters: all.length, bytes: all.length * 10, upTo: Math.max(0, ...all), groups };
    }
    this.steps.push(body);
    const step = this.steps.length;
    this.disturb("before", step);
    const found = all.slice(0, most);
    const failed = found.filter((id) => this.refused.includes(id));
    const done = found.filter((id) => !failed.includes(id));
    this.sent.push(...done);
    for (const id of done) {
      this.open.delete(id);
    }
    const result = action === "redrive" ? { redriven: done, failed } : { pruned: done };
    this.audit.push({ id: this.audit.length + 1, action, details: { ...body, run: "…" }, result });
    this.disturb("after", step);
    const next = ids === undefined && found.length === most ? (found.at(-1) ?? null) : null;
    return action === "redrive"
      ? {
          redriven: done.map((id) => ({ id })),
          failed: failed.map((id) => ({ id, reason: "queue full" })),
          next,
          open: next === null ? failed.length : null,
        }
      : { pruned: done.map((id) => ({ id })), next };
  }
}

/** @param {Api} api @param {"redrive" | "prune"} action @param {import("../../pkg/src/console/page/redrive-run.ts").Part[]} parts */
async function runOf(api, action, parts = [{ state: "open" }]) {
  const plan = await planOf(api.ask, action, parts);
  return new Run(api.ask, action, plan.parts, () => {});
}

/** @param {number} to @param {string | null} [redrivenAt] */
const letters = (to, redrivenAt = null) => Array.from({ length: to }, (_, index) => ({ id: index + 1, redrivenAt }));

const upTo = (/** @type {number} */ last) => letters(last).map(({ id }) => id);

test("a redrive of all sends each open dead letter once, in steps up to the id of the preview", async () => {
  const api = new Api(45);
  const run = await runOf(api, "redrive");
  api.open.add(46);
  await run.start();
  assert.deepEqual(api.sent, upTo(45));
  assert.deepEqual(
    api.steps.map(({ after, upTo }) => [after, upTo]),
    [
      [0, 45],
      [20, 45],
      [40, 45],
    ],
  );
  assert.deepEqual([run.progress.phase, run.progress.done], ["done", 45]);
});

test("impatient clicks start one run, and a finished one does not start again", async () => {
  const api = new Api(45);
  const run = await runOf(api, "redrive");
  await Promise.all(Array.from({ length: 50 }, () => run.start()));
  await run.start();
  assert.deepEqual([api.sent.length, api.steps.length, api.atOnce], [45, 3, 1]);
});

test("ids are taken in chunks, each with the state that it was chosen in", async () => {
  const chosen = [...letters(45), ...letters(45), { id: 60, redrivenAt: "2026-11-24T06:55:00.000Z" }];
  const sizes = (/** @type {"redrive" | "prune"} */ action) =>
    partsOf(action, chosen).map((part) => [part.state, "ids" in part && part.ids.length]);
  assert.deepEqual(sizes("redrive"), [
    ["open", 20],
    ["open", 20],
    ["open", 5],
    ["redriven", 1],
  ]);
  assert.deepEqual(sizes("prune"), [
    ["open", 45],
    ["redriven", 1],
  ]);
  const api = new Api(50);
  await (await runOf(api, "redrive", partsOf("redrive", letters(45)))).start();
  assert.deepEqual(api.sent, upTo(45));
});

test("a preview is the sum of its parts, and sends nothing", async () => {
  const api = new Api(50);
  const plan = await planOf(api.ask, "redrive", partsOf("redrive", letters(45)));
  assert.deepEqual([plan.letters, plan.bytes, plan.open], [45, 450, 45]);
  assert.deepEqual(plan.groups, [{ type: "a", reason: "b", letters: 45 }]);
  assert.deepEqual(api.sent, []);
});

test("a stop ends the run after its step, and it goes on from there", async () => {
  const api = new Api(45);
  const run = await runOf(api, "redrive");
  api.disturb = (when, step) => when === "after" && step === 1 && run.stop();
  await run.start();
  assert.deepEqual([run.progress.phase, run.progress.done, api.sent.length], ["stopped", 20, 20]);
  await run.start();
  assert.deepEqual([run.progress.phase, run.progress.done], ["done", 45]);
  assert.deepEqual(api.sent, upTo(45));
});

test("after an error the run goes on from the same place", async () => {
  for (const parts of [undefined, partsOf("redrive", letters(45))]) {
    const api = new Api(45);
    const run = await runOf(api, "redrive", parts);
    api.disturb = (when, step) => {
      if (when === "before" && step === 2) {
        throw new Error("503");
      }
    };
    await run.start();
    assert.deepEqual([run.progress.phase, String(run.progress.error), run.progress.done], ["paused", "Error: 503", 20]);
    await run.start();
    assert.deepEqual([run.progress.phase, run.progress.error, run.progress.done], ["done", undefined, 45]);
    assert.deepEqual(api.sent, upTo(45));
    assert.deepEqual(api.steps[2], api.steps[1], "the same step again");
  }
});

test("a step whose answer is lost is counted, and not sent again", async () => {
  for (const action of /** @type {const} */ (["redrive", "prune"])) {
    for (const parts of [undefined, partsOf(action, letters(45))]) {
      const api = new Api(45);
      api.refused = [3];
      const run = await runOf(api, action, parts);
      api.disturb = (when, step) => {
        if (when === "after" && step === 1) {
          throw new Error("timeout");
        }
      };
      await run.start();
      assert.deepEqual([run.progress.phase, run.progress.done], ["paused", 0]);
      await run.start();
      assert.deepEqual([run.progress.phase, run.progress.done], ["done", 44]);
      assert.deepEqual(
        api.sent,
        upTo(45).filter((id) => id !== 3),
      );
    }
  }
});

test("a redriven dead letter whose answer is lost is not sent a second time", async () => {
  const api = new Api(5);
  // The API would take it again: one that was redriven stays so.
  api.open.delete = () => false;
  const run = await runOf(api, "redrive", partsOf("redrive", letters(5, "2026-11-24T06:55:00.000Z")));
  api.disturb = (when) => {
    if (when === "after") {
      throw new Error("timeout");
    }
  };
  await run.start();
  await run.start();
  assert.deepEqual([run.progress.phase, run.progress.done, api.sent], ["done", 5, upTo(5)]);
});

test("a step that still runs after a time-out is counted in the end", async () => {
  const api = new Api(45);
  const run = await runOf(api, "redrive");
  api.disturb = (when, step) => {
    const [first] = api.audit;
    if (first !== undefined && when === "after" && step === 1) {
      first.result = null;
      throw new Error("timeout");
    }
    if (first !== undefined && when === "after" && step === 2) {
      first.result = { redriven: upTo(20), failed: [] };
    }
  };
  await run.start();
  await run.start();
  assert.deepEqual([run.progress.phase, run.progress.done], ["done", 45]);
});

test("those that the queue refuses are counted by reason, and stay open", async () => {
  const api = new Api(45);
  api.refused = [44, 45];
  const run = await runOf(api, "redrive");
  await run.start();
  const { phase, done, refused, open } = run.progress;
  assert.deepEqual([phase, done, [...refused], open], ["done", 43, [["queue full", 2]], 2]);
});

test("nothing is sent while the audit cannot be read", async () => {
  const api = new Api(5);
  const run = new Run(
    (path, question) => (path.startsWith("audit") ? Promise.reject(new Error("503")) : api.ask(path, question)),
    "redrive",
    [{ state: "open", upTo: 5 }],
    () => {},
  );
  await run.start();
  assert.deepEqual([run.progress.phase, api.sent], ["paused", []]);
});

test("a run names the ids that it has redriven, without those that the queue refused", async () => {
  const api = new Api(25);
  api.refused = [3];
  const run = await runOf(api, "redrive");
  await run.start();
  assert.deepEqual(
    run.progress.ids,
    upTo(25).filter((id) => id !== 3),
  );
});

test("only the dead letters of a run are counted by their state", () => {
  const states = statesOf(
    [1, 2, 3],
    [
      { id: 1, state: "handled" },
      { id: 2, state: "failed_again" },
      { id: 3, state: "handled" },
      { id: 4, state: "failed_again" },
    ],
  );
  assert.deepEqual(Object.fromEntries(states), { handled: 2, failed_again: 1 });
});
