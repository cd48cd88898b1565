// Reads from the ledger which first attempts were late, and when the consumer last did something.

import { selectRetries } from "../consumer/backlog.ts";
import type { Database } from "../consumer/platform.ts";
import { minuteMs } from "../consumer/time.ts";

/** The state of the consumer, from the ledger and the dead letters. */
export interface LedgerSignal {
  /** Events that were handled lately, and whose first attempt started late. */
  readonly late: readonly LateEvent[];
  /** When an event was last handled, ignored or stored as a dead letter, as RFC 3339. */
  readonly progressAt: string | null;
  /** The latest arrival at the gateway among the events that were handled last of their types, as RFC 3339. */
  readonly arrivedAt: string | null;
  /** The events that failed, and whose next attempt is due later, or was a moment ago. */
  readonly retries: number;
  /** The size of the ledger's database. */
  readonly bytes: number;
}

interface LateEvent {
  readonly eventId: string;
}

/** The rules look back so far, in minutes. */
export const windowMinutes = 15;

/** Of each type, so many of the newest events are looked at: a backlog makes all of them late. */
const maxEvents = 500;

const maxLate = 200;

/** The types in a table, through the index by type and time. The last one is NULL. */
const typesOf = (table: string) => `types (type) AS (SELECT min(type) FROM ${table}
  UNION ALL SELECT (SELECT min(type) FROM ${table} WHERE type > types.type) FROM types WHERE types.type IS NOT NULL)`;

// With a plus, a column is no reason to read the whole table for an index of the moment.
const selectLate = `WITH RECURSIVE ${typesOf("cronozen_events")}
  SELECT one.event_id AS eventId FROM types CROSS JOIN cronozen_events AS one ON one.event_id IN (
    SELECT event_id FROM cronozen_events WHERE type IS types.type AND handled_at >= ?1
    ORDER BY handled_at DESC LIMIT ${maxEvents})
  WHERE +one.attempts = 1 AND unixepoch(one.handled_at) - unixepoch(one.received_at) > ?2 LIMIT ${maxLate}`;

const newestOf = (table: string, at: string) => `WITH RECURSIVE ${typesOf(table)}
  SELECT max(one.${at}) AS at, max(one.received_at) AS arrivedAt FROM types CROSS JOIN ${table} AS one
  ON one.event_id = (SELECT event_id FROM ${table} WHERE type IS types.type ORDER BY ${at} DESC LIMIT 1)`;

/** A redriven dead letter comes as a first attempt, long after its event was received. */
const selectLetters = `SELECT
  (SELECT json_group_array(event_id) FROM cronozen_dead_letters WHERE event_id IN (SELECT value FROM json_each(?1)))
    AS redriven,
  (SELECT stored_at FROM cronozen_dead_letters ORDER BY id DESC LIMIT 1) AS at,
  EXISTS (SELECT 1 FROM (SELECT at, action FROM cronozen_audit ORDER BY id DESC LIMIT 100)
    WHERE action = 'prune' AND at >= ?2) AS pruned`;

export async function readLedger(
  { ledger, letters }: { readonly ledger: Database; readonly letters: Database },
  now: number,
  lateMinutes: number,
): Promise<LedgerSignal> {
  const ago = (minutes: number) => new Date(now - minutes * minuteMs).toISOString();
  const [late, handled, ignored, retries] = await ledger.batch([
    ledger.prepare(selectLate).bind(ago(windowMinutes), lateMinutes * 60),
    ledger.prepare(newestOf("cronozen_events", "handled_at")),
    ledger.prepare(newestOf("cronozen_ignored", "ignored_at")),
    ledger.prepare(selectRetries).bind(ago(lateMinutes)),
  ]);
  const events = (late?.results ?? []) as LateEvent[];
  const found = await letters
    .prepare(selectLetters)
    .bind(JSON.stringify(events.map(({ eventId }) => eventId)), ago(2 * windowMinutes))
    .all();
  const { redriven, at, pruned } = found.results[0] as { redriven: string; at: string | null; pruned: 0 | 1 };
  const known = new Set<unknown>(JSON.parse(redriven));
  const times = [atOf(handled?.results[0]), atOf(ignored?.results[0]), at ?? ""];
  return {
    // Among the rows of dead letters that were pruned lately, there may be some that were redriven before.
    late: pruned === 1 ? [] : events.filter(({ eventId }) => !known.has(eventId)),
    progressAt: times.sort().at(-1) || null,
    arrivedAt: Object(handled?.results[0]).arrivedAt ?? null,
    retries: Number(Object(retries?.results[0]).retries),
    bytes: Number(Object(Object(late).meta).size_after ?? 0),
  };
}

function atOf(row: unknown): string {
  return Object(row).at ?? "";
}
