// Keeps the records of deliveries, in pages of the object's database, within a quota for each kind of outcome.

import type { AcceptedPage, ActivityRecord, DeliveryPage, DeliveryQuery } from "../../pkg/src/activity.ts";
import type { LogLine } from "./activity-counts.js";
import type { Sql } from "./activity-store.js";

/** A kind of outcomes. One kind never takes the place of another: a flood of forgeries must not push out the failures. */
interface Kind {
  readonly name: string;
  /** The most records that are kept in a minute: the object writes all that it keeps of it at each flush. */
  readonly perMinute: number;
  readonly pages: number;
}

/** `queued` has the events that are on the queue: the outcomes `accepted` and `late_commit`. */
const kinds: readonly Kind[] = [
  { name: "queued", perMinute: 200, pages: 1000 },
  { name: "duplicate", perMinute: 50, pages: 60 },
  { name: "refused", perMinute: 50, pages: 60 },
  { name: "unsigned", perMinute: 20, pages: 40 },
  { name: "failed", perMinute: 100, pages: 100 },
  { name: "other", perMinute: 50, pages: 40 },
];

const queued = 0;

/** The records in a page, which has about 13 KB then. */
const recordsPerPage = 50;

/** Longer texts are cut. A reason has at most some 300 characters. */
const maxCharacters = 320;

const keptMs = 30 * 86_400_000;

/** A record, and the number of events on the queue up to it, if it is one of them. */
type KeptRecord = ActivityRecord & { readonly queued?: number };

interface Page {
  readonly kind: number;
  readonly first: unknown;
  readonly records: KeptRecord[];
}

/** The state that is stored with each flush. */
export interface RecordsJson {
  position: number;
  queued: number;
  minute: number;
  keptInMinute: number[];
  /** The records that are in no page yet, by kind. */
  open: KeptRecord[][];
  /** The pages, the records in them, and the position of the last one, by kind. */
  pages: { pages: number; records: number; last: number }[];
}

export const pagesTable = `CREATE TABLE IF NOT EXISTS pages (
  kind INTEGER NOT NULL, first INTEGER NOT NULL, last_at TEXT NOT NULL, size INTEGER NOT NULL, records TEXT NOT NULL,
  PRIMARY KEY (kind, first)
) STRICT, WITHOUT ROWID`;

export class Records {
  #sql: Sql;
  #state: RecordsJson;

