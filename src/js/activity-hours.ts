// The counts of the past, in one row an hour: each minute for 2 days, the whole hour for 90.

import { Counts, type CountsJson } from "./activity-counts.js";
import type { Sql } from "./activity-store.js";

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

const minutesKeptMs = 2 * dayMs;
const hoursKeptMs = 90 * dayMs;

export const hoursTable = `CREATE TABLE IF NOT EXISTS hours (
  hour INTEGER PRIMARY KEY, is_compact INTEGER NOT NULL, minutes TEXT NOT NULL
) STRICT`;

/** The counts of a minute, by its number since 1970. */
export type MinuteJson = [minute: number, counts: CountsJson];

export class Hours {
  #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Returns the counts from a time to another. Without `compact`, only hours whose minutes are known. */
  *read(from: number, to: number, { compact }: { readonly compact: boolean }): Generator<MinuteJson> {
    const rows = this.#sql
      .exec(
        `SELECT minutes FROM hours WHERE hour >= ? AND hour < ? ${compact ? "" : "AND NOT is_compact"}`,
        Math.floor(from / hourMs),
        Math.ceil(to / hourMs),
      )
      .toArray();
    for (const { minutes } of rows) {
      yield* parse(minutes);
    }
  }

  /** Adds the counts of minutes to those that are stored. */
  add(minutes: ReadonlyMap<number, Counts>): void {
    const byHour = Map.groupBy(minutes, ([minute]) => Math.floor((minute * minuteMs) / hourMs));
    for (const [hour, added] of byHour) {
      const [row] = this.#sql.exec("SELECT minutes FROM hours WHERE hour = ?", hour).toArray();
      const sums = new Map(parse(row?.minutes).map(([minute, counts]) => [minute, Counts.from(counts)]));
      for (const [minute, counts] of added) {
        const sum = sums.get(minute) ?? new Counts();
        sum.merge(counts.toJSON());
        sums.set(minute, sum);
      }
      this.#replace(hour, false, sums);
    }
  }

  /** Merges the minutes of hours that have become old since `compactedTo`, and drops the oldest hours. Returns the new limit. */
  compact(now: number, compactedTo: number): number {
    const limit = Math.floor((now - minutesKeptMs) / hourMs);
    if (limit <= compactedTo) {
      return compactedTo;
    }
    const rows = this.#sql
      .exec("SELECT hour, minutes FROM hours WHERE hour >= ? AND hour < ? AND NOT is_compact", compactedTo, limit)
      .toArray();
    for (const { hour, minutes } of rows) {
      const sum = new Counts();
      for (const [, counts] of parse(minutes)) {
        sum.merge(counts);
      }
      this.#replace(Number(hour), true, new Map([[(Number(hour) * hourMs) / minuteMs, sum]]));
    }
    this.#sql.exec("DELETE FROM hours WHERE hour < ?", Math.floor((now - hoursKeptMs) / hourMs));
    return limit;
  }

  #replace(hour: number, isCompact: boolean, minutes: ReadonlyMap<number, Counts>): void {
    const json = JSON.stringify([...minutes].map(([minute, counts]) => [minute, counts.toJSON()]));
    this.#sql.exec(
      "INSERT OR REPLACE INTO hours (hour, is_compact, minutes) VALUES (?, ?, ?)",
      ...[hour, isCompact ? 1 : 0, json],
    );
  }
}

function parse(minutes: unknown): MinuteJson[] {
  return minutes === undefined ? [] : JSON.parse(String(minutes));
}
