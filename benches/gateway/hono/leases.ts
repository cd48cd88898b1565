// The leases of one object, and the deliveries that wait for them. It sets no timer: leases that have run out are swept
// at the next request for one.

/** 4.5 s until the answer, the 30 s that a Worker may run after it, and a margin. */
const maxLeaseMs = 35_000;

const maxEventWaiters = 256;
const maxWaiters = 1000;

export interface Grant {
  readonly endsAt: number;
  /** In the order of their arrival. */
  waiters: Waiter[];
}

export type Decision = Grant | "duplicate" | "wait ended" | "too many waiters";

interface Waiter {
  readonly waitsUntil: number;
  decide(decision: Decision): void;
}

export class LeaseTable {
  /** In the order of their grants, which is the order in which they run out. */
  #leases = new Map<string, Grant>();
  #waiting = 0;

  /** Grants the lease of an event as soon as no other delivery holds it. */
  async acquire(eventId: string, waitMs: number): Promise<Decision> {
    const now = Date.now();
    this.#sweep(now);
    const grant = this.#leases.get(eventId);
    if (grant === undefined) {
      return this.#grant(eventId, now, []);
    }
    if (this.#isFull(grant)) {
      this.#endWaits(now);
    }
    if (this.#isFull(grant)) {
      return "too many waiters";
    }
    this.#waiting += 1;
    return new Promise((decide) => grant.waiters.push({ waitsUntil: now + waitMs, decide }));
  }

  /** Answers all waiters, because the event is in the queue, even if another lease has been granted since. */
  commit(eventId: string, lease?: Grant) {
    const grant = this.#leases.get(eventId);
    if (grant === undefined) {
      return;
    }
    if (grant === lease) {
      this.#leases.delete(eventId);
    }
    this.#waiting -= grant.waiters.length;
    for (const { decide } of grant.waiters.splice(0)) {
      decide("duplicate");
    }
  }

  /** Ends a lease, unless it has already ended. The first delivery that still waits gets the next one. */
  release(eventId: string, lease: Grant) {
    if (this.#leases.get(eventId) === lease) {
      this.#passOn(eventId, lease, Date.now());
    }
  }

  #sweep(now: number) {
    for (const [eventId, grant] of this.#leases) {
      if (grant.endsAt > now) {
        return;
      }
      this.#passOn(eventId, grant, now);
    }
  }

  #passOn(eventId: string, { waiters }: Grant, now: number) {
    this.#leases.delete(eventId);
    for (let waiter = waiters.shift(); waiter !== undefined; waiter = waiters.shift()) {
      this.#waiting -= 1;
      if (now < waiter.waitsUntil) {
        waiter.decide(this.#grant(eventId, now, waiters));
        return;
      }
      waiter.decide("wait ended");
    }
  }

  #grant(eventId: string, now: number, waiters: Waiter[]): Grant {
    const grant = { endsAt: now + maxLeaseMs, waiters };
    this.#leases.set(eventId, grant);
    return grant;
  }

  #isFull({ waiters }: Grant) {
    return waiters.length >= maxEventWaiters || this.#waiting >= maxWaiters;
  }

  /** Ends the waits whose callers have given up. */
  #endWaits(now: number) {
    for (const grant of this.#leases.values()) {
      const ended = grant.waiters.filter(({ waitsUntil }) => waitsUntil <= now);
      grant.waiters = grant.waiters.filter(({ waitsUntil }) => waitsUntil > now);
      this.#waiting -= ended.length;
      for (const { decide } of ended) {
        decide("wait ended");
      }
    }
  }
}