  constructor(sql: Sql, state: RecordsJson | undefined) {
    this.#sql = sql;
    this.#state = state ?? {
      position: 0,
      queued: 0,
      minute: 0,
      keptInMinute: kinds.map(() => 0),
      open: kinds.map(() => []),
      pages: kinds.map(() => ({ pages: 0, records: 0, last: 0 })),
    };
  }

  toJSON(): RecordsJson {
    return this.#state;
  }

  /** The records that are in no page yet. */
  get open(): number {
    return this.#state.open.reduce((sum, { length }) => sum + length, 0);
  }

  get size(): number {
    return this.#state.pages.reduce((sum, { records }) => sum + records, this.open);
  }

  add(line: LogLine, now: number): void {
    const state = this.#state;
    const kind = kindOf(line);
    const minute = Math.floor(now / 60_000);
    if (minute !== state.minute) {
      state.minute = minute;
      state.keptInMinute = kinds.map(() => 0);
    }
    state.queued += kind === queued ? 1 : 0;
    const kept = state.keptInMinute[kind] ?? 0;
    if (kept >= (kinds[kind]?.perMinute ?? 0)) {
      return;
    }
    state.keptInMinute[kind] = kept + 1;
    state.position += 1;
    const record = recordOf(line, state.position);
    state.open[kind]?.push(kind === queued ? { ...record, queued: state.queued } : record);
  }

  /** Moves the open records into pages. */
  roll(): void {
    for (const [kind, open] of this.#state.open.entries()) {
      for (let start = 0; start < open.length; ) {
        start += this.#append(kind, open.slice(start));
      }
      this.#state.open[kind] = [];
    }
  }

  /** Adds records to the newest page, or begins another one. Returns how many it took. */
  #append(kind: number, records: KeptRecord[]): number {
    const [newest] = this.#sql
      .exec("SELECT first, size, records FROM pages WHERE kind = ? ORDER BY first DESC LIMIT 1", kind)
      .toArray();
    const isNew = newest === undefined || Number(newest.size) >= recordsPerPage;
    const page = isNew ? [] : parse(newest.records);
    const taken = records.slice(0, recordsPerPage - page.length);
    page.push(...taken);
    const last = taken.at(-1);
    const totals = this.#state.pages[kind];
    if (last === undefined || totals === undefined) {
      return records.length;
    }
    const first = isNew ? page[0]?.position : Number(newest.first);
    this.#sql.exec(
      "INSERT OR REPLACE INTO pages (kind, first, last_at, size, records) VALUES (?, ?, ?, ?, ?)",
      ...[kind, first, last.at, page.length, JSON.stringify(page)],
    );
    totals.pages += isNew ? 1 : 0;
    totals.records += taken.length;
    totals.last = last.position;
    if (totals.pages > (kinds[kind]?.pages ?? 0)) {
      this.#dropOldest(kind);
    }
    return taken.length;
  }

  #dropOldest(kind: number): void {
    const [oldest] = this.#sql
      .exec(
        "DELETE FROM pages WHERE kind = ?1 AND first = (SELECT min(first) FROM pages WHERE kind = ?1) RETURNING size",
        kind,
      )
      .toArray();
    const totals = this.#state.pages[kind];
    if (totals !== undefined && oldest !== undefined) {
      totals.pages -= 1;
      totals.records -= Number(oldest.size);
    }
  }

  /** Deletes records that are older than 30 days. */
  expire(now: number): void {
    const limit = keptFrom(now);
    for (const kind of kinds.keys()) {
      let oldest = this.#oldest(kind);
      while (oldest !== undefined && String(oldest.last_at) < limit) {
        this.#dropOldest(kind);
        oldest = this.#oldest(kind);
      }
      if (oldest !== undefined) {
        const records = parse(oldest.records);
        this.#replace(
          { kind, first: oldest.first, records },
          records.filter(({ at }) => at >= limit),
        );
      }
    }
  }

  #oldest(kind: number): Record<string, unknown> | undefined {
    const query = "SELECT first, last_at, records FROM pages WHERE kind = ? ORDER BY first LIMIT 1";
    return this.#sql.exec(query, kind).toArray()[0];
  }

  /** Leaves some records of a page out. */
  #replace({ kind, first, records }: Page, left: KeptRecord[]): void {
    const totals = this.#state.pages[kind];
    if (left.length < records.length && totals !== undefined) {
      const query = "UPDATE pages SET records = ?, size = ? WHERE kind = ? AND first = ?";
      this.#sql.exec(query, JSON.stringify(left), left.length, kind, first);
      totals.records -= records.length - left.length;
    }
  }

  /** Lists records that match, the newest first; or the oldest first, after a position. */
  list({ after, before = Number.MAX_SAFE_INTEGER, limit, ...filter }: DeliveryQuery, now: number): DeliveryPage {
    const limitAt = keptFrom(now);
    const isAscending = after !== undefined;
    const sources = [...kinds.keys()].map((kind) =>
      isAscending ? this.#ascending(kind, after) : this.#descending(kind, before),
    );
    const found: ActivityRecord[] = [];
    for (const record of merged(sources, isAscending ? 1 : -1)) {
      if (isAscending && record.position >= before) {
        break;
      }
      if (record.at >= limitAt && matches(record, filter)) {
        if (found.length === limit) {
          return { deliveries: found, next: found.at(-1)?.position ?? null };
        }
        found.push(shown(record));
      }
    }
    return { deliveries: found, next: null };
  }

  /** Lists the events that were put on the queue after a position. */
  accepted({ after, limit }: { readonly after: number; readonly limit: number }): AcceptedPage {
    const found: KeptRecord[] = [];
    let hasMore = false;
    let previous: KeptRecord | undefined;
    for (const record of this.#ascending(queued, after, (passed) => {
      previous = passed;
    })) {
      if (found.length === limit) {
        hasMore = true;
        break;
      }
      found.push(record);
    }
    const last = found.at(-1);
    const before = previous?.queued ?? (found[0]?.queued ?? 1) - 1;
    return {
      events: found.map(({ position, at, eventId = "", type = null }) => ({ position, at, eventId, type })),
      notKept: last === undefined ? 0 : (last.queued ?? 0) - before - found.length,
      next: hasMore ? (last?.position ?? null) : null,
    };
  }

  /** Lists the records of an event, the oldest first. */
  event(eventId: string, now: number): readonly ActivityRecord[] {
    const paged = this.#pagesWith(eventId).flatMap(({ records }) => records);
    return [...paged, ...this.#state.open.flat()]
      .filter((record) => record.eventId === eventId && record.at >= keptFrom(now))
      .sort((one, other) => one.position - other.position)
      .map(shown);
  }

  /** Removes the records of an event. Returns how many there were. */
  erase(eventId: string): number {
    let erased = 0;
    const others = (records: KeptRecord[]) => {
      const left = records.filter((record) => record.eventId !== eventId);
      erased += records.length - left.length;
      return left;
    };
    for (const page of this.#pagesWith(eventId)) {
      this.#replace(page, others(page.records));
    }
    this.#state.open = this.#state.open.map(others);
    return erased;
  }

  #pagesWith(eventId: string): Page[] {
    const text = JSON.stringify(eventId).slice(1, -1);
    return this.#sql
      .exec("SELECT kind, first, records FROM pages WHERE instr(records, ?) > 0", text)
      .toArray()
      .map(({ kind, first, records }) => ({ kind: Number(kind), first, records: parse(records) }));
  }

  *#descending(kind: number, before: number): Generator<KeptRecord> {
    yield* (this.#state.open[kind] ?? []).filter(({ position }) => position < before).reverse();
    for (let first = before; ; ) {
      const [page] = this.#sql
        .exec("SELECT first, records FROM pages WHERE kind = ? AND first < ? ORDER BY first DESC LIMIT 1", kind, first)
        .toArray();
      if (page === undefined) {
        return;
      }
      yield* parse(page.records)
        .filter(({ position }) => position < before)
        .reverse();
      first = Number(page.first);
    }
  }

  /** `pass` gets the last record that is not after the position, if it is known. */
  *#ascending(kind: number, after: number, pass: (record: KeptRecord) => void = () => {}): Generator<KeptRecord> {
    const open = this.#state.open[kind] ?? [];
    if (after < (this.#state.pages[kind]?.last ?? 0)) {
      const [start] = this.#sql
        .exec("SELECT max(first) AS first FROM pages WHERE kind = ? AND first <= ?", kind, after)
        .toArray();
      for (let first = Number(start?.first ?? 0); ; ) {
        const [page] = this.#sql
          .exec("SELECT first, records FROM pages WHERE kind = ? AND first >= ? ORDER BY first LIMIT 1", kind, first)
          .toArray();
        if (page === undefined) {
          break;
        }
        yield* passed(parse(page.records), after, pass);
        first = Number(page.first) + 1;
      }
    }
    yield* passed(open, after, pass);
  }
}

