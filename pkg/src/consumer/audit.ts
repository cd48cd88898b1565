// Records who changed what: in the transaction of the change, or before it starts and again when it has ended.

import type { Database, Statement } from "./platform.ts";
import type { Stores } from "./stores.ts";

/** A change that an operator made. */
export interface AuditEntry {
  readonly id: number;
  /** As RFC 3339. */
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  /** What was asked for. */
  readonly details: unknown;
  /** What was done; `null` if the end is unknown. */
  readonly result: unknown;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** For the next page's `before`; `null` if this is the last one. */
  readonly next: number | null;
}

/** Records that a change starts. `run` names it. */
export function startAudit(
  db: Database,
  run: string,
  actor: string,
  action: "redrive" | "erase",
  details: object,
): Statement {
  return db
    .prepare("INSERT INTO cronozen_audit (at, actor, action, details) VALUES (?, ?, ?, ?)")
    .bind(new Date().toISOString(), actor, action, JSON.stringify({ ...withoutReason(details), run }));
}

/** Records a prune, just before it happens in the same transaction, with the ids that a condition chooses. */
export function recordPrune(
  db: Database,
  actor: string,
  details: object,
  { condition, values }: { readonly condition: string; readonly values: readonly unknown[] },
): Statement {
  const ids = `SELECT json_group_array(id) FROM cronozen_dead_letters WHERE ${condition}`;
  return db
    .prepare(
      `INSERT INTO cronozen_audit (at, actor, action, details, result)
       VALUES (?, ?, 'prune', ?, json_object('pruned', json((${ids}))))`,
    )
    .bind(new Date().toISOString(), actor, JSON.stringify(withoutReason(details)), ...values);
}

/** Records that an open incident is muted, in the transaction that mutes it. */
export function recordMute(
  db: Database,
  actor: string,
  details: { readonly id: number; readonly until: string },
): Statement {
  return db
    .prepare(
      `INSERT INTO cronozen_audit (at, actor, action, details, result)
       SELECT ?, ?, 'mute', ?, json_object('muted', json_array(id)) FROM cronozen_incidents
       WHERE id = ? AND closed_at IS NULL`,
    )
    .bind(new Date().toISOString(), actor, JSON.stringify(details), details.id);
}

/** The reason may quote what a handler's error says of a person, and the audit is kept. */
function withoutReason(details: object): object {
  return "reason" in details && details.reason !== undefined ? { ...details, reason: "(not recorded)" } : details;
}

/** Records how a change ended. */
export function finishAudit(db: Database, run: string, result: object): Statement {
  // It is among the newest: no index is needed for it.
  const query = `UPDATE cronozen_audit SET result = ? WHERE id = (
    SELECT id FROM cronozen_audit WHERE result IS NULL AND details ->> '$.run' = ? ORDER BY id DESC LIMIT 1)`;
  return db.prepare(query).bind(JSON.stringify(result), run);
}

export async function auditPage(
  { db }: Stores,
  { before = Number.MAX_SAFE_INTEGER, limit }: { readonly before?: number | undefined; readonly limit: number },
): Promise<AuditPage> {
  const { results } = await db
    .prepare("SELECT * FROM cronozen_audit WHERE id < ? ORDER BY id DESC LIMIT ?")
    .bind(before, limit + 1)
    .all();
  const rows = results.slice(0, limit) as (AuditEntry & { details: string; result: string | null })[];
  const entries = rows.map((row) => ({
    ...row,
    details: JSON.parse(row.details),
    result: row.result === null ? null : JSON.parse(row.result),
  }));
  return { entries, next: results.length > limit ? (entries.at(-1)?.id ?? null) : null };
}
