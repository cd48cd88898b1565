// Two weeks of a console's life, for the screenshots: a bump of refusals, two deployments, incidents, dead letters.

import {
  acceptedLine,
  ago,
  batchOf,
  day,
  failedLine,
  fillIncidents,
  fillLetters,
  forgedLine,
  gateway,
  hour,
  minute,
  randomNumbers,
} from "./data.mjs";

/** @typedef {import("./console.mjs").ServedConsole} ServedConsole */

const types = ["dpu.sealed", "payment.completed", "attendance.verified", "certificate.issued", "workflow.transitioned"];

/** The share of each type. */
const shares = [0.42, 0.71, 0.89, 0.95, 1];

/** The time since the newer deployment was made, and since the secret was wrong. */
const deployedAgoMs = 9.4 * hour;
const bump = { from: 5.2 * hour, to: 4.4 * hour };

/** The event of the newest dead letter: the ids follow from their numbers. */
const newestDead = "evt_127fn";

const kept = { minutes: 2 * day, hours: 14 * day };

/** Fills all stores. @param {ServedConsole} served */
export async function fillSample(served) {
  const random = randomNumbers(7);
  const minutes = minutesOf(random);
  const lines = lastLines(random);
  await served.fillActivity({ hours: hoursOf(minutes), state: stateOf(), batches: [batchOf(lines)] });
  await fillHandled(served, minutes, lines);
  await fillLetters(served, lettersOf());
  await fillIncidents(served, incidents());
  await fillAudit(served);
}

/** Adds what is seldom: texts as long as they may be, and an alert that reaches nobody. @param {ServedConsole} served */
export async function fillTrouble(served) {
  const eventId = `evt_${"9".repeat(252)}`;
  const type = `type.${"a".repeat(315)}`;
  const reason = `Error: ${"a long reason without an end ".repeat(10)}${"x".repeat(200)}`;
  await fillLetters(served, [
    { eventId, type, reason, attempts: 11, at: ago(2 * minute), data: "x".repeat(2000) },
    { eventId: "evt_forged", reason: "signature mismatch", queue: "another-queue", text: "not JSON", at: ago(minute) },
  ]);
  await served.fillActivity({
    batches: [batchOf([acceptedLine(eventId, { type }), failedLine(eventId, { type, reason })])],
  });
  const details = [
    { name: "event", value: eventId.slice(0, 119).concat("…") },
    { name: "type", value: type.slice(0, 119).concat("…") },
    { name: "reason", value: reason.slice(0, 119).concat("…") },
  ];
  const sinks = [
    { sink: "slack", reason: null },
    { sink: "email", reason: "answer 500" },
  ];
  const [title, text] = [
    "We fail to take deliveries",
    "12 of 240 deliveries of the last 10 minutes were answered 5xx.",
  ];
  await fillIncidents(served, [{ rule: "failing", title, text, details, openedAt: ago(20 * minute), sinks }]);
}

/** The counts of each minute that is older than an hour, by its number. @param {() => number} random */
function minutesOf(random) {
  const now = Date.now();
  const minutes = new Map();
  for (let age = kept.hours; age > hour; age -= minute) {
    const at = now - age;
    // More by day than by night, and less at weekends.
    const date = new Date(at);
    const wave = 0.35 + Math.max(0, Math.sin(((date.getUTCHours() + date.getUTCMinutes() / 60 - 5) / 14) * Math.PI));
    const isWeekend = date.getUTCDay() % 6 === 0;
    const accepted = Math.floor(wave * (isWeekend ? 1.2 : 3.2) + random() * 2.4);
    const isBump = age < bump.from && age > bump.to;
    const refused = isBump ? 2 + Math.floor(random() * 4) : random() < 0.02 ? 1 : 0;
    const failed = isBump || random() > 0.004 ? 0 : 1 + Math.floor(random() * 2);
    const duplicate = random() < 0.06 ? 1 : 0;
    minutes.set(
      Math.floor(at / minute),
      countsOf({ accepted: isBump ? accepted >> 1 : accepted, duplicate, refused, failed }, random),
    );
  }
  return minutes;
}

