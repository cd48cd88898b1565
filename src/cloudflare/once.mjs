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
 * Nobody sees an instance trap in the callback of a timer, so what the timer wakes runs after it.
 *
 * @param {number} ms
 * @param {Settled} settled
 * @param {number} ticket
 */
export function startTimer(ms, settled, ticket) {
  return setTimeout(() => settle(undefined, settled, ticket), ms);
}

/**
 * Has the platform wait until what is returned is called.
 *
 * @param {ExecutionContext} context
 */
export function keepAlive(context) {
  /** @type {() => void} */
  let release = () => {};
  context.waitUntil(
    /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        release = resolve;
      })
    ),
  );
  return release;
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
