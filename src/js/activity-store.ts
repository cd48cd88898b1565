// Counts deliveries by minute and by hour, and keeps their records, within a budget of rows.

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
import { pagesTable } from "./activity-pages.js";
import { Records, type RecordsJson } from "./activity-records.js";
import { type Batch, type Gateway, Gateways, Isolates, type IsolatesJson } from "./activity-sources.js";

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

/** Half of the rows that the free plan may write in a day. The other half is for strict mode. */
const rowBudget = 50_000;

/** The least time between two writes: a busy gateway has more flushes. An object that ends loses what it has not written. */
const writeIntervalMs = 1000;

/** The least time between two writes after the day's budget is used up. */
const frugalIntervalMs = minuteMs;

/** The open minutes and records are moved to their tables after this time, or if there are so many records. */
const rollIntervalMs = 10 * minuteMs;
const manyRecords = 250;

/** A line whose time is further off is counted at the time of its flush. */
const maxLateMs = hourMs;

const tables = [
  "CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT",
  hoursTable,
  pagesTable,
];

/** The row that each write replaces: all that is in no other table yet. */
interface StateJson {
  id: string;
  minutes: MinuteJson[];
  records: RecordsJson;
  isolates: IsolatesJson;
  gateways: readonly GatewayStatus[];
  day: { date: string; rows: number };
  rolledAt: number;
  compactedTo: number;
}

/** The same in memory. */
interface Memory {
  id: string;
  minutes: Map<number, Counts>;
  records: Records;
  isolates: Isolates;
  gateways: Gateways;
  day: { date: string; rows: number };
  rolledAt: number;
  compactedTo: number;
}

export class ActivityStore {
  #storage: Storage;
  #now: () => number;
  #sql: Sql;
  #hours: Hours;
  #loaded: Memory | undefined;
  #writtenAt = 0;
  #isDirty = false;

  constructor(storage: Storage, now: () => number = Date.now) {
    this.#storage = storage;
    this.#now = now;
    for (const table of tables) {
      storage.sql.exec(table);
    }
    this.#sql = this.#countedSql();
    this.#hours = new Hours(this.#sql);
  }

  get #memory(): Memory {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  #load(): Memory {
    const [row] = this.#storage.sql.exec("SELECT json FROM state").toArray();
    const state: StateJson | undefined = row === undefined ? undefined : JSON.parse(String(row.json));
    return {
      id: state?.id ?? crypto.randomUUID(),
      minutes: new Map(state?.minutes.map(([minute, json]) => [minute, Counts.from(json)])),
      records: new Records(this.#sql, state?.records),
      isolates: new Isolates(state?.isolates),
      gateways: new Gateways(state?.gateways),
      day: state?.day ?? { date: "", rows: 0 },
      rolledAt: state?.rolledAt ?? this.#now(),
      compactedTo: state?.compactedTo ?? 0,
    };
  }

  /** Takes the lines of a batch into memory. A batch that has been taken before changes nothing. */
  add(batch: Batch, gateway: Gateway): void {
    const now = this.#now();
    const { isolates, gateways, records } = this.#memory;
    if (isolates.isRepeat(batch)) {
      return;
    }
    // First, so that a line that cannot be read changes nothing.
    const lines = batch.lines.map((line): LogLine => JSON.parse(line));
    gateways.take(gateway, lines, now);
    const missing = isolates.take(batch, now);
    this.#isDirty = true;
    for (const line of lines) {
      this.#minute(Date.parse(line.at), now).add(line);
      records.add(line, now);
    }
    for (const { minute, code, isMismatch, deliveries } of batch.counts) {
      this.#minute(Date.parse(`${minute}:00Z`), now).addUnsigned(code, isMismatch, deliveries);
    }
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
    this.#change(() => {});
  }

  /** Moves what is open to its tables, and drops what is too old. */
  tidy(): void {
    this.#change(() => this.#roll(this.#now()));
  }

  /** Does something and writes all that is in memory, or changes nothing. */
  #change<Result>(work: () => Result): Result {
    const now = this.#now();
    try {
      const result = this.#storage.transactionSync(() => {
        const done = work();
        if (now - this.#memory.rolledAt >= rollIntervalMs || this.#memory.records.open >= manyRecords) {
          this.#roll(now);
        }
        this.#count(1);
        const json = JSON.stringify(this.#state());
        this.#storage.sql.exec("INSERT OR REPLACE INTO state (id, json) VALUES (1, ?)", json);
        return done;
      });
      this.#writtenAt = now;
      this.#isDirty = false;
      return result;
    } catch (error) {
      // The memory may be half moved, so it is read again. The isolates' numbers then show which lines are missing.
      this.#loaded = undefined;
      this.#isDirty = false;
      throw error;
    }
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
    for (const [minute, counts] of this.#memory.minutes) {
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
    return this.#memory.records.list(query, this.#now());
  }

  accepted(query: { readonly after: number; readonly limit: number }): AcceptedPage {
    return { storeId: this.#memory.id, ...this.#memory.records.accepted(query) };
  }

  event(eventId: string): readonly ActivityRecord[] {
    return this.#memory.records.event(eventId, this.#now());
  }

  /** Removes the records of an event at once. */
  erase(eventId: string): number {
    return this.#change(() => this.#memory.records.erase(eventId));
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
      gateways: this.#memory.gateways.toJSON(),
      received: sums.reduce((sum, { received }) => sum + received, 0),
      lost: sums.reduce((sum, { lost }) => sum + lost, 0),
      rowsToday: this.#rowsToday(),
      rowBudget,
      records: this.#memory.records.size,
      bytes: this.#storage.sql.databaseSize,
    };
  }

  #minute(at: number, now: number): Counts {
    const time = at > now - maxLateMs && at <= now + minuteMs ? at : now;
    const minute = Math.floor(time / minuteMs);
    const counts = this.#memory.minutes.get(minute) ?? new Counts();
    this.#memory.minutes.set(minute, counts);
    return counts;
  }

  #state(): StateJson {
    const { minutes, records, isolates, gateways, ...rest } = this.#memory;
    return {
      minutes: [...minutes].map(([minute, counts]) => [minute, counts.toJSON()]),
      records: records.toJSON(),
      isolates: isolates.toJSON(),
      gateways: gateways.toJSON(),
      ...rest,
    };
  }

  #roll(now: number): void {
    const memory = this.#memory;
    this.#hours.add(memory.minutes);
    memory.minutes = new Map();
    memory.records.roll();
    memory.isolates.prune(now);
    const compactedTo = this.#hours.compact(now, memory.compactedTo);
    if (compactedTo > memory.compactedTo) {
      memory.records.expire(now);
    }
    memory.compactedTo = compactedTo;
    memory.rolledAt = now;
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
    return this.#memory.day.date === this.#date() ? this.#memory.day.rows : 0;
  }

  #count(rows: number): void {
    this.#memory.day = { date: this.#date(), rows: this.#rowsToday() + rows };
  }

  #date(): string {
    return new Date(this.#now()).toISOString().slice(0, 10);
  }
}
