// The timeline of an event, and how it stands.

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration } from "../../pkg/src/console/page/numbers.ts";
import { standingOf } from "../../pkg/src/console/page/standing.ts";
import { deliveriesOf, timelineOf } from "../../pkg/src/console/page/timeline.ts";

/** @typedef {import("../../pkg/src/console/page/timeline.ts").EventAnswer} EventAnswer */

const at = (/** @type {number} */ second) => new Date(Date.UTC(2026, 10, 24, 6, 55) + second * 1000).toISOString();
const now = Date.parse(at(60));

/** @type {EventAnswer} */
const nothing = {
  eventId: "evt_1",
  type: null,
  createdAt: null,
  receivedAt: null,
  history: [],
  deadLetters: [],
  deliveries: [],
};
const accepted = { position: 1, at: at(0), outcome: "accepted", code: "accepted", eventId: "evt_1", ms: 31 };
const failed = {
  position: 1,
  at: at(0),
  outcome: "failed",
  code: "unavailable",
  reason: "queue send failed: full",
  ms: 9,
};
/** @type {EventAnswer["deadLetters"][number]} */
const letter = {
  id: 7,
  eventId: "evt_1",
  type: "a.b",
  reason: "Error: closed",
  attempts: 3,
  failedAt: at(5),
  queue: "q",
  storedAt: at(6),
  redrivenAt: null,
  redrives: 0,
  bytes: 10,
  state: "open",
  handledAt: null,
};
/** @type {EventAnswer} */
const redriven = {
  ...nothing,
  type: "a.b",
  receivedAt: at(0),
  deliveries: [accepted, { ...accepted, position: 2, at: at(30), outcome: "duplicate", code: "duplicate" }],
  deadLetters: [{ ...letter, redrivenAt: at(10), redrives: 1, state: "handled", handledAt: at(11) }],
  history: [
    { at: at(6), outcome: "dead", attempts: 3, reason: "Error: closed", deadLetter: 7 },
    { at: at(10), outcome: "redriven", deadLetter: 7 },
    { at: at(11), outcome: "handled", attempts: 2 },
  ],
};

/** @returns the outcomes of the steps, each with the milliseconds since the one before */
const stepsOf = (/** @type {EventAnswer} */ event) =>
  timelineOf(event).map(({ outcome, afterMs }) => [outcome, afterMs]);

test("deliveries, attempts, dead letters, redrives and the end are in one order of time", () => {
  assert.deepEqual(stepsOf(redriven), [
    ["accepted", null],
    ["failed", 5000],
    ["dead", 1000],
    ["redriven", 4000],
    ["handled", 1000],
    ["duplicate", 19_000],
  ]);
});

test("steps of the same time stand in the order of cause and effect", () => {
  const history = /** @type {const} */ ([{ at: at(0), outcome: "handled", attempts: 1 }]);
  const first = { ...letter, failedAt: at(0), storedAt: at(0), redrivenAt: at(0), redrives: 1 };
  // The newest first.
  const letters = [{ ...first, id: 8 }, first];
  const event = { ...nothing, receivedAt: at(0), deliveries: [accepted], history, deadLetters: letters };
  const steps = timelineOf(event);
  assert.deepEqual(
    steps.map(({ outcome }) => outcome),
    ["accepted", "failed", "dead", "redriven", "failed", "dead", "redriven", "handled"],
  );
  assert.deepEqual(
    steps.flatMap(({ view }) => view ?? []),
    ["deliveries/1", "dead-letters/7", "dead-letters/7", "dead-letters/8", "dead-letters/8"],
  );
});

test("a late commit stands at the time at which the event got onto the queue", () => {
  const late = { position: 2, at: at(0), outcome: "late_commit", eventId: "evt_1", ms: 7000 };
  assert.deepEqual(stepsOf({ ...nothing, deliveries: [failed, late] }), [
    ["failed", null],
    ["late_commit", 7000],
  ]);
});

