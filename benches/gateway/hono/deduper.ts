// Strict mode: one place commits an event, one flight at a time.

import { DurableObject } from "cloudflare:workers";
import { type Committed, lookSendMark, type Store, sendUntil } from "./commit.js";
import { logLater } from "./log.js";
import type { Message } from "./message.js";
import type { Env } from "./settings.js";
import { late, within } from "./time.js";

const places = 16;

const purgeIntervalMs = 24 * 60 * 60 * 1000;

/** A send that has not settled by then is taken for lost. */
const maxFlightMs = 90_000;

/** Deliveries that may wait at once. */
const maxWaiting = 2000;

export interface Call {
  message: Message;
  /** How long ago the delivery arrived: the two clocks need not agree. */
  elapsedMs: number;
  deadlineMs: number;
}

interface Flight {
  departed: number;
  committed: Promise<Committed>;
}

/** The place of an event: FNV-1a of its id. */
export function placeOf(eventId: string) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < eventId.length; index += 1) {
    hash = Math.imul(hash ^ eventId.charCodeAt(index), 0x01000193);
  }
  return String((hash >>> 16) % places);
}

export class Deduper extends DurableObject<Env> {
  #flights = new Map<string, Flight>();
  #waiting = 0;
  #store: SqlStore | undefined;

  async commit({ message, elapsedMs, deadlineMs }: Call): Promise<Committed> {
    if (this.#waiting >= maxWaiting) {
      return { outcome: "unavailable", reason: `expected at most ${maxWaiting} deliveries to wait, got more` };
    }
    this.#waiting += 1;
    try {
      const times = { arrived: Date.now() - elapsedMs, deadlineMs };
      const underWay = this.#flights.get(message.eventId);
      const waits = underWay !== undefined && Date.now() - underWay.departed < maxFlightMs;
      const flight = waits ? underWay : this.#depart(message, times);

      const limit = sendUntil(times) - Date.now();
      const committed = await within(flight.committed, limit);
      if (committed === late) {
        return { outcome: "unavailable", reason: `expected the queue to answer within ${limit} ms, got no answer` };
      }
      return waits && committed.outcome === "new" ? { outcome: "duplicate" } : committed;
    } finally {
      this.#waiting -= 1;
    }
  }

  override async alarm() {
    this.#rows().purge();
    await this.ctx.storage.setAlarm(Date.now() + purgeIntervalMs);
  }

  #rows() {
    this.#store ??= new SqlStore(this.ctx.storage);
    return this.#store;
  }

  #depart(message: Message, times: { arrived: number; deadlineMs: number }): Flight {
    const flight = { departed: Date.now(), committed: this.#fly(message, times) };
    this.#flights.set(message.eventId, flight);
    const arrive = () => {
      if (this.#flights.get(message.eventId) === flight) {
        this.#flights.delete(message.eventId);
      }
    };
    flight.committed.then(arrive, arrive);
    return flight;
  }

  async #fly(message: Message, times: { arrived: number; deadlineMs: number }) {
    const keep = (work: Promise<unknown>) => this.ctx.waitUntil(work);
    const committed = await lookSendMark(message, times, this.#rows(), this.env.EVENTS, keep, false);
    if (Date.now() > sendUntil(times) && committed.outcome !== "duplicate") {
      const [outcome, reason] =
        committed.outcome === "new" ? ["late_commit", undefined] : ["late_send_failed", committed.reason];
      logLater("warn", times.arrived, { outcome, eventId: message.eventId, ...(reason !== undefined && { reason }) });
    }
    return committed;
  }
}

class SqlStore implements Store {
  #planned = false;

  constructor(private readonly storage: DurableObjectStorage) {
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL) WITHOUT ROWID",
    );
  }

  async seen(eventId: string) {
    const query = "SELECT 1 FROM seen WHERE event_id = ? AND ends_at > ?";
    return this.storage.sql.exec(query, eventId, Date.now()).toArray().length > 0;
  }

  async mark({ eventId, receivedAt, ttlMs }: Message) {
    const query = "INSERT OR REPLACE INTO seen (event_id, ends_at) VALUES (?, ?)";
    this.storage.sql.exec(query, eventId, receivedAt + ttlMs);
    if (!this.#planned) {
      this.#planned = true;
      await this.#planPurge();
    }
  }

  purge() {
    this.storage.sql.exec("DELETE FROM seen WHERE ends_at <= ?", Date.now());
  }

  async #planPurge() {
    if ((await this.storage.getAlarm()) === null) {
      await this.storage.setAlarm(Date.now() + purgeIntervalMs);
    }
  }
}
