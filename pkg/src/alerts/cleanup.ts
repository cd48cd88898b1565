// Deletes what is no longer needed: once a day, because each statement counts as a subrequest.

import type { Database, Statement } from "../consumer/platform.ts";
import { dayMs, daysBefore } from "../consumer/time.ts";

/** Closed incidents are forgotten after this time. */
const keptDays = 90;

// Those for sinks that were removed, and of incidents that have closed in silence.
const dropUnsent = `DELETE FROM cronozen_incident_messages WHERE sent_at IS NULL
  AND (sink NOT IN (SELECT value FROM json_each(?)) OR (kind <> 'closed'
    AND incident IN (SELECT id FROM cronozen_incidents WHERE closed_at IS NOT NULL)))`;

const pruneMessages = `DELETE FROM cronozen_incident_messages
  WHERE incident IN (SELECT id FROM cronozen_incidents WHERE closed_at < ?)`;

const pruneIncidents = "DELETE FROM cronozen_incidents WHERE closed_at < ?";

const noteCleaned = "UPDATE cronozen_alert_run SET cleaned_at = ?";

/** Returns the statements if they are due. `cleanedAt` is when they last were, as RFC 3339. */
export function cleanUp(
  db: Database,
  {
    now,
    cleanedAt,
    sinks,
  }: { readonly now: number; readonly cleanedAt: string | null; readonly sinks: readonly string[] },
): Statement[] {
  if (cleanedAt !== null && Date.parse(cleanedAt) > now - dayMs) {
    return [];
  }
  const old = daysBefore(now, keptDays);
  return [
    ...(sinks.length > 0 ? [db.prepare(dropUnsent).bind(JSON.stringify(sinks))] : []),
    db.prepare(pruneMessages).bind(old),
    db.prepare(pruneIncidents).bind(old),
    db.prepare(noteCleaned).bind(new Date(now).toISOString()),
  ];
}
