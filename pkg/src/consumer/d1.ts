// Makes effect and claim one transaction, so that an effect happens exactly once.

import { hasMethod } from "../kind.ts";
import { configError } from "./config-error.ts";
import { NonRetryableError } from "./non-retryable.ts";
import type { Attempt, Once, Outcome } from "./once.ts";
import { bound, type Database, type Statement } from "./platform.ts";
import { sortableTime } from "./time.ts";

/** Statements that belong to the newest state of an entity alone: made by {@link ifNewest}. */
export interface Update {
  readonly entity: string;
  readonly statements: Statement | readonly Statement[];
}

const isClaimed = "SELECT 1 FROM cronozen_claims WHERE event_id = ?";

// Fails if the event has been claimed, and the whole batch with it.
const claim = "INSERT INTO cronozen_claims (event_id, claimed_at) VALUES (?, ?)";

const claimAnyway = "INSERT OR IGNORE INTO cronozen_claims (event_id, claimed_at) VALUES (?, ?)";

// Fails if a newer one has been applied, because the column takes no NULL, and the whole batch with it.
const advance = `INSERT INTO cronozen_newest (entity, created_at) VALUES (?, ?)
  ON CONFLICT (entity) DO UPDATE
  SET created_at = CASE WHEN excluded.created_at >= cronozen_newest.created_at THEN excluded.created_at END`;

const isOutdated = "SELECT 1 FROM cronozen_newest WHERE entity = ? AND created_at > ?";

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
 * exactly once, however often the message comes. The statements must be of the same database, in which the tables
 * `cronozen_claims` and `cronozen_newest` exist, and which no other consumer of the queue uses.
 */
export function d1<Env>(database: (env: Env) => Database | undefined): Once<Env> {
  if (typeof database !== "function") {
    throw configError("d1() got no function: write d1((env) => env.DB)");
  }
  return {
    async run(attempt, work) {
      const db = bound(database(attempt.env), "batch", "D1 database of d1()");
      if (await exists(db, isClaimed, attempt.eventId)) {
        return "duplicate";
      }
      return commit(db, attempt, await work());
    },
  };
}

async function commit(db: Database, { eventId, createdAt }: Attempt<unknown>, result: unknown): Promise<Outcome> {
  const claims = [eventId, new Date().toISOString()];
  const { entity, statements }: { entity?: unknown; statements?: unknown } = Object(result);
  const newest = typeof entity === "string" ? ([entity, sortableTime(createdAt)] as const) : undefined;
  const batch = [
    db.prepare(claim).bind(...claims),
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
      await db
        .prepare(claimAnyway)
        .bind(...claims)
        .run();
      return "outdated";
    }
    throw error;
  }
}

async function exists(db: Database, query: string, ...values: string[]): Promise<boolean> {
  return (
    (await db
      .prepare(query)
      .bind(...values)
      .first()) !== null
  );
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
