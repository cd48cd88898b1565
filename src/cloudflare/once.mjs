// What Rust asks of JavaScript in one call, because each call between the two costs.

/** Tells an instance what has come of what it waits for. A ticket stands for it on both sides. */
/** @typedef {(ticket: number, fulfilled: boolean, value: unknown) => void} Settled */

/**
 * Awaits what a call has returned. What can be awaited need be no promise.
 *
 * @param {unknown} called
 * @param {Settled} settled
 * @param {number} ticket
 */
export function settle(called, settled, ticket) {
  Promise.resolve(called).then(
    (value) => settled(ticket, true, value),
    (reason) => settled(ticket, false, reason),
  );
}

/**
 * How an event is marked in KV.
 *
 * @param {number} expirationTtl
 * @param {string} receivedAt
 */
export function markerOptions(expirationTtl, receivedAt) {
  return { expirationTtl, metadata: { receivedAt } };
}

/**
 * A call of the Durable Object.
 *
 * @param {string} eventId
 * @param {string} receivedAt
 * @param {number} ttl
 * @param {string} beforeDedupe
 * @param {string} afterDedupe
 * @param {number} elapsed
 * @param {number} deadline
 * @param {boolean} ignoresMarker
 * @param {boolean} migrateFromKv
 */
export function deduperCall(
  eventId,
  receivedAt,
  ttl,
  beforeDedupe,
  afterDedupe,
  elapsed,
  deadline,
  ignoresMarker,
  migrateFromKv,
) {
  return { eventId, receivedAt, ttl, beforeDedupe, afterDedupe, elapsed, deadline, ignoresMarker, migrateFromKv };
}