test("an event whose deliveries are not known begins with the time of its message", () => {
  for (const deliveries of [null, [], { unavailable: "Activity timed out after 5000 ms" }]) {
    assert.deepEqual(stepsOf({ ...redriven, deliveries })[0], ["accepted", null]);
  }
  assert.deepEqual(stepsOf({ ...nothing, deliveries: null }), []);
});

test("deliveries are counted, and other records are not", () => {
  const duplicate = { ...accepted, outcome: "duplicate" };
  const late = { ...accepted, outcome: "late_commit" };
  const count = (/** @type {EventAnswer["deliveries"]} */ deliveries) => deliveriesOf({ ...nothing, deliveries });
  assert.equal(count([failed, late]), "1");
  assert.equal(count([accepted, duplicate]), "2, 1 of them a duplicate");
  assert.equal(count([accepted, duplicate, duplicate]), "3, 2 of them duplicates");
  assert.equal(count(null), "");
});

test("a dead letter without a reason has no failed attempt", () => {
  const letters = [{ ...letter, reason: null }];
  assert.deepEqual(stepsOf({ ...nothing, deadLetters: letters }), [["dead", null]]);
});

test("how an event stands is what the ledger says, then its dead letters, then its deliveries", () => {
  const title = (/** @type {Partial<EventAnswer>} */ event, time = now) =>
    standingOf({ ...nothing, ...event }, time).title;
  const handled = { ...redriven, deadLetters: [] };
  assert.equal(title(redriven), "Handled at attempt 2 after 1 redrive, 11 s after it arrived");
  assert.equal(title(handled), "Handled at attempt 2, 11 s after it arrived");
  assert.match(standingOf({ ...redriven, deadLetters: [letter] }, now).text, /still open/);
  assert.equal(title({ history: [{ at: at(1), outcome: "erased" }], deliveries: [accepted] }), "Erased");
  assert.match(
    standingOf({ ...handled, history: [...handled.history, { at: at(20), outcome: "erased" }] }, now).text,
    /data was erased/,
  );
  assert.equal(title({ deadLetters: [letter], deliveries: [accepted] }), "Dead letter: Error: closed");
  const again = { ...letter, redrivenAt: at(10), state: /** @type {const} */ ("redriven") };
  assert.equal(title({ deadLetters: [again] }), "Redriven, on its way");
  assert.match(title({ deadLetters: [again] }, now + 7_200_000), /^Redriven 2 h ago, and not handled yet/);
  const ignored = /** @type {const} */ ([{ at: at(1), outcome: "ignored", attempts: 1 }]);
  assert.equal(title({ history: ignored }), "Ignored");
  assert.equal(title({ history: ignored, deadLetters: [again] }), "Redriven, on its way");
  assert.equal(title({ deliveries: [failed, { ...accepted, position: 2 }] }), "Accepted, waits for its next attempt");
  assert.match(title({ deliveries: [accepted] }, now + 7_200_000), /^Accepted 2 h 1 min ago, and not handled yet/);
  assert.match(title({ deliveries: [failed] }), /^Not accepted yet: /);
  assert.match(title({ deliveries: [failed] }, now + 32 * 3_600_000), /^Not accepted: /);
  assert.match(title({ deliveries: [{ ...accepted, outcome: "duplicate" }] }), /^It was on the queue before/);
  assert.equal(title({ deliveries: [failed] }), "Not accepted yet: unavailable");
  assert.equal(
    title({ deliveries: [{ ...failed, outcome: "rejected", code: "event_too_old" }] }),
    "Refused: event_too_old",
  );
});

test("a duration has at most two units", () => {
  const cases = { 0: "0 ms", 999: "999 ms", 1000: "1 s", 4249: "4.2 s", 9999: "10 s", 59499: "59 s", 60000: "1 min" };
  for (const [ms, text] of Object.entries({
    ...cases,
    3599000: "59 min 59 s",
    8040000: "2 h 14 min",
    93600000: "1 d 2 h",
  })) {
    assert.equal(formatDuration(Number(ms)), text);
  }
});
