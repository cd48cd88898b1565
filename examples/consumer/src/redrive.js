// Puts dead letters back on the queue.

import { log, said } from "./log.js";

/**
 * @typedef {import("./index.js").Env} Env
 * @typedef {{ id: number, eventId: string | null, type: string | null, bytes: number }} Letter
 * @typedef {{ redriven: Letter[], failed: (Letter & { reason: string })[] }} Redriven
 */

/** The most that one request redrives: each is sent separately, and a Worker may call services 1,000 times. */
const maxRedriven = 500;

/** The most that are sent together and then marked. If a request breaks off, only these may be sent twice. */
const maxPageLetters = 25;
const maxPageBytes = 1_000_000;

const columns = "id, event_id AS eventId, type, octet_length(text) AS bytes";

/**
 * Finds a dead letter, even if it has been redriven before.
 *
 * @param {D1Database} db
 * @param {number} id
 * @returns {Promise<Letter | null>}
 */
export function findDeadLetter(db, id) {
  return db.prepare(`SELECT ${columns} FROM dead_letters WHERE id = ?`).bind(id).first();
}

/**
 * Returns the dead letters that have not been redriven, oldest first: at most as many as one request may redrive.
 *
 * @param {D1Database} db
 * @returns {Promise<Letter[]>}
 */
export async function openDeadLetters(db) {
  const query = `SELECT ${columns} FROM dead_letters WHERE redriven_at IS NULL ORDER BY id LIMIT ?`;
  /** @type {D1Result<Letter>} */
  const { results } = await db.prepare(query).bind(maxRedriven).all();
  return results;
}

/** @param {D1Database} db @returns {Promise<number>} */
export async function countOpen(db) {
  const query = "SELECT count(*) AS count FROM dead_letters WHERE redriven_at IS NULL";
  return (await db.prepare(query).first("count")) ?? 0;
}

/**
 * Puts dead letters on the queue again, byte for byte, so that they keep their `eventId` and their signature.
 *
 * @param {Env} env
 * @param {Letter[]} letters
 * @returns {Promise<Redriven>}
 */
export async function redrive(env, letters) {
  /** @type {Redriven} */
  const result = { redriven: [], failed: [] };
  for (const page of pagesOf(letters)) {
    const { redriven, failed } = await redrivePage(env, page);
    result.redriven.push(...redriven);
    result.failed.push(...failed);
  }
  return result;
}

/** @param {Letter[]} letters @returns {Letter[][]} */
function pagesOf(letters) {
  /** @type {Letter[][]} */
  const pages = [];
  let room = 0;
  for (const letter of letters) {
    const last = pages.at(-1);
    if (last === undefined || last.length === maxPageLetters || letter.bytes > room) {
      pages.push([letter]);
      room = maxPageBytes;
    } else {
      last.push(letter);
    }
    room -= letter.bytes;
  }
  return pages;
}

/** @param {Env} env @param {Letter[]} letters @returns {Promise<Redriven>} */
async function redrivePage({ DB, EVENTS }, letters) {
  const texts = await textsOf(DB, letters);
  const sends = await Promise.allSettled(letters.map(({ id }) => EVENTS.send(texts.get(id), { contentType: "text" })));
  /** @type {Redriven} */
  const result = { redriven: [], failed: [] };
  for (const [position, letter] of letters.entries()) {
    const send = sends[position];
    if (send?.status === "fulfilled") {
      result.redriven.push(letter);
    } else {
      result.failed.push({ ...letter, reason: said(send?.reason) });
    }
  }
  // Marked after the sends: an interruption leads to a duplicate, which has no second effect, and never to a loss.
  await mark(DB, result.redriven);
  for (const { id, eventId, type } of result.redriven) {
    log("log", "redriven", { id, eventId, type });
  }
  return result;
}

/** @param {D1Database} db @param {Letter[]} letters @returns {Promise<Map<number, string>>} */
async function textsOf(db, letters) {
  const query = "SELECT id, text FROM dead_letters WHERE id IN (SELECT value FROM json_each(?))";
  /** @type {D1Result<{ id: number, text: string }>} */
  const { results } = await db.prepare(query).bind(idsOf(letters)).all();
  return new Map(results.map(({ id, text }) => [id, text]));
}

/** @param {D1Database} db @param {Letter[]} letters */
async function mark(db, letters) {
  const query = `UPDATE dead_letters SET redriven_at = ?, redrives = redrives + 1
    WHERE id IN (SELECT value FROM json_each(?))`;
  await db.prepare(query).bind(new Date().toISOString(), idsOf(letters)).run();
}

/** Returns the ids as one value, because D1 accepts at most 100. @param {Letter[]} letters */
function idsOf(letters) {
  return JSON.stringify(letters.map(({ id }) => id));
}
