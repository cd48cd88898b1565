// Strict mode, in the Worker: each event belongs to one of 16 objects, which leases it to one delivery at a time.

import type { DedupeStore, Delivery, Lease } from "./commit.js";
import type { Deduper } from "./deduper.js";
import { Refusal } from "./refusal.js";
import { describe, late, within } from "./time.js";

const shards = 16;

/** The longest that a commit through the lease may take. */
const commitMs = 5000;

export class ShardStore implements DedupeStore {
  constructor(private readonly namespace: DurableObjectNamespace<Deduper>) {}

  async acquire({ message, arrived, deadlineMs }: Delivery): Promise<Lease | "duplicate"> {
    const { eventId, ignoresMarker, receivedAt, ttlMs } = message;
    // The other half of the time is for the send.
    const waitMs = arrived + deadlineMs / 2 - Date.now();
    const asked = this.#ask(eventId, ignoresMarker, waitMs);
    const answer = await within(asked, waitMs).catch((error) => {
      throw new Refusal("unavailable", `deduper failed: ${describe(error)}`);
    });
    if (answer === late) {
      // Otherwise a lease that arrives now would be held until this request has ended.
      asked.then((answer) => answer[Symbol.dispose]()).catch(() => {});
      throw noLease(waitMs);
    }
    if (answer.outcome === "leased") {
      const { lease } = answer;
      const endsAt = receivedAt + ttlMs;
      return {
        commit: async () => {
          const committed = await within(lease.commit(endsAt), commitMs).catch(() => late);
          if (committed === late) {
            // An object that has restarted has forgotten its leases, and its old stub fails.
            await this.#stub(eventId).mark(eventId, endsAt);
          }
        },
        release: () => answer[Symbol.dispose](),
      };
    }
    answer[Symbol.dispose]();
    switch (answer.outcome) {
      case "duplicate":
        return "duplicate";
      case "wait ended":
        throw noLease(waitMs);
      case "too many waiters":
        throw new Refusal("unavailable", "too many deliveries wait for a lease");
    }
  }

  /** Turns an error that is thrown synchronously into a rejection. */
  async #ask(eventId: string, ignoresRow: boolean, waitMs: number) {
    return this.#stub(eventId).acquire(eventId, ignoresRow, waitMs);
  }

  #stub(eventId: string) {
    return this.namespace.get(this.namespace.idFromName(String(shardOf(eventId))));
  }
}

function noLease(waitMs: number) {
  return new Refusal("unavailable", `deduper granted no lease within ${waitMs} ms`);
}

/** The shard of an event: FNV-1a of its id. */
function shardOf(eventId: string) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < eventId.length; index += 1) {
    hash = Math.imul(hash ^ eventId.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 16) % shards;
}
