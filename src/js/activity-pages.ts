// Stores records in pages, of which each kind has a limited number.

import type { ActivityRecord } from "../../pkg/src/activity.ts";
import type { Sql } from "./activity-store.js";

/** A record, and the number of events on the queue up to it, if it is one of them. */
export type KeptRecord = ActivityRecord & { readonly queued?: number };

/** The records in a page, which has about 13 KB then. */
const recordsPerPage = 50;

export const pagesTable = `CREATE TABLE IF NOT EXISTS pages (
  kind INTEGER NOT NULL, first INTEGER NOT NULL, last_at TEXT NOT NULL, size INTEGER NOT NULL, records TEXT NOT NULL,
  PRIMARY KEY (kind, first)
) STRICT, WITHOUT ROWID`;

/** The pages of a kind, the records in them, and the position of the last one. */
export interface PageTotals {
  pages: number;
  records: number;
  last: number;
}

interface Page {
  readonly first: unknown;
  readonly records: KeptRecord[];
}

/** The pages of one kind. */
export class Pages {
  #sql: Sql;
  #kind: number;
  #most: number;
  readonly totals: PageTotals;

  constructor(sql: Sql, kind: number, most: number, totals: PageTotals) {
    this.#sql = sql;
    this.#kind = kind;
    this.#most = most;
    this.totals = totals;
  }

  append(records: readonly KeptRecord[]): void {
    for (let start = 0; start < records.length; ) {
      start += this.#fill(records.slice(start));
    }
  }

  /** Adds records to the newest page, or begins another one. Returns how many it took. */
  #fill(records: readonly KeptRecord[]): number {
    const query = "SELECT first, size, records FROM pages WHERE kind = ? ORDER BY first DESC LIMIT 1";
    const newest = this.#first(query);
    const isNew = newest === undefined || Number(newest.size) >= recordsPerPage;
    const page = isNew ? [] : parse(newest.records);
    const taken = records.slice(0, recordsPerPage - page.length);
    page.push(...taken);
    const last = taken.at(-1);
    if (last === undefined) {
      return records.length;
    }
    const first = isNew ? page[0]?.position : Number(newest.first);
    this.#sql.exec(
      "INSERT OR REPLACE INTO pages (kind, first, last_at, size, records) VALUES (?, ?, ?, ?, ?)",
      ...[this.#kind, first, last.at, page.length, JSON.stringify(page)],
    );
    this.totals.pages += isNew ? 1 : 0;
    this.totals.records += taken.length;
    this.totals.last = last.position;
    if (this.totals.pages > this.#most) {
      this.#dropOldest();
    }
    return taken.length;
  }

  /** Deletes the records from before a time. */
  expire(before: string): void {
    let oldest = this.#oldest();
    while (oldest !== undefined && String(oldest.last_at) < before) {
      this.#dropOldest();
      oldest = this.#oldest();
    }
    if (oldest !== undefined) {
      this.#keep({ first: oldest.first, records: parse(oldest.records) }, ({ at }) => at >= before);
    }
  }

  /** Lists the records of an event. */
  event(eventId: string): KeptRecord[] {
    return this.#pagesWith(eventId).flatMap(({ records }) => records.filter((record) => record.eventId === eventId));
  }

  /** Removes the records of an event. Returns how many there were. */
  erase(eventId: string): number {
    return this.#pagesWith(eventId).reduce(
      (erased, page) => erased + this.#keep(page, (record) => record.eventId !== eventId),
      0,
    );
  }

  /** Lists records before a position, the newest first. */
  *descending(before: number): Generator<KeptRecord> {
    const query = "SELECT first, records FROM pages WHERE kind = ? AND first < ? ORDER BY first DESC LIMIT 1";
    for (let page = this.#first(query, before); page !== undefined; page = this.#first(query, page.first)) {
      yield* parse(page.records)
        .filter(({ position }) => position < before)
        .reverse();
    }
  }

  /** Lists records after a position, the oldest first. */
  *ascending(after: number): Generator<KeptRecord> {
    if (after >= this.totals.last) {
      return;
    }
    const start = this.#first("SELECT max(first) AS first FROM pages WHERE kind = ? AND first <= ?", after);
    const query = "SELECT first, records FROM pages WHERE kind = ? AND first >= ? ORDER BY first LIMIT 1";
    let page = this.#first(query, Number(start?.first ?? 0));
    while (page !== undefined) {
      yield* parse(page.records).filter(({ position }) => position > after);
      page = this.#first(query, Number(page.first) + 1);
    }
  }

  #first(query: string, ...values: unknown[]): Record<string, unknown> | undefined {
    return this.#sql.exec(query, this.#kind, ...values).toArray()[0];
  }

  #oldest(): Record<string, unknown> | undefined {
    return this.#first("SELECT first, last_at, records FROM pages WHERE kind = ? ORDER BY first LIMIT 1");
  }

  #dropOldest(): void {
    const oldest = "SELECT min(first) FROM pages WHERE kind = ?1";
    const dropped = this.#first(`DELETE FROM pages WHERE kind = ?1 AND first = (${oldest}) RETURNING size`);
    if (dropped !== undefined) {
      this.totals.pages -= 1;
      this.totals.records -= Number(dropped.size);
    }
  }

  /** Keeps some records of a page. Returns how many it removed. */
  #keep({ first, records }: Page, isKept: (record: KeptRecord) => boolean): number {
    const left = records.filter(isKept);
    const removed = records.length - left.length;
    if (removed > 0) {
      const query = "UPDATE pages SET records = ?, size = ? WHERE kind = ? AND first = ?";
      this.#sql.exec(query, JSON.stringify(left), left.length, this.#kind, first);
      this.totals.records -= removed;
    }
    return removed;
  }

  #pagesWith(eventId: string): Page[] {
    // As it stands in the JSON.
    const text = JSON.stringify(eventId).slice(1, -1);
    return this.#sql
      .exec("SELECT first, records FROM pages WHERE kind = ? AND instr(records, ?) > 0", this.#kind, text)
      .toArray()
      .map(({ first, records }) => ({ first, records: parse(records) }));
  }
}

function parse(records: unknown): KeptRecord[] {
  return JSON.parse(String(records));
}
