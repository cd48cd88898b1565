// Workers KV as the store of seen events.

import type { Store } from "./commit.js";
import type { Message } from "./message.js";

const cacheTtl = 30;

export class KvStore implements Store {
  constructor(private readonly namespace: KVNamespace) {}

  async seen(eventId: string) {
    return (await this.namespace.get(`seen:${eventId}`, { cacheTtl })) !== null;
  }

  async mark({ eventId, receivedAt, ttlMs }: Message) {
    await this.namespace.put(`seen:${eventId}`, "", {
      expirationTtl: Math.ceil(ttlMs / 1000),
      metadata: { receivedAt: new Date(receivedAt).toISOString() },
    });
  }
}
