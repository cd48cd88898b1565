// Makes effect and claim one transaction, so that an effect happens exactly once. The claim is the event's row in the
// ledger.

import { hasMethod } from "../kind.ts";
import { configError } from "./config-error.ts";
import { NonRetryableError } from "./non-retryable.ts";
import type { Attempt, Once, Outcome, Retry } from "./once.ts";
import { bound, type Database, type Statement } from "./platform.ts";
import { ledgerSchema, withTables } from "./schema.ts";
import { shortened } from "./text.ts";
import { daysBefore, sortableTime } from "./time.ts";

/** Statements that belong to the newest state of an entity alone: made by {@link ifNewest}. */
export interface Update {
  readonly entity: string;
  readonly statements: Statement | readonly Statement[];
}

/** Ignored events are forgotten after this time. */
const ignoredDays = 90;

/** A retry is forgotten so long after its time. */
const retryDays = 1;

const isClaimed = "SELECT 1 FROM cronozen_events WHERE event_id = ?";

const isErased = "SELECT 1 FROM cronozen_erased WHERE event_id = ?";

// Fails if the event has been claimed, and the whole batch with it. Never an upsert: that could apply the effect twice.
const claim = `INSERT INTO cronozen_events
  (event_id, type, created_at, received_at, attempts, body_key, handled_at, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

const claimAnyway = `${claim} ON CONFLICT (event_id) DO NOTHING`;

// Fails if a newer one has been applied, because the column takes no NULL, and the whole batch with it.
const advance = `INSERT INTO cronozen_newest (entity, created_at) VALUES (?, ?)
  ON CONFLICT (entity) DO UPDATE
  SET created_at = CASE WHEN excluded.created_at >= cronozen_newest.created_at THEN excluded.created_at END`;

const isOutdated = "SELECT 1 FROM cronozen_newest WHERE entity = ? AND created_at > ?";

const markIgnored = `INSERT INTO cronozen_ignored
  (event_id, type, created_at, received_at, attempts, body_key, ignored_at) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (event_id) DO UPDATE SET attempts = excluded.attempts, ignored_at = excluded.ignored_at`;

// Two for each new row, so that the table shrinks in the end, and no message pays for many.
const forgetIgnored = `DELETE FROM cronozen_ignored WHERE event_id IN (
  SELECT event_id FROM cronozen_ignored WHERE type IS ? AND ignored_at < ? ORDER BY ignored_at LIMIT 2)`;

const markRetries = `INSERT INTO cronozen_retries (event_id, next_at)
  SELECT value ->> '$.eventId', value ->> '$.nextAt' FROM json_each(?) WHERE true
  ON CONFLICT (event_id) DO UPDATE SET next_at = max(next_at, excluded.next_at)`;

// Two for each that is recorded, so that the table shrinks in the end.
const forgetRetries = `DELETE FROM cronozen_retries WHERE event_id IN (
  SELECT event_id FROM cronozen_retries WHERE next_at < ? ORDER BY next_at LIMIT 2 * ?)`;

/**
 * Returns statements that are left out, and the event claimed all the same, if an event with a later `createdAt` has been
 * applied to the entity already. For handlers that keep state, with `once: d1(...)`: return it alone, with all of the
 * event's statements.
 *
 * @param entity a name of your own, such as `certificate:42`
 */
export function ifNewest(entity: string, statements: Statement | readonly Statement[]): Update {
  if (typeof entity !== "string" || entity === "") {
    throw new NonRetryableError("ifNewest() got no entity: pass a text, such as certificate:42");
  }
  return { entity, statements };
}

/**
 * Claims each `eventId` in D1, for ever, in one transaction with the statements that the handler returns: they are applied
 * exactly once, however often the message comes. The statements must be of the same database, which no other consumer of
 * the queue uses.
 *
 * The claim is a row of the ledger, the table `cronozen_events`, which is made at the first use. It says what the event
 * was, when it was handled, and at which attempt.
 */
export function d1<Env>(database: (env: Env) => Database | undefined): Once<Env> {
  if (typeof database !== "function") {
    throw configError("d1() got no function: write d1((env) => env.DB)");
  }
  const open = (env: Env) => withTables(bound(database(env), "batch", "D1 database of d1()"), ledgerSchema);
  return {
    prepare: open,
    async run(attempt, work) {
      const db = await open(attempt.env);
      if (await exists(db, isClaimed, attempt.eventId)) {
        return "duplicate";
      }
      return commit(db, attempt, await work());
    },
    async isErased({ eventId, env }) {
      return wasErased(await open(env), eventId);
    },
    async recordIgnored(attempt) {
      const db = await open(attempt.env);
      await db.batch([
        db.prepare(markIgnored).bind(...rowOf(attempt), new Date().toISOString()),
        db.prepare(forgetIgnored).bind(shortened(attempt.type), daysBefore(Date.now(), ignoredDays)),
      ]);
    },
    async recordRetries(env, retries) {
      await record(await open(env), retries);
    },
  };
}

/** Returns true if the data of an event has been erased: none of it must come back. */
export async function wasErased(db: Database, eventId: string): Promise<boolean> {
  return exists(db, isErased, eventId);
}

async function record(db: Database, retries: readonly Retry[]): Promise<void> {
  await db.batch([
    db.prepare(markRetries).bind(JSON.stringify(retries)),
    db.prepare(forgetRetries).bind(daysBefore(Date.now(), retryDays), retries.length),
  ]);
}

async function commit(db: Database, attempt: Attempt<unknown>, result: unknown): Promise<Outcome> {
  const { eventId, createdAt } = attempt;
  const claimWith = (query: string, outcome: Outcome) =>
    db.prepare(query).bind(...rowOf(attempt), new Date().toISOString(), outcome);
  const { entity, statements }: { entity?: unknown; statements?: unknown } = Object(result);
  const newest = typeof entity === "string" ? ([entity, sortableTime(createdAt)] as const) : undefined;
  const batch = [
    claimWith(claim, "handled"),
    ...(newest === undefined ? [] : [db.prepare(advance).bind(...newest)]),
    ...statementsOf(newest === undefined ? result : statements),
  ];
  try {
    await db.batch(batch);
    return "handled";
  } catch (error) {
    // Another copy of the message was faster, or the answer to our own success was lost.
    if (await exists(db, isClaimed, eventId)) {
      return "duplicate";
    }
    if (newest !== undefined && (await exists(db, isOutdated, ...newest))) {
      // It stays outdated: what has been applied only gets newer.
      await claimWith(claimAnyway, "outdated").run();
      return "outdated";
    }
    throw error;
  }
}

function rowOf({ eventId, type, createdAt, receivedAt, attempts, bodyKey }: Attempt<unknown>) {
  return [eventId, shortened(type), shortened(createdAt), shortened(receivedAt), attempts, bodyKey];
}

async function exists(db: Database, query: string, ...values: string[]): Promise<boolean> {
  const { results } = await db
    .prepare(query)
    .bind(...values)
    .all();
  return results.length > 0;
}

function statementsOf(result: unknown): Statement[] {
  // As in `amount > 0 && statement`.
  if (result === undefined || result === null || result === false) {
    return [];
  }
  const list: unknown[] = Array.isArray(result) ? result : [result];
  if (!list.every(isStatement)) {
    // Not tried again: a statement that has been run already is an effect.
    throw new NonRetryableError(
      "handler returned something else than D1 statements: return statements that have not been run, or nothing",
    );
  }
  return list;
}

function isStatement(value: unknown): value is Statement {
  return hasMethod(value, "bind");
}
