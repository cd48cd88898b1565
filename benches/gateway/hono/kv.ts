// Workers KV as the store of seen events. It cannot stop the second of two simultaneous deliveries.

import type { DedupeStore, Delivery, Lease } from "./commit.js";
import type { Message } from "./message.js";
import { describe, late, within } from "./time.js";

const cacheTtl = 30;

export class KvStore implements DedupeStore {
  constructor(private readonly namespace: KVNamespace) {}

  async acquire({ message, deadlineMs }: Delivery): Promise<Lease | "duplicate"> {
    const found = message.ignoresMarker ? false : await this.#look(message.eventId, deadlineMs / 8);
    if (found === true) {
      return "duplicate";
    }
    return { doubt: found === false ? undefined : found, commit: () => this.#mark(message), release() {} };
  }

  /** Returns true if the event has been seen, or the reason why that is unknown. */
  async #look(eventId: string, ms: number) {
    try {
      const found = await within(this.namespace.get(`seen:${eventId}`, { cacheTtl }), ms);
      if (found === late) {
        return `look-up timed out after ${ms} ms`;
      }
      return typeof found === "string";
    } catch (error) {
      return `look-up failed: ${describe(error)}`;
    }
  }

  async #mark({ eventId, receivedAt, ttlMs }: Message) {
    await this.namespace.put(`seen:${eventId}`, "", {
      expirationTtl: Math.ceil(ttlMs / 1000),
      metadata: { receivedAt: new Date(receivedAt).toISOString() },
    });
  }
}
