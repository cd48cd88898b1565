// Strict mode, in the object: leases events, and keeps a row for each queued event. It calls no other service, because
// all requests to an object share six connections.

import { DurableObject, RpcTarget } from "cloudflare:workers";
import { type Grant, LeaseTable } from "./leases.js";
import type { Env } from "./settings.js";

const purgeIntervalMs = 24 * 60 * 60 * 1000;

type Answer = { outcome: "leased"; lease: Lease } | { outcome: "duplicate" | "wait ended" | "too many waiters" };

export class Deduper extends DurableObject<Env> {
  #leases = new LeaseTable();
  #opened: Rows | undefined;

  async acquire(eventId: string, ignoresRow: boolean, waitMs: number): Promise<Answer> {
    if (!ignoresRow && this.#rows().has(eventId)) {
      return { outcome: "duplicate" };
    }
    const decision = await this.#leases.acquire(eventId, waitMs);
    if (typeof decision === "string") {
      return { outcome: decision };
    }
    const commit = (endsAt: number) => this.#mark(eventId, endsAt, decision);
    return { outcome: "leased", lease: new Lease(commit, () => this.#leases.release(eventId, decision)) };
  }

  /** Writes the row of an event whose lease this object has forgotten, because it has restarted. */
  async mark(eventId: string, endsAt: number) {
    await this.#mark(eventId, endsAt);
  }

  override async alarm() {
    this.#rows().purge();
    await this.ctx.storage.setAlarm(Date.now() + purgeIntervalMs);
  }

  async #mark(eventId: string, endsAt: number, lease?: Grant) {
    const rows = this.#rows();
    rows.write(eventId, endsAt);
    this.#leases.commit(eventId, lease);
    await rows.planPurge();
  }

  #rows() {
    this.#opened ??= new Rows(this.ctx.storage);
    return this.#opened;
  }
}

/** A lease that its holder calls remotely. It is released when the holder disposes of it or ends in any way. */
class Lease extends RpcTarget {
  #commit;
  #release;

  constructor(commit: (endsAt: number) => Promise<void>, release: () => void) {
    super();
    this.#commit = commit;
    this.#release = release;
  }

  commit(endsAt: number) {
    return this.#commit(endsAt);
  }

  [Symbol.dispose]() {
    this.#release();
  }
}

class Rows {
  #planned = false;

  constructor(private readonly storage: DurableObjectStorage) {
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL) WITHOUT ROWID",
    );
  }

  has(eventId: string) {
    const query = "SELECT 1 FROM seen WHERE event_id = ? AND ends_at > ?";
    return this.storage.sql.exec(query, eventId, Date.now()).toArray().length > 0;
  }

  write(eventId: string, endsAt: number) {
    this.storage.sql.exec("INSERT OR REPLACE INTO seen (event_id, ends_at) VALUES (?, ?)", eventId, endsAt);
  }

  purge() {
    this.storage.sql.exec("DELETE FROM seen WHERE ends_at <= ?", Date.now());
  }

  /** Asks the storage only once: asking at every event would be too slow. */
  async planPurge() {
    if (this.#planned) {
      return;
    }
    this.#planned = true;
    if ((await this.storage.getAlarm()) === null) {
      await this.storage.setAlarm(Date.now() + purgeIntervalMs);
    }
  }
}
