// Opens, repeats and closes incidents, and notes the messages that are due: all in one transaction.

import { log } from "../consumer/log.ts";
import type { Database, Statement } from "../consumer/platform.ts";
import { dayMs } from "../consumer/time.ts";
import { type Due, maxAttempts } from "./message.ts";
import type { Finding, Result } from "./rules.ts";

export interface OpenIncident {
  readonly id: number;
  readonly rule: string;
  readonly openedAt: string;
  /** When the condition was first seen to be gone; `null` while it holds. */
  readonly clearAt: string | null;
  readonly messageAt: string;
  readonly mutedUntil: string | null;
}

/** A message for one sink. */
export interface DueMessage extends Due {
  readonly sink: string;
  /** The number of runs that were perhaps broken off while they sent it. */
  readonly unconfirmed: number;
}

/** A change of an incident in a run. */
type Change =
  | { readonly does: "open"; readonly rule: string; readonly finding: Finding }
  | { readonly does: "update"; readonly incident: OpenIncident; readonly finding: Finding }
  | { readonly does: "repeat" | "clear" | "close"; readonly incident: OpenIncident };

/** An incident closes if its condition is gone at two runs in a row, so that one that comes and goes stays open. */
const betweenRunsMs = 240_000;

const repeatMs = dayMs;

/** A message that two runs may have sent before they were broken off is not sent a third time. */
const maxUnconfirmed = 2;

/** The free plan has 50 subrequests in a run, of which the rest of a run takes up to 44. */
export const maxMessages = 5;

// One statement for all incidents: each counts as a subrequest.
const insertIncidents = `INSERT INTO cronozen_incidents (rule, title, text, details, opened_at, seen_at, message_at)
  SELECT value ->> '$.rule', value ->> '$.title', value ->> '$.text', value ->> '$.details', ?2, ?2, ?2
  FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING RETURNING id, rule`;

const updateIncidents = `UPDATE cronozen_incidents SET title = value ->> '$.title', text = value ->> '$.text',
    details = value ->> '$.details', seen_at = ?2, clear_at = NULL
  FROM json_each(?1) WHERE cronozen_incidents.id = value ->> '$.id' AND closed_at IS NULL`;

const clearIncidents = `UPDATE cronozen_incidents SET clear_at = ?2
  WHERE id IN (SELECT value FROM json_each(?1)) AND closed_at IS NULL`;

// The details may name a person. While it is open, each run writes them anew, without what has been erased.
const closeIncidents = `UPDATE cronozen_incidents SET closed_at = ?2, details = '[]'
  WHERE id IN (SELECT value FROM json_each(?1))`;

// If nothing is known in this run, the details are older, and may name what has been erased.
const countMessages = `UPDATE cronozen_incidents SET messages = messages + 1, message_at = ?2,
    details = iif(seen_at < ?2, '[]', details)
  FROM json_each(?1) WHERE cronozen_incidents.id = value ->> '$.id'`;

// For each sink that knows nothing of an open incident: also one that was added later.
const noteOpened = `INSERT INTO cronozen_incident_messages (incident, sink, kind, due_at)
  SELECT of.id, one.value, 'opened', message_at FROM cronozen_incidents AS of, json_each(?) AS one
  WHERE closed_at IS NULL ON CONFLICT DO NOTHING`;

// It replaces the one before, also if that has not been sent: it says when the incident opened, too.
const noteNext = `INSERT INTO cronozen_incident_messages (incident, sink, kind, due_at)
  SELECT one.value ->> '$.id', sink.value, one.value ->> '$.kind', ?2 FROM json_each(?1) AS one, json_each(?3) AS sink
  WHERE true ON CONFLICT DO UPDATE
  SET kind = excluded.kind, due_at = excluded.due_at, sent_at = NULL, attempts = 0, unconfirmed = 0`;

// An incident that has closed in silence has no message that is due.
const selectDue = `SELECT one.incident, one.sink, one.kind, one.due_at AS dueAt, one.unconfirmed, rule, title, text, details,
    opened_at AS openedAt
  FROM cronozen_incident_messages AS one JOIN cronozen_incidents AS of ON of.id = one.incident
  WHERE one.sent_at IS NULL AND one.attempts < ${maxAttempts} AND one.unconfirmed < ${maxUnconfirmed}
    AND (of.closed_at IS NULL OR one.kind = 'closed') AND coalesce(one.try_at, '') <= ?1
    AND coalesce(of.muted_until, '') <= ?1 AND one.sink IN (SELECT value FROM json_each(?2))
  ORDER BY one.attempts, one.incident LIMIT ${maxMessages}`;

