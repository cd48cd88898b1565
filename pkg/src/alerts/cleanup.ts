// Deletes what is no longer needed: once a day, because each statement counts as a subrequest.

import type { Database, Statement } from "../consumer/platform.ts";
import { daysBefore } from "../consumer/time.ts";

/** Closed incidents are forgotten after this time. */
const keptDays = 90;

/** The length of a date, as in `2026-11-24`. */
const dateLength = 10;

// Those for sinks that were removed, and of incidents that have closed in silence.
const dropUnsent = `DELETE FROM cronozen_incident_messages WHERE sent_at IS NULL
  AND (sink NOT IN (SELECT value FROM json_each(?)) OR (kind <> 'closed'
    AND incident IN (SELECT id FROM cronozen_incidents WHERE closed_at IS NOT NULL)))`;

const pruneMessages = `DELETE FROM cronozen_incident_messages
  WHERE incident IN (SELECT id FROM cronozen_incidents WHERE closed_at < ?)`;

const pruneIncidents = "DELETE FROM cronozen_incidents WHERE closed_at < ?";

/** Returns the statements of the first run of a day. `ranAt` is the end of the run before, as RFC 3339. */
export function cleanUp(
  db: Database,
  { now, ranAt, sinks }: { readonly now: number; readonly ranAt: string | null; readonly sinks: readonly string[] },
): Statement[] {
  if (ranAt?.slice(0, dateLength) === new Date(now).toISOString().slice(0, dateLength)) {
    return [];
  }
  const old = daysBefore(now, keptDays);
  return [
    ...(sinks.length > 0 ? [db.prepare(dropUnsent).bind(JSON.stringify(sinks))] : []),
    db.prepare(pruneMessages).bind(old),
    db.prepare(pruneIncidents).bind(old),
  ];
}
