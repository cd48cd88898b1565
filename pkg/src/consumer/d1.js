// Effect and claim are one transaction: that is what makes an effect happen exactly once.

import { bound } from "./binding.js";
import { Permanent } from "./permanent.js";

/**
 * @typedef {import("../../consumer.js").Database} Database
 * @typedef {import("../../consumer.js").Statement} Statement
 * @typedef {import("./once.js").Once} Once
 * @typedef {import("./once.js").Occasion} Occasion
 */

const select = "SELECT 1 FROM cronozen_claims WHERE event_id = ?";

// Fails if the event has been claimed, and the whole batch with it.
const claim = "INSERT INTO cronozen_claims (event_id, claimed_at) VALUES (?, ?)";

const claimAnyway = "INSERT OR IGNORE INTO cronozen_claims (event_id, claimed_at) VALUES (?, ?)";

// Fails if a newer one has been applied, because the column takes no NULL, and the whole batch with it.
const advance = `INSERT INTO cronozen_newest (entity, created_at) VALUES (?, ?)
  ON CONFLICT (entity) DO UPDATE
  SET created_at = CASE WHEN excluded.created_at >= cronozen_newest.created_at THEN excluded.created_at END`;

const selectNewer = "SELECT 1 FROM cronozen_newest WHERE entity = ? AND created_at > ?";

/** A handler's statements, for the newest state of an entity alone. */
class Update {
  /** @param {string} entity @param {unknown} statements */
  constructor(entity, statements) {
    this.entity = entity;
    this.statements = statements;
  }
}

/**
 * Statements that are left out if a later event has been applied to the entity already.
 *
 * @param {string} entity
 * @param {Statement | readonly Statement[]} statements
 * @returns {any}
 */
export function ifNewest(entity, statements) {
  if (typeof entity !== "string" || entity === "") {
    throw new TypeError("cronozen-edge: expected the entity as a text, such as certificate:42");
  }
  return new Update(entity, statements);
}

/**
 * Claims events in D1.
 *
 * @param {(env: any) => Database | undefined} database
 * @returns {Once}
 */
export function d1(database) {
  return {
    async run(occasion, work) {
      const db = bound(database(occasion.env), "batch", "d1() to be given a D1 database");
      const claimed = db.prepare(select).bind(occasion.eventId);
      if ((await claimed.first()) !== null) {
        return "duplicate";
      }
      return commit(db, occasion, claimed, await work());
    },
  };
}

/**
 * @param {Database} db
 * @param {Occasion} occasion
 * @param {Statement} claimed
 * @param {unknown} result
 */
async function commit(db, { eventId, createdAt }, claimed, result) {
  const now = new Date().toISOString();
  const update = result instanceof Update ? result : undefined;
  const newest = update === undefined ? undefined : [update.entity, sortable(createdAt)];
  const batch = [
    db.prepare(claim).bind(eventId, now),
    ...(newest === undefined ? [] : [db.prepare(advance).bind(...newest)]),
    ...statementsOf(update === undefined ? result : update.statements),
  ];
  try {
    await db.batch(batch);
    return "handled";
  } catch (error) {
    // Another copy of the message was faster, or the answer to our own success was lost.
    if ((await claimed.first()) !== null) {
      return "duplicate";
    }
    if (
      newest === undefined ||
      (await db
        .prepare(selectNewer)
        .bind(...newest)
        .first()) === null
    ) {
      throw error;
    }
    // For ever: what has been applied only gets newer.
    await db.prepare(claimAnyway).bind(eventId, now).run();
    return "outdated";
  }
}

/** @param {unknown} result @returns {Statement[]} */
function statementsOf(result) {
  const list = result === undefined ? [] : Array.isArray(result) ? result : [result];
  if (!list.every((statement) => typeof statement?.bind === "function")) {
    // Not an error that is tried again: a statement that has been run already is an effect.
    throw new Permanent(
      "expected the handler to return D1 statements that have not been run, or nothing, got something else",
    );
  }
  return list;
}

/**
 * A time in a form that sorts as text, to the last of up to nine digits.
 *
 * @param {string | null} createdAt as RFC 3339
 */
function sortable(createdAt) {
  const [, time, fraction = "", offset] =
    /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/.exec(createdAt ?? "") ?? [];
  const seconds = time === undefined ? Number.NaN : Date.parse(`${time}${offset}`.toUpperCase().replace(" ", "T"));
  if (Number.isNaN(seconds)) {
    throw new Permanent("expected a createdAt in the form of RFC 3339, which ifNewest compares, got none");
  }
  return `${new Date(seconds).toISOString().slice(0, 19)}.${fraction.slice(0, 9).padEnd(9, "0")}Z`;
}
