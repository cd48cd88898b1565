// What the object `Activity` knows: counts by minute and by hour, and records of deliveries, within a budget of rows.

import type {
  AcceptedPage,
  ActivityPeriod,
  ActivityRecord,
  ActivityStatus,
  ActivitySummary,
  DeliveryPage,
  DeliveryQuery,
  GatewayStatus,
  SummaryQuery,
} from "../../pkg/src/activity.ts";
import { boundsMs, Counts, type CountsJson, type LogLine } from "./activity-counts.js";
import { dayMs, Hours, hourMs, hoursTable, type MinuteJson, minuteMs } from "./activity-hours.js";
import { pagesTable, Records, type RecordsJson } from "./activity-records.js";

/** The part of the object's database that is used. */
export interface Sql {
  exec(query: string, ...values: unknown[]): { toArray(): Record<string, unknown>[] };
}

/** The part of the object's storage that is used. */
export interface Storage {
  readonly sql: {
    exec(query: string, ...values: unknown[]): { toArray(): Record<string, unknown>[]; readonly rowsWritten: number };
    readonly databaseSize: number;
  };
  transactionSync<Result>(work: () => Result): Result;
}

/** Refused deliveries that are counted, and have no lines. */
export interface UnsignedCount {
  /** As `2026-11-24T06:55`. */
  readonly minute: string;
  readonly code: string;
  readonly isMismatch: boolean;
  readonly deliveries: number;
}

/** Lines that an isolate sends together. */
export interface Batch {
  readonly isolate: string;
  /** The first batch of an isolate is 1. One that comes again is ignored. */
  readonly number: number;
  /** The numbers of lines that the isolate had written before this batch, and after it. */
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
  readonly counts: readonly UnsignedCount[];
}

/** The gateway that sends a batch. */
export interface Gateway {
  readonly deployment: string | null;
  readonly tag: string | null;
  /** The answer of its health check, as JSON. */
  readonly health: string;
}

/** Half of the rows that the free plan may write in a day. The other half is for strict mode. */
const rowBudget = 50_000;

/** The least time between two writes: a busy gateway has more flushes than that ... */
const writeIntervalMs = 1000;

/** ... and the same after the day's budget is used up. What an object holds in memory is lost if it ends. */
const frugalIntervalMs = 60_000;

/** The open minutes and records are moved to their tables after this time, or if there are so many records. */
const rollIntervalMs = 600_000;
const manyRecords = 250;

/** A line whose time is further off is counted at the time of its flush. */
const maxLateMs = hourMs;

/** An isolate that has sent nothing for this long has ended. */
const isolateKeptMs = dayMs;
const maxIsolates = 2000;

const maxGateways = 8;

/** A health check's answer is shorter. */
const maxHealthCharacters = 4096;

const tables = [
  "CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT",
  hoursTable,
  pagesTable,
];

interface Isolate {
  /** The last batch, and the number of lines up to it. */
  number: number;
  to: number;
  at: number;
}

/** The row that each write replaces: all that is in no other table yet. */
interface StateJson {
  minutes: MinuteJson[];
  records: RecordsJson;
  isolates: [string, Isolate][];
  gateways: MutableGateway[];
  day: { date: string; rows: number };
  rolledAt: number;
  compactedTo: number;
}

type MutableGateway = { -readonly [Name in keyof GatewayStatus]: GatewayStatus[Name] };

export class ActivityStore {
  #storage: Storage;
  #now: () => number;
  #minutes: Map<number, Counts>;
  #hours: Hours;
  #records: Records;
  #isolates: Map<string, Isolate>;
  #gateways: MutableGateway[];
  #day: { date: string; rows: number };
  #rolledAt: number;
  #compactedTo: number;
  #writtenAt = 0;
  #isDirty = false;

