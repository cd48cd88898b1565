// Effect and claim are one transaction: that is what makes an effect happen exactly once.

import { bound } from "./binding.js";
import { Permanent } from "./permanent.js";
import { sortableTime } from "./time.js";
import { wrong } from "./wrong.js";

/**
 * @typedef {import("../../consumer.js").Database} Database
 * @typedef {import("../../consumer.js").Statement} Statement
 * @typedef {import("./once.js").Once} Once
 * @typedef {import("./once.js").Occasion} Occasion
 */

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
 * Statements that are left out if a later event has been applied to the entity already.
 *
 * @param {string} entity
 * @param {Statement | readonly Statement[]} statements
 */
export function ifNewest(entity, statements) {
  if (typeof entity !== "string" || entity === "") {
    throw new Permanent("expected ifNewest() to be given an entity as a text, such as certificate:42, got none");
  }
  return { entity, statements };
}

/**
 * Claims events in D1.
 *
 * @param {(env: any) => Database | undefined} database
 * @returns {Once}
 */
export function d1(database) {
  if (typeof database !== "function") {
    throw wrong("d1() to be given a function, as in d1((env) => env.DB)");
  }
  return {
    async run(occasion, work) {
      const db = bound(database(occasion.env), "batch", "d1() to be given a D1 database");
      if (await exists(db, isClaimed, occasion.eventId)) {
        return "duplicate";
      }
      return commit(db, occasion, await work());
    },
  };
}

/**
 * @param {Database} db
 * @param {Occasion} occasion
 * @param {any} result what the handler has returned
 */
async function commit(db, { eventId, createdAt }, result) {
  const claims = [eventId, new Date().toISOString()];
  const newest = typeof result?.entity === "string" ? [result.entity, sortableTime(createdAt)] : undefined;
  const batch = [
    db.prepare(claim).bind(...claims),
    ...(newest === undefined ? [] : [db.prepare(advance).bind(...newest)]),
    ...statementsOf(newest === undefined ? result : result.statements),
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
      // For ever: what has been applied only gets newer.
      await db
        .prepare(claimAnyway)
        .bind(...claims)
        .run();
      return "outdated";
    }
    throw error;
  }
}

/** @param {Database} db @param {string} query @param {...string} values */
async function exists(db, query, ...values) {
  return (
    (await db
      .prepare(query)
      .bind(...values)
      .first()) !== null
  );
}

/** @param {unknown} result @returns {Statement[]} */
function statementsOf(result) {
  // As in `amount > 0 && statement`.
  if (result === undefined || result === null || result === false) {
    return [];
  }
  const list = Array.isArray(result) ? result : [result];
  if (!list.every((statement) => typeof statement?.bind === "function")) {
    // Not an error that is tried again: a statement that has been run already is an effect.
    throw new Permanent(
      "expected the handler to return D1 statements that have not been run, or nothing, got something else",
    );
  }
  return list;
}
