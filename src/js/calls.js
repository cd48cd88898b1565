// The functions that Rust calls. Each does several things at once, because calls between the two are expensive.

/**
 * Ends the instance's wait with this ticket. Returns false if the wait was given up. Throws if the instance has been
 * replaced.
 *
 * @typedef {(ticket: number, fulfilled: boolean, value: unknown) => boolean} OnSettled
 */

/**
 * Awaits the value that a call has returned, and passes the result to the instance. The value need not be a promise.
 *
 * @param {unknown} awaitable
 * @param {OnSettled} onSettled
 * @param {number} ticket
 */
export function settle(awaitable, onSettled, ticket) {
  Promise.resolve(awaitable).then(
    (value) => {
      let waited = false;
      try {
        waited = onSettled(ticket, true, value);
      } finally {
        if (!waited) {
          // Without this, a lease that comes too late would be held until this request ends.
          dispose(value);
        }
      }
    },
    (reason) => onSettled(ticket, false, reason),
  );
}

/**
 * Starts a timer that ends a wait. The instance is called after the timer's callback, not in it, because a trap in the
 * callback goes unnoticed.
 *
 * @param {number} ms
 * @param {OnSettled} onSettled
 * @param {number} ticket
 */
export function startTimer(ms, onSettled, ticket) {
  return setTimeout(() => settle(undefined, onSettled, ticket), ms);
}

/**
 * Keeps the request alive until the returned function is called.
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
 * Returns the options with which an event is marked in KV.
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
 * The methods of the class `Deduper` that the Worker calls.
 *
 * @typedef {{
 *   acquire(eventId: string, ignoresRow: boolean, waitMs: number): Promise<AcquireReply>,
 *   mark(eventId: string, endsAt: number): Promise<void>,
 * }} DeduperStub
 * @typedef {{ lease: { commit(endsAt: number): Promise<void> } }} AcquireReply
 * @typedef {{ idFromName(name: string): unknown, get(id: unknown): DeduperStub }} Namespace
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
 * Marks an event through a new stub, because the stub of an object that has restarted fails.
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
 * Disposes of the value if a remote call has returned it.
 *
 * @param {any} value
 */
export function dispose(value) {
  try {
    value?.[Symbol.dispose]?.();
  } catch {
    // An exception that passed through the instance would be mistaken for a trap. The platform disposes of the
    // value in the end.
  }
}
