// The verdict of the console's overview.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boundOf, deliveriesOf, slotsOf } from "../../pkg/src/console/page/counts.ts";
import { verdictOf } from "../../pkg/src/console/page/verdict.ts";

const now = Date.parse("2026-11-24T06:55:30.000Z");
const boundsMs = [5, 10, 25];

/** A time so many minutes ago. @param {number} minutes */
const ago = (minutes) => new Date(now - minutes * 60_000).toISOString();

/**
 * A minute's counts.
 * @param {number} minutes
 * @param {Record<string, number>} codes
 */
const minute = (minutes, codes, mismatches = 0) => ({
  at: `${ago(minutes).slice(0, 16)}:00.000Z`,
  codes,
  others: {},
  types: {},
  mismatches,
  ms: [],
  lost: 0,
});

/** @param {Record<string, unknown>} changes */
const gateway = (changes = {}) => ({
  deployment: "9b1c",
  tag: null,
  firstAt: ago(600),
  lastAt: ago(1),
  health: { status: "ok" },
  keys: { 0: { deliveries: 9, lastAt: ago(1) } },
  ...changes,
});

/** @param {string} rule */
const incident = (rule) => ({
  id: 7,
  rule,
  title: `title of ${rule}`,
  text: `text of ${rule}`,
  details: [],
  openedAt: ago(20),
  seenAt: ago(1),
  closedAt: null,
  messageAt: ago(20),
  messages: 1,
  mutedUntil: null,
  mutedBy: null,
});

const activity = {
  gateways: [gateway()],
  received: 9,
  lost: 0,
  rowsToday: 9,
  rowBudget: 50_000,
  records: 9,
  bytes: 9,
};

const alerts = { open: 0, ranAt: ago(2), notWatched: [], problems: [], failing: [] };

/**
 * Judges a state in which all is well but for these.
 * @param {{
 *   letters?: object, alerts?: object, activity?: object | null, backlog?: object, periods?: object[] | null,
 *   rules?: string[], lost?: number, unread?: string[], isLocal?: boolean,
 * }} state
 * @returns {ReturnType<typeof verdictOf>}
 */
function judge(state) {
  const { periods = [minute(1, { accepted: 5 })], rules = [], lost = 0, unread = [], isLocal = false } = state;
  /** @type {any} */
  const known = {
    status: {
      deadLetters: { letters: 0, open: 0, bytes: 0, maxBytes: 1, ...state.letters },
      alerts: { ...alerts, ...state.alerts },
      activity:
        state.activity === null || Object.hasOwn(state.activity ?? {}, "unavailable")
          ? state.activity
          : { ...activity, ...state.activity },
      backlog: state.backlog ?? { events: null, dead: null },
    },
    minutes: periods === null ? undefined : { by: "minute", boundsMs, periods },
    incidents: rules.map(incident),
    losses: { lost, waiting: 0, events: [], checkedTo: ago(60), notKept: 0, more: false },
    unread,
    now,
    isLocal,
  };
  return verdictOf(known);
}

/**
 * Asserts the verdict, its tone and the words in its sentence.
 * @param {Parameters<typeof judge>[0]} state
 * @param {string} name
 * @param {string} tone
 * @param {RegExp} words
 */
function assertVerdict(state, name, tone, words) {
  const verdict = judge(state);
  assert.deepEqual([verdict.name, verdict.tone], [name, tone], verdict.title);
  assert.match(`${verdict.title}. ${verdict.text} ${JSON.stringify(verdict.links)}`, words);
  return verdict;
}

const never = { gateways: [gateway({ keys: {} })] };

test("all is well if nothing is wrong", () => {
  const verdict = assertVerdict({}, "well", "good", /All is well\. 5 events were accepted in the last hour/);
  assert.deepEqual(verdict.others, []);
  assert.equal(judge({ periods: [] }).at, ago(1));
});

test("no delivery at all is a beginning, not a failure", () => {
  assertVerdict({ activity: { gateways: [] }, periods: [] }, "nothing_arrived", "quiet", /Send a sample/);
  // A scanner's request has written a line.
  assertVerdict({ activity: never, periods: [minute(3, { invalid_signature: 1 })] }, "nothing_arrived", "quiet", /yet/);
});

test("a sender that was there is silent after a day", () => {
  const old = { gateways: [gateway({ keys: { 0: { deliveries: 1, lastAt: ago(1441) } } })] };
  assert.equal(assertVerdict({ activity: old, periods: [] }, "quiet", "quiet", /silent/).at, ago(1441));
  assert.equal(
    judge({ activity: { gateways: [gateway({ keys: { 0: { deliveries: 1, lastAt: ago(1439) } } })] } }).name,
    "well",
  );
  assertVerdict({ rules: ["quiet"] }, "quiet", "warn", /title of quiet/);
  assertVerdict({ activity: never, periods: [], letters: { letters: 1 } }, "quiet", "quiet", /silent/);
});

