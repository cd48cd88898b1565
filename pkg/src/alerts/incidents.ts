// The incidents for the console: it shows and mutes them without knowing the sinks.

import { recordMute } from "../consumer/audit.ts";
import type { Database } from "../consumer/platform.ts";
import { withTables } from "../consumer/schema.ts";
import type { Detail } from "./message.ts";
import { alertSchema } from "./schema.ts";

/** Times are as RFC 3339. */
export interface Incident {
  readonly id: number;
  readonly rule: string;
  readonly title: string;
  /** The figures when its condition was last seen. */
  readonly text: string;
  /** Empty when it has closed. */
  readonly details: readonly Detail[];
  readonly openedAt: string;
  /** When its condition was last seen. */
  readonly seenAt: string;
  /** `null` while it is open. */
  readonly closedAt: string | null;
  /** When a message was last due, and how many there were. */
  readonly messageAt: string;
  readonly messages: number;
  readonly mutedUntil: string | null;
  readonly mutedBy: string | null;
}

/** The newest message of an incident for one sink. */
export interface SinkState {
  readonly sink: string;
  readonly kind: "opened" | "repeated" | "closed";
  readonly dueAt: string;
  /** `null` if it has not been sent. */
  readonly sentAt: string | null;
  readonly attempts: number;
  readonly failedAt: string | null;
  readonly reason: string | null;
}

export interface ShownIncident extends Incident {
  readonly sinks: readonly SinkState[];
}

export interface IncidentPage {
  readonly incidents: readonly Incident[];
  /** For the next page's `before`; `null` if this is the last one. */
  readonly next: number | null;
}

/** The part of the console's status about the alerts. */
export interface AlertStatus {
  /** The number of open incidents. */
  readonly open: number;
  /** When the last run ended; `null` if none has. */
  readonly ranAt: string | null;
  /** The rules whose source does not exist. */
  readonly notWatched: readonly string[];
  /** The sinks that cannot be used. */
  readonly problems: readonly string[];
  /** The sinks that have not got a message that was due. */
  readonly failing: readonly {
    readonly sink: string;
    readonly messages: number;
    readonly failedAt: string;
    readonly reason: string;
  }[];
}

const columns = `id, rule, title, text, details, opened_at AS openedAt, seen_at AS seenAt, closed_at AS closedAt,
  message_at AS messageAt, messages, muted_until AS mutedUntil, muted_by AS mutedBy`;

const states = { open: "closed_at IS NULL", closed: "closed_at IS NOT NULL", all: "true" };

const selectSinks = `SELECT sink, kind, due_at AS dueAt, sent_at AS sentAt, attempts, failed_at AS failedAt, reason
  FROM cronozen_incident_messages WHERE incident = ? ORDER BY sink`;

const selectRun = `SELECT ran_at AS ranAt, not_watched AS notWatched, problems,
  (SELECT count(*) FROM cronozen_incidents WHERE closed_at IS NULL) AS open FROM cronozen_alert_run`;

// SQLite takes the other columns of a group from the row with the maximum.
const selectFailing = `SELECT sink, count(*) AS messages, max(failed_at) AS failedAt, reason
  FROM cronozen_incident_messages WHERE sent_at IS NULL AND failed_at IS NOT NULL GROUP BY sink ORDER BY sink`;

/** Returns a page of incidents, the newest first. `letters` is the database of the dead letters. */
export async function listIncidents(
  letters: Database,
  {
    state = "all",
    before = Number.MAX_SAFE_INTEGER,
    limit,
  }: {
    readonly state?: keyof typeof states | undefined;
    readonly before?: number | undefined;
    readonly limit: number;
  },
): Promise<IncidentPage> {
  const db = await withTables(letters, alertSchema);
  const { results } = await db
    .prepare(`SELECT ${columns} FROM cronozen_incidents WHERE ${states[state]} AND id < ? ORDER BY id DESC LIMIT ?`)
    .bind(before, limit + 1)
    .all();
  const incidents = results.slice(0, limit).map(incidentOf);
  return { incidents, next: results.length > limit ? (incidents.at(-1)?.id ?? null) : null };
}

/** Returns an incident with the state of its sinks; `null` if there is none. */
export async function showIncident(letters: Database, id: number): Promise<ShownIncident | null> {
  const db = await withTables(letters, alertSchema);
  const [found, sinks] = await db.batch([
    db.prepare(`SELECT ${columns} FROM cronozen_incidents WHERE id = ?`).bind(id),
    db.prepare(selectSinks).bind(id),
  ]);
  const row = found?.results[0];
  return row === undefined ? null : { ...incidentOf(row), sinks: sinks?.results as SinkState[] };
}

/**
 * Has no message sent for an open incident until this time, also if it closes. A time that has passed ends the mute. Returns
 * `null` if there is no such open incident.
 */
export async function muteIncident(
  letters: Database,
  id: number,
  until: string,
  actor: string,
): Promise<Incident | null> {
  const db = await withTables(letters, alertSchema);
  const [, muted] = await db.batch([
    recordMute(db, actor, { id, until }),
    db
      .prepare(
        `UPDATE cronozen_incidents SET muted_until = ?, muted_by = ? WHERE id = ? AND closed_at IS NULL
         RETURNING ${columns}`,
      )
      .bind(until, actor, id),
  ]);
  const row = muted?.results[0];
  return row === undefined ? null : incidentOf(row);
}

export async function alertStatus(letters: Database): Promise<AlertStatus> {
  const db = await withTables(letters, alertSchema);
  const [run, failing] = await db.batch([db.prepare(selectRun), db.prepare(selectFailing)]);
  const row = run?.results[0] as { open: number; ranAt: string | null; notWatched: string; problems: string };
  return {
    open: row.open,
    ranAt: row.ranAt,
    notWatched: JSON.parse(row.notWatched),
    problems: JSON.parse(row.problems),
    failing: failing?.results as AlertStatus["failing"],
  };
}

function incidentOf(row: unknown): Incident {
  const incident = row as Incident & { readonly details: string };
  return { ...incident, details: JSON.parse(incident.details) };
}
