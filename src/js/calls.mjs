// Calls that Rust makes of JavaScript: each does several things at once, because a call between the two costs.

/**
 * Settles the wait of an instance that has this ticket. Returns whether the instance still waited. The function of an
 * instance that has been replaced throws.
 *
 * @typedef {(ticket: number, fulfilled: boolean, value: unknown) => boolean} OnSettled
 */

/**
 * Awaits what a call has returned. What can be awaited need be no promise.
 *
 * @param {unknown} called
 * @param {OnSettled} onSettled
 * @param {number} ticket
 */
export function settle(called, onSettled, ticket) {
  Promise.resolve(called).then(
    (value) => {
      let waited = false;
      try {
        waited = onSettled(ticket, true, value);
      } finally {
        if (!waited) {
          // A lease that comes too late would be held until this request has ended.
          dispose(value);
        }
      }
    },
    (reason) => onSettled(ticket, false, reason),
  );
}

/**
 * Nobody sees an instance trap in the callback of a timer, so what the timer wakes runs after it.
 *
 * @param {number} ms
 * @param {OnSettled} onSettled
 * @param {number} ticket
 */
export function startTimer(ms, onSettled, ticket) {
  return setTimeout(() => settle(undefined, onSettled, ticket), ms);
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
 * Keeps a message outside of the instance until it is sent.
 *
 * @param {string} beforeDedupe
 * @param {string} afterDedupe
 * @returns {[beforeDedupe: string, afterDedupe: string]}
 */
export function holdMessage(beforeDedupe, afterDedupe) {
  return [beforeDedupe, afterDedupe];
}

/**
 * @param {Queue} queue
 * @param {[beforeDedupe: string, afterDedupe: string]} held
 * @param {string} dedupe
 * @param {QueueSendOptions} options
 */
export function sendMessage(queue, [beforeDedupe, afterDedupe], dedupe, options) {
  return queue.send(beforeDedupe + dedupe + afterDedupe, options);
}

/**
 * The class `Deduper`, as the Worker calls it.
 *
 * @typedef {{ acquire(eventId: string, ignoresRow: boolean, waitMs: number): Promise<AcquireReply> }} Acquirer
 * @typedef {{ mark(eventId: string, endsAt: number): Promise<void> }} Marker
 * @typedef {{ lease: { commit(endsAt: number): Promise<void> } }} AcquireReply
 * @typedef {{ idFromName(name: string): unknown, get(id: unknown): Acquirer & Marker }} Namespace
 */

/** @param {Namespace} namespace @param {number} shard */
function shardOf(namespace, shard) {
  return namespace.get(namespace.idFromName(String(shard)));
}

/**
 * @param {Namespace} namespace
 * @param {number} shard
 * @param {string} eventId
 * @param {boolean} ignoresRow
 * @param {number} waitMs
 */
export function acquireLease(namespace, shard, eventId, ignoresRow, waitMs) {
  return shardOf(namespace, shard).acquire(eventId, ignoresRow, waitMs);
}

/** @param {AcquireReply} acquired @param {number} endsAt */
export function commitLease({ lease }, endsAt) {
  return lease.commit(endsAt);
}

/**
 * Always through a fresh stub: one of an object that has restarted fails.
 *
 * @param {Namespace} namespace
 * @param {number} shard
 * @param {string} eventId
 * @param {number} endsAt
 */
export function markEvent(namespace, shard, eventId, endsAt) {
  return shardOf(namespace, shard).mark(eventId, endsAt);
}

/**
 * Frees what a remote call has returned, if that is what this is.
 *
 * @param {any} value
 */
export function dispose(value) {
  try {
    value?.[Symbol.dispose]?.();
  } catch {
    // An exception that passed through the instance would be taken for a trap. The platform disposes in the end.
  }
}