  constructor(storage: Storage, now: () => number = Date.now) {
    this.#storage = storage;
    this.#now = now;
    for (const table of tables) {
      storage.sql.exec(table);
    }
    const sql = this.#countedSql();
    this.#hours = new Hours(sql);
    const [row] = storage.sql.exec("SELECT json FROM state").toArray();
    const state: StateJson | undefined = row === undefined ? undefined : JSON.parse(String(row.json));
    this.#minutes = new Map(state?.minutes.map(([minute, json]) => [minute, Counts.from(json)]));
    this.#records = new Records(sql, state?.records);
    this.#isolates = new Map(state?.isolates);
    this.#gateways = state?.gateways ?? [];
    this.#day = state?.day ?? { date: "", rows: 0 };
    this.#rolledAt = state?.rolledAt ?? now();
    this.#compactedTo = state?.compactedTo ?? 0;
  }

  /** Takes the lines of a batch into memory. A batch that has been taken before changes nothing. */
  add(batch: Batch, gateway: Gateway): void {
    const now = this.#now();
    const known = this.#isolates.get(batch.isolate);
    if (known !== undefined && batch.number <= known.number) {
      return;
    }
    this.#isDirty = true;
    this.#isolates.set(batch.isolate, { number: batch.number, to: batch.to, at: now });
    const { keys, ...status } = this.#gatewayOf(gateway, now);
    for (const text of batch.lines) {
      const line: LogLine = JSON.parse(text);
      this.#minute(Date.parse(line.at), now).add(line);
      this.#records.add(line, now);
      if (line.key !== undefined) {
        const deliveries = (keys[line.key]?.deliveries ?? 0) + 1;
        (keys as Record<string, object>)[line.key] = { deliveries, lastAt: line.at };
      }
    }
    this.#gateways = [{ ...status, keys }, ...this.#gateways].slice(0, maxGateways);
    let counted = 0;
    for (const { minute, code, isMismatch, deliveries } of batch.counts) {
      this.#minute(Date.parse(`${minute}:00Z`), now).addUnsigned(code, isMismatch, deliveries);
      counted += deliveries;
    }
    // Lines that the isolate had no room for, and those that this object had taken and not written when it ended.
    const missing = batch.from - (known?.to ?? batch.from) + (batch.to - batch.from - batch.lines.length - counted);
    if (missing > 0) {
      this.#minute(now, now).addLost(missing);
    }
  }

  /** Returns the time until the next write is allowed; never if there is nothing to write. */
  msUntilWrite(): number {
    if (!this.#isDirty) {
      return Number.POSITIVE_INFINITY;
    }
    const isFrugal = this.#rowsToday() >= rowBudget;
    return this.#writtenAt + (isFrugal ? frugalIntervalMs : writeIntervalMs) - this.#now();
  }

  /** Writes all that is in memory. */
  write(): void {
    const now = this.#now();
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      if (now - this.#rolledAt >= rollIntervalMs || this.#records.open >= manyRecords) {
        this.#roll(now);
      }
      this.#count(1);
      sql.exec("INSERT OR REPLACE INTO state (id, json) VALUES (1, ?)", JSON.stringify(this.#state()));
    });
    this.#writtenAt = now;
    this.#isDirty = false;
  }

  /** Moves what is open to its tables, and drops what is too old. */
  tidy(): void {
    this.#rolledAt = 0;
    this.write();
  }

  summary({ by, from, to }: SummaryQuery): ActivitySummary {
    const unitMs = by === "minute" ? minuteMs : by === "hour" ? hourMs : dayMs;
    const [start, end] = [Date.parse(from), Date.parse(to)];
    const periods = new Map<number, Counts>();
    const add = (at: number, counts: CountsJson) => {
      if (at >= start && at < end) {
        const period = Math.floor(at / unitMs) * unitMs;
        const sum = periods.get(period) ?? new Counts();
        sum.merge(counts);
        periods.set(period, sum);
      }
    };
    for (const [minute, counts] of this.#hours.read(start, end, { compact: by !== "minute" })) {
      add(minute * minuteMs, counts);
    }
    for (const [minute, counts] of this.#minutes) {
      add(minute * minuteMs, counts.toJSON());
    }
    return {
      by,
      boundsMs,
      periods: [...periods]
        .sort(([one], [other]) => one - other)
        .map(([at, counts]): ActivityPeriod => ({ at: new Date(at).toISOString(), ...counts.toJSON() })),
    };
  }