/** @param {{ accepted: number, duplicate: number, refused: number, failed: number }} numbers @param {() => number} random */
function countsOf({ accepted, duplicate, refused, failed }, random) {
  const codes = { accepted, duplicate, invalid_signature: refused, unavailable: failed };
  /** @type {Record<string, number>} */
  const ofType = {};
  const ms = new Array(11).fill(0);
  for (let one = 0; one < accepted + duplicate; one += 1) {
    const chance = random();
    ms[chance < 0.02 ? 5 + Math.floor(random() * 2) : 1 + Math.floor(random() * 3)] += 1;
    const type = types[shares.findIndex((share) => random() < share)] ?? "dpu.sealed";
    ofType[type] = (ofType[type] ?? 0) + (one < accepted ? 1 : 0);
  }
  const present = Object.entries(codes).filter(([, deliveries]) => deliveries > 0);
  return { codes: Object.fromEntries(present), others: {}, types: ofType, mismatches: refused, ms, lost: 0 };
}

/** The rows of the table `hours`: by minute for two days, by hour before. @param {Map<number, any>} minutes */
function hoursOf(minutes) {
  const oldest = Math.floor((Date.now() - kept.minutes) / hour);
  /** @type {Map<number, [number, any][]>} */
  const hours = Map.groupBy(minutes, ([number]) => Math.floor(number / 60));
  return [...hours].map(([number, entries]) => {
    const isCompact = number < oldest;
    const rows = isCompact ? [[number * 60, entries.map(([, counts]) => counts).reduce(sumOf)]] : entries;
    return [number, isCompact ? 1 : 0, JSON.stringify(rows)];
  });
}

/** @param {any} one @param {any} other */
function sumOf(one, other) {
  const add = (/** @type {any} */ first, /** @type {any} */ second) =>
    Object.fromEntries(
      [...new Set([...Object.keys(first), ...Object.keys(second)])].map((name) => [
        name,
        (first[name] ?? 0) + (second[name] ?? 0),
      ]),
    );
  return {
    codes: add(one.codes, other.codes),
    others: {},
    types: add(one.types, other.types),
    mismatches: one.mismatches + other.mismatches,
    ms: one.ms.map((/** @type {number} */ sum, /** @type {number} */ slot) => sum + other.ms[slot]),
    lost: 0,
  };
}

/** Three deployments: one of two weeks ago, and two of the last two days. */
function stateOf() {
  const deployments = [
    { deployment: gateway.deployment, tag: "v0.2.0", madeAgoMs: deployedAgoMs, deliveries: 812 },
    { deployment: "51d0a9f4-6a1c-4c0e-8f5f-1f0a7c2b9e33", tag: "v0.1.5", madeAgoMs: 33 * hour, deliveries: 2207 },
    { deployment: "2f6d0f7a-7c1e-4b58-9a44-0e3fd3a1c0de", tag: "v0.1.4", madeAgoMs: kept.hours, deliveries: 38_114 },
  ];
  const gateways = deployments.map(({ deployment, tag, madeAgoMs, deliveries }, number) => {
    const lastAt = ago(deployments[number - 1]?.madeAgoMs ?? minute);
    const health = { ...JSON.parse(gateway.health), version: tag.slice(1) };
    return { deployment, tag, firstAt: ago(madeAgoMs), lastAt, health, keys: { 0: { deliveries, lastAt } } };
  });
  const time = { day: { date: ago(0).slice(0, 10), rows: 3120 }, rolledAt: Date.now(), compactedTo: 0 };
  return JSON.stringify({ id: "sample", minutes: [], isolates: [], gateways, ...time });
}

/** The lines of the last hour, the oldest first. @param {() => number} random */
function lastLines(random) {
  const fields = { at: ago(24 * minute), type: "dpu.sealed" };
  const duplicate = { ...fields, at: ago(23.5 * minute), outcome: "duplicate", code: "duplicate", ms: 5 };
  /** @type {any[]} */
  const lines = [acceptedLine(newestDead, fields), acceptedLine(newestDead, duplicate)];
  for (let age = 59 * minute; age > 0; age -= 20_000 + random() * 30_000) {
    const at = ago(age);
    const id = `evt_${Math.floor(random() * 2 ** 40).toString(36)}`;
    const type = types[shares.findIndex((share) => random() < share)] ?? "dpu.sealed";
    const fields = { at, type, bytes: 320 + Math.floor(random() * 900), ms: 6 + Math.floor(random() * 22) };
    lines.push(acceptedLine(id, fields));
    const chance = random();
    if (chance < 0.08) {
      lines.push(acceptedLine(id, { ...fields, outcome: "duplicate", code: "duplicate", ms: 5 }));
    } else if (chance < 0.12) {
      lines.push(forgedLine({ at, address: "198.51.100.7" }));
    } else if (chance < 0.14) {
      lines.push(failedLine(id, { at, type }));
    }
  }
  return lines;
}

