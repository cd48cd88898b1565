// Fills the stores of the Worker for the tests and the screenshots.

import { messageOf } from "../support/messages.mjs";

/** @typedef {import("./console.mjs").ServedConsole} ServedConsole */

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A time before now, as RFC 3339. @param {number} ms */
export function ago(ms) {
  return new Date(Date.now() - ms).toISOString();
}

/** Numbers from 0 to 1 that are the same in each run. */
export function randomNumbers(seed = 1) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Handles so many events, one a second, the last one now. @param {ServedConsole} served @param {number} count */
export async function fillLedger(served, count) {
  await served.sql("DB", {
    query: `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)
      INSERT INTO cronozen_events (event_id, type, created_at, received_at, handled_at, attempts, outcome)
      SELECT 'evt_' || n, CASE n % 3 WHEN 0 THEN 'dpu.sealed' WHEN 1 THEN 'payment.completed' ELSE 'attendance.verified' END,
        strftime('%Y-%m-%dT%H:%M:%fZ', ?2 - n - 3, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', ?2 - n - 2, 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%fZ', ?2 - n, 'unixepoch'), 1, 'handled'
      FROM numbers`,
    values: [count, Math.floor(Date.now() / 1000)],
  });
}

/**
 * @typedef {object} Letter
 * @property {string} eventId
 * @property {string | null} [type]
 * @property {string} [reason]
 * @property {number} [attempts]
 * @property {string} [at] when it was stored
 * @property {unknown} [data] of the event
 * @property {string} [text] in place of the event's message
 * @property {string} [queue]
 */

/** A step of the filling has so many rows. */
const letterStep = 1000;

/** Stores dead letters, whose messages are signed. @param {ServedConsole} served @param {Letter[]} letters */
export async function fillLetters(served, letters) {
  for (let start = 0; start < letters.length; start += letterStep) {
    const rows = letters.slice(start, start + letterStep).map((letter) => {
      const { eventId, type = "demo.works", reason = "Error: ledger closed", attempts = 3, at = ago(minute) } = letter;
      const event = { eventId, type, createdAt: ago(hour), ...(letter.data !== undefined && { data: letter.data }) };
      const { text = messageOf(event), queue = "cronozen-events" } = letter;
      return [crypto.randomUUID(), eventId, type, reason, attempts, at, queue, Buffer.byteLength(text), text];
    });
    await served.sql("DEAD_LETTERS_DB", {
      query: `INSERT INTO cronozen_dead_letters
        (message_id, event_id, type, reason, attempts, failed_at, stored_at, queue, bytes, text)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 5, value ->> 6,
          value ->> 7, value ->> 8
        FROM json_each(?) ORDER BY key`,
      values: [JSON.stringify(rows)],
    });
  }
}

/**
 * @typedef {object} Incident
 * @property {string} rule
 * @property {string} title
 * @property {string} text
 * @property {{ name: string, value: string }[]} [details]
 * @property {string} openedAt
 * @property {string} [closedAt]
 * @property {{ sink: string, reason: string | null }[]} [sinks]
 */

/** Opens incidents, and has an alert run end now. @param {ServedConsole} served @param {Incident[]} incidents */
export async function fillIncidents(served, incidents) {
  for (const { rule, title, text, details = [], openedAt, closedAt = null, sinks = [] } of incidents) {
    const rows = await served.sql("DEAD_LETTERS_DB", {
      query: `INSERT INTO cronozen_incidents (rule, title, text, details, opened_at, seen_at, closed_at, message_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5) RETURNING id`,
      values: [rule, title, text, JSON.stringify(details), openedAt, closedAt ?? ago(minute), closedAt],
    });
    for (const { sink, reason } of sinks) {
      await served.sql("DEAD_LETTERS_DB", {
        query: `INSERT INTO cronozen_incident_messages
          (incident, sink, kind, due_at, sent_at, attempts, failed_at, reason) VALUES (?, ?, 'opened', ?, ?, 1, ?, ?)`,
        values: [rows[0].id, sink, openedAt, reason === null ? openedAt : null, reason && openedAt, reason],
      });
    }
  }
  await served.sql("DEAD_LETTERS_DB", { query: "UPDATE cronozen_alert_run SET ran_at = ?", values: [ago(minute)] });
}

/** The deployment that the lines come from. */
export const gateway = {
  deployment: "9b1c6c6e-5a0f-4c55-8e0c-3b8f0f6f2f11",
  tag: "v0.2.0",
  health: JSON.stringify({
    status: "ok",
    version: "0.2.0",
    dedupe: "durable-object",
    maxBodyBytes: 127_000,
    maxMessageBytes: 127_500,
    secrets: 2,
  }),
};

let batches = 0;

/** The arguments of `record` for lines of the gateway's log. @param {object[]} lines */
export function batchOf(lines, from = gateway) {
  batches += 1;
  const json = lines.map((line) => JSON.stringify(line));
  return [{ isolate: `test ${batches}`, number: 1, from: 0, to: lines.length, lines: json, counts: [] }, from];
}

/** Puts lines of the gateway's log into Activity. @param {ServedConsole} served @param {object[]} lines */
export async function fillDeliveries(served, lines) {
  await served.fillActivity({ batches: [batchOf(lines)] });
}

const source = { address: "203.0.113.24", ray: "8c1d1d2f3a4b5c6d-FRA" };

/** The line of an accepted event. @param {string} eventId @param {object} [fields] */
export function acceptedLine(eventId, fields) {
  const event = { eventId, type: "payment.completed", bytes: 412, ms: 14, dedupe: "new", key: 0 };
  return { at: ago(0), outcome: "accepted", code: "accepted", ...event, ...source, ...fields };
}

/** The line of a delivery with a wrong signature. @param {object} [fields] */
export function forgedLine(fields) {
  const reason = "signature mismatch: no active secret matches the body. Compare the secret with the registration's";
  return {
    at: ago(0),
    outcome: "rejected",
    code: "invalid_signature",
    reason,
    bytes: 380,
    ms: 2,
    ...source,
    ...fields,
  };
}

/** The line of an event that could not be queued. @param {string} eventId @param {object} [fields] */
export function failedLine(eventId, fields) {
  const reason = "queue send timed out after 3750 ms";
  const event = { eventId, type: "payment.completed", bytes: 412, ms: 3752, dedupe: "new", key: 0 };
  return { at: ago(0), outcome: "failed", code: "unavailable", reason, ...event, ...source, ...fields };
}
