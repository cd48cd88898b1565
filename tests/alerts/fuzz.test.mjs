// Random options, signals and sinks: a run never fails, no URL of a sink is stored or logged, and incidents open and close once.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { alerts, discord, email, json, slack, teams } from "cronozen-edge/alerts";
import fc from "fast-check";
import { anything, assertHolds, patience, text } from "../support/fuzz.mjs";
import { minute, TestAlerts } from "./alerts.mjs";
import { secretPart } from "./service.mjs";

test("any options are taken, or refused with a TypeError that names them", async () => {
  const source = { totals() {}, letters() {} };
  const rule = fc.constantFrom("late", "signatures", "failing", "ledger_full", "loss", "quiet");
  const threshold = fc.dictionary(
    fc.constantFrom("minutes", "mismatches", "answers", "percent", "maxBytes"),
    fc.oneof(fc.double(), anything),
  );
  const rules = fc.oneof(
    anything,
    fc.dictionary(fc.oneof(rule, text), fc.oneof(anything, fc.constant(false), threshold)),
  );
  const given = fc.record(
    {
      sinks: fc.oneof(fc.func(anything), anything),
      console: fc.oneof(fc.webUrl(), anything),
      quietHours: fc.oneof(fc.double(), anything),
      heartbeat: fc.oneof(fc.func(anything), anything),
      rules,
    },
    { requiredKeys: [] },
  );
  let taken = 0;
  await assertHolds(
    3000,
    fc.property(fc.oneof(given, anything), fc.boolean(), (options, complete) => {
      const all = complete ? { deadLetters: source, sinks: () => [], ...Object(options) } : options;
      try {
        assert.equal(typeof alerts(/** @type {any} */ (all)), "function");
        taken += 1;
      } catch (error) {
        assert.ok(error instanceof TypeError, String(error));
        assert.match(error.message, /^cronozen-edge/);
      }
    }),
  );
  assert.ok(taken > 20, `${taken} taken`);
});

const code = fc.constantFrom("accepted", "mismatch", "unavailable", "misconfigured", "invalid_signature", "duplicate");
/** A value where a number or an object is expected. */
const odd = fc.oneof(fc.nat(), fc.double(), text, anything, fc.constantFrom(null, undefined, -1, Number.NaN));
const count = fc.oneof({ weight: 4, arbitrary: fc.nat(20) }, odd, fc.constantFrom(Number.NaN, 1n, "x", undefined));
const period = fc.record({
  /** Minutes before the summary is read, so that the rules count the period; or no time. */
  at: fc.oneof({ weight: 9, arbitrary: fc.nat(20) }, text),
  codes: fc.oneof({ weight: 9, arbitrary: fc.dictionary(code, count) }, anything),
  others: fc.oneof({ weight: 9, arbitrary: fc.dictionary(fc.oneof(fc.constant("trapped"), text), count) }, anything),
  mismatches: count,
});
const step = fc.oneof(
  fc.record({ does: fc.constant("deliver"), code, count: fc.nat(50) }),
  fc.record({ does: fc.constant("bury"), eventId: text, type: text, reason: text, bytes: fc.nat(900) }),
  fc.record({ does: fc.constant("lose"), lost: fc.nat(3), eventId: text, type: fc.option(text) }),
  fc.record({
    does: fc.constant("odd summary"),
    summary: fc.oneof(
      anything,
      fc.record({ periods: fc.oneof({ weight: 9, arbitrary: fc.array(period, { maxLength: 5 }) }, anything) }),
    ),
  }),
  fc.record({
    does: fc.constant("odd losses"),
    losses: fc.oneof(anything, fc.record({ lost: odd, events: fc.oneof(fc.array(anything), anything) })),
  }),
  fc.record({
    does: fc.constant("odd metrics"),
    metrics: fc.oneof(anything, fc.record({ backlogCount: odd, oldestMessageTimestamp: anything })),
  }),
  fc.constant({ does: /** @type {const} */ ("mend") }),
  fc.record({ does: fc.constant("run"), minutes: fc.integer({ min: 1, max: 2000 }) }),
  fc.record({ does: fc.constant("sink"), failure: fc.oneof(anything, fc.constantFrom("works", "hangs")) }),
);