test("wrong signatures and nothing accepted since mean a wrong secret", () => {
  const wrong = [minute(9, { accepted: 1 }), minute(5, {}, 1), minute(3, {}, 2)];
  assertVerdict(
    { periods: wrong },
    "signatures",
    "bad",
    /secret may be wrong.*3 deliveries.*invalid_signature.*diagnose/,
  );
  assertVerdict({ periods: [minute(5, {}, 9)] }, "forged", "quiet", /too few/);
  assertVerdict({ rules: ["signatures"] }, "signatures", "bad", /title of signatures/);
  const first = assertVerdict({ activity: never, periods: [minute(1, {}, 1)] }, "signatures", "bad", /1 delivery/);
  assert.deepEqual(first.others, []);
  const old = { gateways: [gateway({ keys: { 0: { deliveries: 1, lastAt: ago(2000) } } })] };
  // It is not silent, too.
  assert.deepEqual(judge({ activity: old, periods: wrong.slice(1) }).others, []);
});

test("forged deliveries beside true ones do not alarm", () => {
  const periods = [minute(9, {}, 40), minute(5, { accepted: 1 }, 40), minute(2, {}, 1)];
  assertVerdict({ periods }, "forged", "good", /All is well.*81 deliveries.*secret is right/);
});

test("answers of 5xx are a failure, and a few of them a warning", () => {
  assertVerdict(
    { periods: [minute(2, { unavailable: 5, accepted: 5 })] },
    "failing",
    "bad",
    /fails\. 5 deliveries.*of 10/,
  );
  assertVerdict({ periods: [minute(2, { unavailable: 4, accepted: 5 })] }, "failing", "warn", /could not take some/);
  assertVerdict({ periods: [minute(2, { unavailable: 5, accepted: 995 })] }, "failing", "warn", /5 deliveries/);
  assertVerdict(
    { periods: [minute(20, { unavailable: 5, accepted: 5 })] },
    "well",
    "good",
    /5 deliveries were answered 5xx/,
  );
  assertVerdict({ rules: ["failing"], periods: [] }, "failing", "bad", /title of failing.*"outcome":"failed"/);
});

test("a misconfigured gateway is named with its setting", () => {
  const problems = [{ name: "DEDUPE", expected: "kv or durable-object", found: "a different string" }];
  const broken = { gateways: [gateway({ health: { problems } })] };
  const periods = [minute(1, { misconfigured: 9 })];
  const verdict = assertVerdict(
    { activity: broken, periods },
    "misconfigured",
    "bad",
    /DEDUPE: expected kv or durable-object/,
  );
  assert.deepEqual([verdict.at, verdict.others], [ago(1), []]);
  assertVerdict({ periods }, "misconfigured", "bad", /healthz/);
  assertVerdict({ rules: ["misconfigured"] }, "misconfigured", "bad", /text of misconfigured/);
});