function keptFrom(now: number): string {
  return new Date(now - keptMs).toISOString();
}

function* passed(records: KeptRecord[], after: number, pass: (record: KeptRecord) => void): Generator<KeptRecord> {
  for (const record of records) {
    if (record.position > after) {
      yield record;
    } else {
      pass(record);
    }
  }
}

/** Merges generators by position. `direction` is 1 for the lowest first, -1 for the highest. */
function* merged(sources: Generator<KeptRecord>[], direction: 1 | -1): Generator<KeptRecord> {
  const heads = sources.map((source) => ({ source, head: source.next() }));
  for (;;) {
    const [next] = heads
      .filter(({ head }) => !head.done)
      .sort((one, other) => direction * (one.head.value.position - other.head.value.position));
    if (next === undefined) {
      return;
    }
    yield next.head.value;
    next.head = next.source.next();
  }
}

function kindOf({ outcome, key }: LogLine): number {
  const isUnsigned = outcome === "rejected" && key === undefined;
  const name =
    outcome === "accepted" || outcome === "late_commit"
      ? "queued"
      : isUnsigned
        ? "unsigned"
        : outcome === "rejected"
          ? "refused"
          : outcome;
  const kind = kinds.findIndex((known) => known.name === name);
  return kind === -1 ? kinds.length - 1 : kind;
}

function recordOf(line: LogLine, position: number): ActivityRecord {
  const { at, outcome, code, reason, eventId, type, bytes, ms, dedupe, key, address, ray, count } = line;
  const fields = { at, outcome, code, reason, eventId, type, bytes, ms, dedupe, key, address, ray, count };
  const known = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const cut = known.map(([name, value]) => [name, typeof value === "string" ? value.slice(0, maxCharacters) : value]);
  return { position, ...(Object.fromEntries(cut) as Omit<ActivityRecord, "position">) };
}

function shown({ queued: _, ...record }: KeptRecord): ActivityRecord {
  return record;
}

function matches(
  record: ActivityRecord,
  { outcome, code, type, address }: Pick<DeliveryQuery, "outcome" | "code" | "type" | "address">,
): boolean {
  return (
    (outcome === undefined || record.outcome === outcome) &&
    (code === undefined || record.code === code) &&
    (type === undefined || record.type === type) &&
    (address === undefined || record.address === address)
  );
}

function parse(records: unknown): KeptRecord[] {
  return JSON.parse(String(records));
}
