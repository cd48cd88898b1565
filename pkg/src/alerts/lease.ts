// Lets one run work at a time, and keeps what a run leaves for the next one.

import type { Database, Statement } from "../consumer/platform.ts";
import type { OpenIncident } from "./changes.ts";

export interface Run {
  readonly lease: string;
  /** The number of runs in a row, up to the one before, in which each source could not be read. */
  readonly failures: Readonly<Record<string, number>>;
  /** When old rows were last deleted; `null` if they never were. */
  readonly cleanedAt: string | null;
  readonly open: readonly OpenIncident[];
}

/** Twice as long as a run may take. */
const leaseMs = 120_000;

const acquire = `UPDATE cronozen_alert_run SET lease = ?, leased_until = ? WHERE coalesce(leased_until, '') <= ?
  RETURNING failures, cleaned_at AS cleanedAt`;

const selectOpen = `SELECT id, rule, opened_at AS openedAt, clear_at AS clearAt, message_at AS messageAt,
  muted_until AS mutedUntil FROM cronozen_incidents WHERE closed_at IS NULL`;

const release = `UPDATE cronozen_alert_run SET lease = NULL, leased_until = NULL, ran_at = ?, failures = ?,
  not_watched = ?, problems = ? WHERE lease = ?`;

/** Returns undefined if another run has the lease. */
export async function startRun(db: Database, now: number): Promise<Run | undefined> {
  const lease = crypto.randomUUID();
  const until = new Date(now + leaseMs).toISOString();
  const [leased, open] = await db.batch([
    db.prepare(acquire).bind(lease, until, new Date(now).toISOString()),
    db.prepare(selectOpen),
  ]);
  const row = leased?.results[0] as { failures: string; cleanedAt: string | null } | undefined;
  return row && { lease, ...row, failures: JSON.parse(row.failures), open: open?.results as OpenIncident[] };
}

export async function finishRun(
  db: Database,
  lease: string,
  { failures, notWatched, problems }: { failures: object; notWatched: readonly string[]; problems: readonly string[] },
  cleanup: readonly Statement[],
): Promise<void> {
  const values = [failures, notWatched, problems].map((value) => JSON.stringify(value));
  await db.batch([db.prepare(release).bind(new Date().toISOString(), ...values, lease), ...cleanup]);
}