  deliveries(query: DeliveryQuery): DeliveryPage {
    return this.#records.list(query, this.#now());
  }

  accepted(query: { readonly after: number; readonly limit: number }): AcceptedPage {
    return this.#records.accepted(query);
  }

  event(eventId: string): readonly ActivityRecord[] {
    return this.#records.event(eventId, this.#now());
  }

  /** Removes the records of an event at once. */
  erase(eventId: string): number {
    const erased = this.#records.erase(eventId);
    this.write();
    return erased;
  }

  status(): ActivityStatus {
    const now = this.#now();
    const day = {
      by: "day" as const,
      from: new Date(now - dayMs).toISOString(),
      to: new Date(now + hourMs).toISOString(),
    };
    const sums = this.summary(day).periods.map(({ codes, others, lost }) => ({
      received: [...Object.values(codes), ...Object.values(others)].reduce((sum, lines) => sum + lines, 0),
      lost,
    }));
    return {
      gateways: this.#gateways,
      received: sums.reduce((sum, { received }) => sum + received, 0),
      lost: sums.reduce((sum, { lost }) => sum + lost, 0),
      rowsToday: this.#rowsToday(),
      rowBudget,
      records: this.#records.size,
      bytes: this.#storage.sql.databaseSize,
    };
  }

  #minute(at: number, now: number): Counts {
    const time = at > now - maxLateMs && at <= now + minuteMs ? at : now;
    const minute = Math.floor(time / minuteMs);
    const counts = this.#minutes.get(minute) ?? new Counts();
    this.#minutes.set(minute, counts);
    return counts;
  }

  /** Takes the gateway of a deployment out of the list, or makes one. */
  #gatewayOf({ deployment, tag, health }: Gateway, now: number): MutableGateway {
    const at = new Date(now).toISOString();
    const known = this.#gateways.find((one) => one.deployment === deployment);
    this.#gateways = this.#gateways.filter((one) => one !== known);
    const parsed: Record<string, unknown> = JSON.parse(health.length > maxHealthCharacters ? "{}" : health);
    return { deployment, tag, firstAt: known?.firstAt ?? at, lastAt: at, health: parsed, keys: { ...known?.keys } };
  }

  #state(): StateJson {
    return {
      minutes: [...this.#minutes].map(([minute, counts]) => [minute, counts.toJSON()]),
      records: this.#records.toJSON(),
      isolates: [...this.#isolates],
      gateways: this.#gateways,
      day: this.#day,
      rolledAt: this.#rolledAt,
      compactedTo: this.#compactedTo,
    };
  }

  #roll(now: number): void {
    this.#hours.add(this.#minutes);
    this.#minutes = new Map();
    this.#records.roll();
    for (const [id, { at }] of this.#isolates) {
      if (at < now - isolateKeptMs || this.#isolates.size > maxIsolates) {
        this.#isolates.delete(id);
      }
    }
    const compactedTo = this.#hours.compact(now, this.#compactedTo);
    if (compactedTo > this.#compactedTo) {
      this.#records.expire(now);
    }
    this.#compactedTo = compactedTo;
    this.#rolledAt = now;
  }

  /** The database, with a count of the written rows. */
  #countedSql(): Sql {
    return {
      exec: (query, ...values) => {
        const cursor = this.#storage.sql.exec(query, ...values);
        const rows = cursor.toArray();
        this.#count(cursor.rowsWritten);
        return { toArray: () => rows };
      },
    };
  }

  #rowsToday(): number {
    return this.#day.date === this.#date() ? this.#day.rows : 0;
  }

  #count(rows: number): void {
    this.#day = { date: this.#date(), rows: this.#rowsToday() + rows };
  }

  #date(): string {
    return new Date(this.#now()).toISOString().slice(0, 10);
  }
}