/** Changes the incidents by the rules' results. Returns the messages that are due. */
export async function change(
  db: Database,
  open: readonly OpenIncident[],
  results: ReadonlyMap<string, Result>,
  { now, sinks }: { readonly now: number; readonly sinks: readonly string[] },
): Promise<DueMessage[]> {
  const changes = changesOf(open, results, now);
  const at = new Date(now).toISOString();
  const due = db.prepare(selectDue).bind(at, JSON.stringify(sinks));
  const statements = statementsOf(db, changes, { at, now, sinks, isNoting: open.length > 0 });
  const found = await db.batch([...statements, due]);
  report(changes, found[0]?.results ?? [], at);
  return (found.at(-1)?.results ?? []) as DueMessage[];
}

/** Returns what becomes of each incident. Pure. */
function changesOf(open: readonly OpenIncident[], results: ReadonlyMap<string, Result>, now: number): Change[] {
  const byRule = new Map(open.map((incident) => [incident.rule, incident]));
  // An incident of a rule that this version does not have closes, too.
  const rules = new Set([...results.keys(), ...byRule.keys()]);
  return [...rules].flatMap((rule): Change[] => {
    const result = results.get(rule) ?? "right";
    const incident = byRule.get(rule);
    if (incident === undefined) {
      return typeof result === "object" ? [{ does: "open", rule, finding: result }] : [];
    }
    if (result === "unknown" || typeof result === "object") {
      return [
        ...(result === "unknown" ? [] : [{ does: "update" as const, incident, finding: result }]),
        ...(isRepeated(incident, now) ? [{ does: "repeat" as const, incident }] : []),
      ];
    }
    if (incident.clearAt === null) {
      return [{ does: "clear", incident }];
    }
    return Date.parse(incident.clearAt) <= now - betweenRunsMs ? [{ does: "close", incident }] : [];
  });
}

function isRepeated(incident: OpenIncident, now: number): boolean {
  return !isMuted(incident, now) && Date.parse(incident.messageAt) <= now - repeatMs;
}

function isMuted({ mutedUntil }: OpenIncident, now: number): boolean {
  return mutedUntil !== null && Date.parse(mutedUntil) > now;
}

/** Returns the statements of all changes. The first one opens incidents, if any open. */
function statementsOf(
  db: Database,
  changes: readonly Change[],
  { at, now, sinks, isNoting }: { at: string; now: number; sinks: readonly string[]; isNoting: boolean },
): Statement[] {
  const opened = changes.flatMap((one) => (one.does === "open" ? { rule: one.rule, ...columnsOf(one.finding) } : []));
  const seen = changes.flatMap((one) =>
    one.does === "update" ? { id: one.incident.id, ...columnsOf(one.finding) } : [],
  );
  const cleared = changes.flatMap((one) => (one.does === "clear" ? one.incident.id : []));
  const closed = changes.flatMap((one) => (one.does === "close" ? one.incident.id : []));
  const next = changes.flatMap((one) => {
    if (one.does === "repeat") {
      return { id: one.incident.id, kind: "repeated" };
    }
    return one.does === "close" && !isMuted(one.incident, now) ? { id: one.incident.id, kind: "closed" } : [];
  });
  const names = JSON.stringify(sinks);
  const each = (query: string, rows: readonly unknown[], ...values: string[]) =>
    rows.length === 0 ? [] : [db.prepare(query).bind(JSON.stringify(rows), ...values)];
  return [
    ...each(insertIncidents, opened, at),
    ...each(updateIncidents, seen, at),
    ...each(clearIncidents, cleared, at),
    ...each(closeIncidents, closed, at),
    ...each(countMessages, next, at),
    ...(isNoting || opened.length > 0 ? [db.prepare(noteOpened).bind(names)] : []),
    ...each(noteNext, next, at, names),
  ];
}

function columnsOf({ title, text, details }: Finding) {
  return { title, text, details: JSON.stringify(details) };
}

/** Logs what has changed. An incident without a row was opened by another run, which has logged it. */
function report(changes: readonly Change[], rows: readonly unknown[], at: string): void {
  const ids = new Map(rows.map((row) => [Object(row).rule, Object(row).id]));
  for (const one of changes) {
    if (one.does === "open" && ids.has(one.rule)) {
      const { title, text } = one.finding;
      log("error", "alert_opened", { incident: ids.get(one.rule), rule: one.rule, reason: `${title}. ${text}` });
    } else if (one.does === "close") {
      log("log", "alert_closed", {
        incident: one.incident.id,
        rule: one.incident.rule,
        openedAt: one.incident.openedAt,
        closedAt: at,
      });
    }
  }
}