/** The summary with the times of its periods. @param {any} summary @param {number} now */
function summaryAt(summary, now) {
  const { periods } = Object(summary);
  const at = (/** @type {unknown} */ ago) =>
    typeof ago === "number" ? new Date(now - ago * minute).toISOString() : ago;
  return Array.isArray(periods)
    ? { periods: periods.map((one) => (Object(one) === one ? { ...one, at: at(one.at) } : one)) }
    : summary;
}

/** @param {any} tested @param {any} step */
async function take(tested, step) {
  const { does, ...fields } = step;
  if (does === "deliver") {
    tested.deliver(fields.code, fields.count);
  } else if (does === "bury") {
    tested.bury(fields);
  } else if (does === "lose") {
    tested.losses = { lost: fields.lost, events: [fields] };
  } else if (does === "odd summary") {
    tested.summary = async () => summaryAt(fields.summary, tested.now);
    await tested.run(minute);
  } else if (does === "odd losses") {
    tested.losses = fields.losses;
  } else if (does === "odd metrics") {
    tested.metrics = fields.metrics;
  } else if (does === "mend") {
    Object.assign(tested, { losses: { lost: 0, events: [] }, metrics: undefined });
    delete tested.summary;
    tested.minutes.clear();
    tested.inLetters("DELETE FROM cronozen_dead_letters");
  } else if (does === "sink") {
    tested.failure = fields.failure;
  } else {
    await tested.run(fields.minutes * minute);
  }
}

test("no run fails, no URL leaks, and incidents open and close once", patience, async () => {
  const url = `https://${secretPart}.invalid/${secretPart}`;
  let opened = 0;
  // Nothing leaves this machine.
  const { fetch } = globalThis;
  try {
    await assertHolds(
      300,
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        /** @type {any} */
        const tested = new TestAlerts({
          sinks: () => [
            slack(url),
            discord(url),
            teams(url),
            json(url),
            email(undefined, { from: "a@b.c", to: "d@e.f" }),
            tested.sink,
          ],
          heartbeat: () => url,
          quietHours: 5,
        });
        globalThis.fetch = async () => {
          if (tested.failure !== "works" && tested.failure !== undefined) {
            throw tested.failure;
          }
          return new Response(null, { status: 204 });
        };
        try {
          await tested.run(0);
          for (const one of steps) {
            await take(tested, one);
          }
          for (const { outcome, reason } of tested.lines) {
            assert.ok(outcome !== "alerts_failed" || /^sink email: binding missing/.test(reason), reason);
          }
          for (const { title, text } of tested.messages) {
            assert.doesNotMatch(`${title} ${text}`, /NaN|undefined|null|Infinity|\[object| -\d|\b0x/);
          }
          const known = JSON.stringify(tested.lines) + tested.dead.dump() + tested.db.dump();
          assert.ok(!known.includes(secretPart), "the URL of a sink is stored or logged");
          // At most one open incident for a rule, and each has closed after it opened.
          const open = tested.open();
          assert.equal(new Set(open).size, open.length);
          const closed = tested.inLetters("SELECT 1 FROM cronozen_incidents WHERE closed_at < opened_at");
          assert.deepEqual(closed, []);
          const count = (/** @type {string} */ name) =>
            tested.lines.filter((/** @type {any} */ { outcome }) => outcome === name).length;
          assert.equal(count("alert_opened") - count("alert_closed"), open.length);
          opened += count("alert_opened");
          // A message of each incident, in its order, for the sink that works.
          const kinds = new Map();
          for (const { incident, kind } of tested.messages) {
            const before = kinds.get(incident);
            assert.ok(before !== "closed" && (kind !== "opened" || before === undefined), `${kind} after ${before}`);
            kinds.set(incident, kind);
          }
        } finally {
          tested.stop();
        }
      }),
    );
  } finally {
    globalThis.fetch = fetch;
    mock.timers.reset();
  }
  assert.ok(opened > 100, `${opened} incidents opened`);
});
