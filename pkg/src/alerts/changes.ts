// Opens, repeats and closes incidents, and notes the messages that are due: all in one transaction.

import { log } from "../consumer/log.ts";
import type { Database, Statement } from "../consumer/platform.ts";
import { daysBefore } from "../consumer/time.ts";
import type { AlertKind, Due } from "./message.ts";
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
}

/** What a run does to an incident. */
export type Change =
  | { readonly does: "open"; readonly rule: string; readonly finding: Finding }
  | { readonly does: "update" | "repeat"; readonly incident: OpenIncident; readonly finding: Finding }
  | { readonly does: "clear" | "close"; readonly incident: OpenIncident };

/** An incident closes if its condition is gone at two runs in a row, so that one that comes and goes stays open. */
const betweenRunsMs = 240_000;

const repeatMs = 86_400_000;

/** Closed incidents are forgotten after this time. */
const keptDays = 90;

/** A message is given up after a day of runs. The next one of its incident is tried as often. */
const maxAttempts = 288;

/** The free plan has 50 subrequests in a run, and each message takes two of them. */
const maxMessages = 8;

const insertIncident = `INSERT INTO cronozen_incidents (rule, title, text, details, opened_at, seen_at, message_at)
  VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5) ON CONFLICT DO NOTHING RETURNING id`;

const updateIncident = `UPDATE cronozen_incidents SET title = ?, text = ?, details = ?, seen_at = ?, clear_at = NULL
  WHERE id = ? AND closed_at IS NULL`;

const repeatIncident = "UPDATE cronozen_incidents SET message_at = ?, messages = messages + 1 WHERE id = ?";

const clearIncident = "UPDATE cronozen_incidents SET clear_at = ? WHERE id = ? AND closed_at IS NULL";

// Its details may name a person. While it is open, each run writes them anew, without what has been erased.
const closeIncident = `UPDATE cronozen_incidents SET closed_at = ?1, details = '[]', messages = messages + ?3,
  message_at = iif(?3, ?1, message_at) WHERE id = ?2`;

// For each sink that knows nothing of an open incident: also one that was added later.
const noteOpened = `INSERT INTO cronozen_incident_messages (incident, sink, kind, due_at)
  SELECT of.id, one.value, 'opened', message_at FROM cronozen_incidents AS of, json_each(?) AS one
  WHERE closed_at IS NULL ON CONFLICT DO NOTHING`;

// It replaces the one before, also if that has not been sent: it says when the incident opened, too.
const noteNext = `INSERT INTO cronozen_incident_messages (incident, sink, kind, due_at)
  SELECT ?1, value, ?2, ?3 FROM json_each(?4) WHERE true
  ON CONFLICT DO UPDATE SET kind = excluded.kind, due_at = excluded.due_at, sent_at = NULL, attempts = 0`;

const dropUnsent = "DELETE FROM cronozen_incident_messages WHERE incident = ? AND sent_at IS NULL";

const dropSinks = `DELETE FROM cronozen_incident_messages WHERE sent_at IS NULL
  AND sink NOT IN (SELECT value FROM json_each(?))`;

const pruneMessages = `DELETE FROM cronozen_incident_messages
  WHERE incident IN (SELECT id FROM cronozen_incidents WHERE closed_at < ?)`;

const pruneIncidents = "DELETE FROM cronozen_incidents WHERE closed_at < ?";

const selectDue = `SELECT one.incident, one.sink, one.kind, one.due_at AS dueAt, rule, title, text, details,
    opened_at AS openedAt
  FROM cronozen_incident_messages AS one JOIN cronozen_incidents AS of ON of.id = one.incident
  WHERE one.sent_at IS NULL AND one.attempts < ${maxAttempts} AND coalesce(one.try_at, '') <= ?1
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
  const names = JSON.stringify(sinks);
  const old = daysBefore(now, keptDays);
  const found = await db.batch([
    ...changes.flatMap((one) => statementsOf(db, one, { at, now, names })),
    db.prepare(noteOpened).bind(names),
    ...(sinks.length > 0 ? [db.prepare(dropSinks).bind(names)] : []),
    db.prepare(pruneMessages).bind(old),
    db.prepare(pruneIncidents).bind(old),
    db.prepare(selectDue).bind(at, names),
  ]);
  report(
    changes,
    found.flatMap(({ results: rows }) => rows),
    at,
  );
  return (found.at(-1)?.results ?? []) as DueMessage[];
}

/** Returns what becomes of each incident. Pure. */
export function changesOf(open: readonly OpenIncident[], results: ReadonlyMap<string, Result>, now: number): Change[] {
  const byRule = new Map(open.map((incident) => [incident.rule, incident]));
  // An incident of a rule that this version does not have closes, too.
  const rules = new Set([...results.keys(), ...byRule.keys()]);
  return [...rules].flatMap((rule): Change[] => {
    const result = results.get(rule) ?? "right";
    const incident = byRule.get(rule);
    if (result === "unknown") {
      return [];
    }
    if (typeof result === "object") {
      return incident === undefined
        ? [{ does: "open", rule, finding: result }]
        : [{ does: isRepeated(incident, now) ? "repeat" : "update", incident, finding: result }];
    }
    if (incident === undefined) {
      return [];
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

function statementsOf(
  db: Database,
  one: Change,
  { at, now, names }: { readonly at: string; readonly now: number; readonly names: string },
): Statement[] {
  const next = (id: number, kind: AlertKind) => db.prepare(noteNext).bind(id, kind, at, names);
  switch (one.does) {
    case "open":
      return [db.prepare(insertIncident).bind(one.rule, ...columnsOf(one.finding), at)];
    case "update":
    case "repeat": {
      const { id } = one.incident;
      const update = db.prepare(updateIncident).bind(...columnsOf(one.finding), at, id);
      return one.does === "update" ? [update] : [update, db.prepare(repeatIncident).bind(at, id), next(id, "repeated")];
    }
    case "clear":
      return [db.prepare(clearIncident).bind(at, one.incident.id)];
    case "close": {
      const { id } = one.incident;
      const isSilent = isMuted(one.incident, now);
      const close = db.prepare(closeIncident).bind(at, id, isSilent ? 0 : 1);
      return [close, isSilent ? db.prepare(dropUnsent).bind(id) : next(id, "closed")];
    }
  }
}

function columnsOf({ title, text, details }: Finding): string[] {
  return [title, text, JSON.stringify(details)];
}

/** Logs what has changed. The first rows are the ids of the opened incidents, in their order. */
function report(changes: readonly Change[], rows: readonly unknown[], at: string): void {
  const ids = rows.map((row) => Object(row).id).filter((id) => id !== undefined);
  for (const one of changes) {
    if (one.does === "open") {
      const incident = ids.shift();
      const { title, text } = one.finding;
      log("error", "alert_opened", { incident, rule: one.rule, reason: `${title}. ${text}` });
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