/**
 * Puts what was accepted into the ledger.
 *
 * @param {ServedConsole} served
 * @param {Map<number, any>} minutes
 * @param {{ at: string, outcome: string, eventId?: string, type?: string }[]} lines
 */
async function fillHandled(served, minutes, lines) {
  const accepted = [...minutes].flatMap(([number, { types: ofType }]) =>
    Object.entries(ofType).map(([type, events]) => [number * 60, type, events]),
  );
  await served.sql("DB", {
    query: `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20)
      INSERT INTO cronozen_events (event_id, type, created_at, received_at, handled_at, attempts, outcome)
      SELECT 'evt_' || (value ->> 0) || substr(value ->> 1, 1, 1) || n, value ->> 1,
        ${timeOf("(value ->> 0) + n * 2")}, ${timeOf("(value ->> 0) + n * 2 + 0.4")},
        ${timeOf("(value ->> 0) + n * 2 + 1.3")}, 1, 'handled'
      FROM json_each(?) JOIN numbers ON n <= value ->> 2`,
    values: [JSON.stringify(accepted)],
  });
  const handled = lines.filter(({ outcome, eventId }) => outcome === "accepted" && eventId !== newestDead);
  const rows = handled.map(({ at, eventId, type }) => [eventId, type, at]);
  await served.sql("DB", {
    query: `INSERT OR IGNORE INTO cronozen_events (event_id, type, created_at, received_at, handled_at, attempts, outcome)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 2, ${timeOf("unixepoch(value ->> 2) + 1.2")}, 1, 'handled'
      FROM json_each(?)`,
    values: [JSON.stringify(rows)],
  });
}

/** As RFC 3339. @param {string} seconds since 1970, in SQL */
function timeOf(seconds) {
  return `strftime('%Y-%m-%dT%H:%M:%fZ', ${seconds}, 'unixepoch')`;
}

function lettersOf() {
  const closed = "Error: D1_ERROR: no such column: tenant_id at offset 24: SQLITE_ERROR";
  const wrong = "data.amount or data.currency missing or not a string";
  const unknown = "no handler for the type agent.approval.requested: add one, or '*'";
  return Array.from({ length: 14 }, (_, number) => {
    const at = ago((14 - number) * 21 * minute + 3 * minute);
    const eventId = `evt_${(number * 7_919 + 1_679_616).toString(36)}`;
    if (number % 5 === 0) {
      return { eventId, at, type: "payment.completed", reason: wrong, attempts: 1, data: { amount: 4900 } };
    }
    if (number % 7 === 3) {
      return { eventId, at, type: "agent.approval.requested", reason: unknown, attempts: 1, data: { agent: "a_17" } };
    }
    return { eventId, at, type: "dpu.sealed", reason: closed, attempts: 11, data: { dpu: `dpu_${number}` } };
  });
}

function incidents() {
  return [
    {
      rule: "signatures",
      title: "Deliveries fail to verify: a secret is wrong",
      text: "162 deliveries of the last 15 minutes had a signature that matches no secret, and none was accepted.",
      openedAt: ago(bump.from - 10 * minute),
      closedAt: ago(bump.to - 10 * minute),
    },
    {
      rule: "dead_letter",
      title: "Events could not be handled: dead letters are open",
      text: "14 dead letters are open. Look at the reason, cure its cause, then redrive them.",
      details: [
        { name: "event", value: "evt_1220s4" },
        { name: "type", value: "dpu.sealed" },
        { name: "reason", value: "Error: D1_ERROR: no such column: tenant_id at offset 24: SQLITE_ERROR" },
      ],
      openedAt: ago(4.8 * hour),
      sinks: [{ sink: "slack", reason: null }],
    },
  ];
}

/** @param {ServedConsole} served */
async function fillAudit(served) {
  const entries = [
    ["Grace (session)", "redrive", { upTo: 3 }, { redriven: [1, 2, 3], failed: [] }, 26 * hour],
    ["grace@example.com (access)", "prune", { ids: [4] }, { pruned: [4] }, 25 * hour],
    ["Ada (session)", "mute", { id: 1, until: ago(-hour) }, {}, 4 * hour],
  ];
  await served.sql("DEAD_LETTERS_DB", {
    query: `INSERT INTO cronozen_audit (at, actor, action, details, result)
      SELECT value ->> 4, value ->> 0, value ->> 1, value -> 2, value -> 3 FROM json_each(?)`,
    values: [JSON.stringify(entries.map((entry) => [...entry.slice(0, 4), ago(Number(entry[4]))]))],
  });
}