test("open dead letters and lost events are failures of the consumer", () => {
  assertVerdict({ letters: { open: 1 } }, "dead_letter", "bad", /1 dead letter is open/);
  assertVerdict(
    { letters: { open: 2 }, rules: ["dead_letter"] },
    "dead_letter",
    "bad",
    /title of dead_letter\. 2 dead/,
  );
  // The incident closes at the alerts' next run.
  assertVerdict({ rules: ["dead_letter"] }, "well", "good", /All is well/);
  assertVerdict({ lost: 2 }, "loss", "bad", /2 events were accepted, and then found neither.*#lost/);
});

test("a backlog that is older than 15 minutes means a late consumer", () => {
  const periods = [minute(20, { accepted: 90 }), minute(5, { accepted: 5 })];
  assertVerdict({ periods, backlog: { events: 6, dead: 0 } }, "late", "warn", /6 messages/);
  assert.equal(judge({ periods, backlog: { events: 5, dead: 0 } }).name, "well");
  assert.equal(judge({ periods, backlog: { events: null, dead: null } }).name, "well");
  assert.equal(judge({ activity: null, periods: null, backlog: { events: 6, dead: 0 } }).name, "activity");
  assertVerdict({ rules: ["late"] }, "late", "bad", /title of late.*incidents\/7/);
});

test("another incident is shown in its own words", () => {
  assertVerdict(
    { rules: ["ledger_full"] },
    "ledger_full",
    "warn",
    /title of ledger_full\. text of ledger_full.*incidents\/7/,
  );
});

test("alerts that do not run or reach nobody are a warning", () => {
  assertVerdict({ alerts: { ranAt: null } }, "alerts", "warn", /not run yet.*crons/);
  assert.equal(assertVerdict({ alerts: { ranAt: ago(16) } }, "alerts", "warn", /any more/).at, ago(16));
  assert.equal(judge({ alerts: { ranAt: ago(14) } }).name, "well");
  assert.equal(judge({ alerts: { ranAt: null }, isLocal: true }).name, "well");
  const failing = [{ sink: "slack", messages: 1, failedAt: ago(3), reason: "answer 500" }];
  assertVerdict({ alerts: { failing } }, "sinks", "warn", /slack: answer 500/);
  assertVerdict({ alerts: { problems: ["SLACK_URL missing"] } }, "sinks", "warn", /SLACK_URL missing/);
});

test("what could not be loaded is not called well", () => {
  const unread = ["the open incidents"];
  assertVerdict({ unread }, "unread", "warn", /Not loaded: the open incidents\./);
  assertVerdict({ unread, lost: 1 }, "loss", "bad", /1 event was accepted/);
});

test("without Activity, deliveries are not known", () => {
  assertVerdict({ activity: null, periods: null }, "activity", "quiet", /not bound/);
  assertVerdict({ activity: { unavailable: "timed out" } }, "activity", "warn", /timed out/);
});

test("the worse comes first, and the others follow", () => {
  const verdict = judge({
    activity: { unavailable: "timed out" },
    alerts: { ranAt: null, problems: ["SLACK_URL missing"] },
    letters: { open: 1 },
    lost: 1,
    rules: ["ledger_full", "signatures", "failing", "late"],
  });
  const names = [verdict, ...verdict.others].map(({ name }) => name);
  const expected = [
    "failing",
    "signatures",
    "loss",
    "dead_letter",
    "late",
    "ledger_full",
    "sinks",
    "alerts",
    "activity",
  ];
  assert.deepEqual(names, expected);
});

test("what is bad comes before a warning", () => {
  const verdict = judge({ periods: [minute(2, { unavailable: 4, accepted: 5 })], letters: { open: 1 } });
  assert.deepEqual(
    [verdict, ...verdict.others].map(({ name }) => name),
    ["dead_letter", "failing"],
  );
});

test("deliveries are summed by what became of them", () => {
  const codes = {
    accepted: 1,
    duplicate: 2,
    unavailable: 3,
    misconfigured: 4,
    invalid_signature: 5,
    too_many_failures: 6,
  };
  const sums = { accepted: 1, duplicate: 2, refused: 11, failed: 7 };
  assert.deepEqual(deliveriesOf([{ codes }]), sums);
  assert.deepEqual(deliveriesOf([]), { accepted: 0, duplicate: 0, refused: 0, failed: 0 });
});

test("a share of the deliveries has an upper bound", () => {
  for (const [share, ms, bound] of /** @type {const} */ ([
    [0.5, [5, 5, 0, 0], 5],
    [0.5, [4, 6, 0, 0], 10],
    [0.99, [98, 1, 1, 0], 10],
    [0.99, [98, 0, 1, 1], 25],
    [0.99, [9, 0, 0, 1], Number.POSITIVE_INFINITY],
    [0.5, [0, 0, 1, 0], 25],
    [0.5, [0, 0, 0, 0], undefined],
    [0.5, [], undefined],
  ])) {
    assert.equal(boundOf(share, ms, boundsMs), bound, `${share} of ${ms}`);
  }
});

test("a plot has every period up to the present one", () => {
  const period = { at: "2026-11-24T05:00:00.000Z" };
  for (const [by, length, first, last] of /** @type {const} */ ([
    ["minute", 60, "2026-11-24T05:56:00.000Z", "2026-11-24T06:55:00.000Z"],
    ["hour", 48, "2026-11-22T07:00:00.000Z", "2026-11-24T06:00:00.000Z"],
    ["day", 90, "2026-08-27T00:00:00.000Z", "2026-11-24T00:00:00.000Z"],
  ])) {
    const slots = slotsOf(by, [period], now);
    const times = [slots[0], slots.at(-1)].map((slot) => new Date(slot?.at ?? 0).toISOString());
    assert.deepEqual([slots.length, ...times], [length, first, last]);
    assert.equal(slots.filter((slot) => slot.period === period).length, by === "hour" ? 1 : 0);
  }
});
