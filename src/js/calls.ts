// The functions that Rust calls. Each does several things at once, because calls between the two are expensive.

import { afterTrap } from "./guard.js";
import type { AcquireReply, Deduper, HeldLease } from "./worker.js";

/**
 * Ends the instance's wait with this ticket. Returns false if the wait was given up. Throws if the instance has been
 * replaced.
 */
type OnSettled = (ticket: number, fulfilled: boolean, value: unknown) => boolean;

/** The result of a call. That of a remote call must be disposed of. */
type CallResult = Partial<Disposable> | null | undefined;

/** Awaits the value that a call has returned, and passes the result to the instance. The value need not be a promise. */
export function settle(awaitable: CallResult | PromiseLike<CallResult>, onSettled: OnSettled, ticket: number): void {
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
 */
export function startTimer(ms: number, onSettled: OnSettled, ticket: number): number {
  return setTimeout(() => settle(undefined, onSettled, ticket), ms);
}

/** Keeps the request alive until the returned function is called. */
export function keepAlive(context: ExecutionContext): () => void {
  // Uses Promise.withResolvers for the reason in guard.ts. This is a precaution: at present, no other request releases it.
  const { promise, resolve } = Promise.withResolvers<void>();
  context.waitUntil(promise);
  return resolve;
}

/** Returns the options with which an event is marked in KV. */
export function markerOptions(expirationTtl: number, receivedAt: string): KVNamespacePutOptions {
  return { expirationTtl, metadata: { receivedAt } };
}

/** A message without the value of `dedupe`. */
type HeldMessage = [beforeDedupe: string, afterDedupe: string];

/** Keeps a message outside of the instance until it is sent. */
export function holdMessage(beforeDedupe: string, afterDedupe: string): HeldMessage {
  return [beforeDedupe, afterDedupe];
}

/** Puts the value of `dedupe` into the message, and sends it. */
export function sendMessage(
  queue: Queue,
  [beforeDedupe, afterDedupe]: HeldMessage,
  dedupe: string,
  options: QueueSendOptions,
): Promise<unknown> {
  return queue.send(beforeDedupe + dedupe + afterDedupe, options);
}

interface Namespace {
  idFromName(name: string): unknown;
  get(id: unknown): Pick<Deduper, "acquire" | "mark">;
}

function shardOf(namespace: Namespace, shard: number): Pick<Deduper, "acquire" | "mark"> {
  return namespace.get(namespace.idFromName(String(shard)));
}

export async function acquireLease(
  namespace: Namespace,
  shard: number,
  eventId: string,
  ignoresRow: boolean,
  waitMs: number,
): Promise<AcquireReply & Partial<Disposable>> {
  const reply: AcquireReply & Partial<Disposable> = await shardOf(namespace, shard).acquire(
    eventId,
    ignoresRow,
    waitMs,
  );
  if (reply.lease === undefined) {
    return reply;
  }
  // After a trap, the new instance does not know the reply, and the platform keeps its lease until this request has ended,
  // which may have work after its answer.
  const forget = afterTrap(() => dispose(reply));
  return {
    outcome: reply.outcome,
    lease: reply.lease,
    [Symbol.dispose]: () => {
      forget();
      dispose(reply);
    },
  };
}

/** Counts a failure of this address. Resolves to false if the address has exhausted its limit. */
export async function countFailure(limiter: RateLimit, address: string): Promise<boolean> {
  const { success } = await limiter.limit({ key: networkOf(address) });
  return success;
}

/** Returns the first half of an IPv6 address, because one customer usually has all addresses with it; another one as it is. */
function networkOf(address: string): string {
  if (!address.includes(":")) {
    return address;
  }
  const [head = [], tail = []] = address.split("::").map((part) => part.split(":"));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(":")}::/64`;
}

export function commitLease({ lease }: { lease: HeldLease }, endsAt: number): Promise<void> {
  return lease.commit(endsAt);
}

/** Marks an event through a new stub, because the stub of an object that has restarted fails. */
export function markEvent(namespace: Namespace, shard: number, eventId: string, endsAt: number): Promise<void> {
  return shardOf(namespace, shard).mark(eventId, endsAt);
}

/** Disposes of the value if a remote call has returned it. */
export function dispose(value: CallResult): void {
  try {
    value?.[Symbol.dispose]?.();
  } catch {
    // An exception that passed through the instance would be mistaken for a trap. The platform disposes of the
    // value in the end.
  }
}
