// The checks of the soak, with made-up results: each can fail, and no attempt explains its own failure.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { checksOf, consolePaths } from "./checks.mjs";
import { Faults } from "./faults.mjs";
import { Random } from "./random.mjs";
import { knownAnswers, knownReasons } from "./reference.mjs";
import { Sender } from "./sender.mjs";

/** @typedef {import("./checks.mjs").Results} Results */

const known = { answers: knownAnswers(), reasons: knownReasons() };

const failed = {
  ray: "soak-1",
  kind: "good, small",
  status: 503,
  code: "unavailable",
  ms: 40,
  reason: "instance trapped",
  isExplained: true,
  windows: ["trap: unreachable"],
};
const fit = { name: "gateway", start: 4, end: 5, slope: 0.1, growth: 1, mostGrowth: 5 };

/** The results of a run without a fault. @type {Results} */
const right = {
  violations: [],
  slowestPulseMs: 12,
  answers: new Set(["202 accepted", "200 duplicate", "401 invalid_signature", "503 unavailable"]),
  failed: [failed],
  missingLines: [],
  accepted: new Set(["evt_1", "evt_2"]),
  effects: new Map([
    ["evt_1", 1],
    ["evt_2", 1],
  ]),
  isDrained: true,
  redriven: 1,
  isRedriveDone: true,
  losses: { lost: 0, waiting: 0, notKept: 0, checkedTo: "2026-11-30T00:00:00.000Z" },
  isActivityCurrent: true,
  opened: new Set(["dead_letter", "failing"]),
  closed: new Set(["dead_letter", "failing"]),
  messages: ["opened dead_letter", "opened failing", "closed failing", "closed dead_letter"],
  console: { ...Object.fromEntries(consolePaths.map((path) => [`${path} 200`, 6])), "status 503": 1 },
  memory: { isJudged: true, fits: [fit], wasm: [1.5] },
};

/** Wrong results, by the check that must find them. @type {Record<string, Partial<Results>[]>} */
const wrong = {
  "each request kept its promise, and was answered in time": [{ violations: ["a connection hung"] }],
  "each answer is in the table of docs/reference.md": [
    { answers: new Set(["202 accepted", "418 teapot"]) },
    { failed: [{ ...failed, code: "" }] },
  ],
  "each answer has its line in the log": [{ missingLines: [["soak-1", "accepted"]] }],
  "each 5xx has a known reason, and a fault that explains it": [
    { failed: [{ ...failed, reason: undefined }] },
    { failed: [{ ...failed, reason: "out of order" }] },
    { failed: [{ ...failed, isExplained: false }] },
  ],
  "each accepted event was handled once": [
    { isDrained: false },
    { isRedriveDone: false },
    { effects: new Map([["evt_1", 1]]) },
    { effects: new Map([...right.effects, ["evt_2", 2]]) },
    { effects: new Map([...right.effects, ["forged_1", 1]]) },
  ],
  "the look for losses finds none": [
    { losses: { ...right.losses, lost: 1 } },
    { losses: { ...right.losses, waiting: 1 } },
    { losses: { ...right.losses, checkedTo: null } },
  ],
  "the faults' incidents opened and closed, each with its messages": [
    { isActivityCurrent: false },
    { opened: new Set(["failing"]) },
    { closed: new Set(["failing"]) },
    { messages: right.messages.slice(1) },
  ],
  "the console answered": [
    { console: { ...right.console, "status 500": 1 } },
    { console: Object.fromEntries(consolePaths.slice(1).map((path) => [`${path} 200`, 6])) },
  ],
  "memory is flat": [{ memory: { ...right.memory, fits: [{ ...fit, growth: 5.1 }] } }],
};

/** The names of the checks that fail. @param {Results} results */
function failures(results) {
  return checksOf(results, known).flatMap(({ name, isRight, detail }) => {
    assert.ok(isRight || detail !== "", `${name} names nothing`);
    return isRight ? [] : [name];
  });
}

test("right results pass each check", () => {
  assert.deepEqual(failures(right), []);
  assert.deepEqual(
    checksOf(right, known).map(({ name }) => name),
    Object.keys(wrong),
  );
});

test("each check fails for each of its wrong results, and the others pass", () => {
  for (const [name, list] of Object.entries(wrong)) {
    for (const results of list) {
      assert.deepEqual(failures({ ...right, ...results }), [name], JSON.stringify(results));
    }
  }
});

test("a run that is too short to judge the memory says so", () => {
  const memory = { ...right.memory, isJudged: false, fits: [{ ...fit, growth: 99 }] };
  const last = checksOf({ ...right, memory }, known).at(-1);
  assert.deepEqual([last?.isSkipped, last?.isRight], [true, true]);
});

test("a late send explains the 503 of the event's next attempt, and not its own", async (context) => {
  const faults = new Faults(new Random(1));
  const statuses = [503, 503, 202];
  const server = createServer(async (request, response) => {
    await request.resume().toArray();
    response.statusCode = request.url === "/healthz" ? 500 : (statuses.shift() ?? assert.fail());
    // The first attempt alone has a fault.
    faults.operations = undefined;
    response.end("{}");
  });
  context.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const sender = new Sender(new URL(`http://127.0.0.1:${port}`), faults, new Random(1));
  faults.operations = { send: "after 4000 ms" };
  await sender.sendOne();
  const reason = "deduper granted no lease";
  assert.deepEqual(
    sender.failed.map((attempt) => faults.explain(reason, attempt, attempt.lateSendAt)),
    [false, true],
  );
  assert.deepEqual(sender.violations, []);
  await sender.pulse();
  assert.match(sender.violations.join(), /^health check: 500/);
});
