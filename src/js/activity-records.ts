// Keeps the records of deliveries, within a quota for each kind of outcome.

import type {
  AcceptedEvent,
  AcceptedPage,
  ActivityRecord,
  DeliveryPage,
  DeliveryQuery,
} from "../../pkg/src/activity.ts";
import type { LogLine } from "./activity-counts.js";
import { dayMs, minuteMs } from "./activity-hours.js";
import { type KeptRecord, Pages, type PageTotals } from "./activity-pages.js";
import type { Sql } from "./activity-store.js";

/** A kind of outcomes. One kind never takes the place of another: a flood of forgeries must not push out the failures. */
interface Kind {
  /** The most records that are kept in a minute, because each write has all that are in no page yet. */
  readonly perMinute: number;
  readonly pages: number;
}

const kinds = {
  /** The events that are on the queue. */
  queued: { perMinute: 200, pages: 1000 },
  duplicate: { perMinute: 50, pages: 60 },
  refused: { perMinute: 50, pages: 60 },
  unsigned: { perMinute: 20, pages: 40 },
  failed: { perMinute: 100, pages: 100 },
  /** Failures before a signature was verified: with a wrong setting, anyone can cause them. */
  unsignedFailed: { perMinute: 50, pages: 40 },
  other: { perMinute: 50, pages: 40 },
} satisfies Record<string, Kind>;

type KindName = keyof typeof kinds;

const names = Object.keys(kinds) as KindName[];

/** The kinds in which the records of an outcome are. All other outcomes are of the kind `other`. A query may name any. */
const kindsOf: ReadonlyMap<string, readonly KindName[]> = new Map([
  ["accepted", ["queued"]],
  ["late_commit", ["queued"]],
  ["duplicate", ["duplicate"]],
  ["rejected", ["refused", "unsigned"]],
  ["failed", ["failed", "unsignedFailed"]],
]);

/** More records than an object takes between two writes. */
const maxUnwritten = 1000;

/** A search ends after so many records, and goes on with the next page. */
const maxSearched = 5000;

/** Longer texts are cut. A reason has at most some 300 characters. */
const maxCharacters = 320;

const keptMs = 30 * dayMs;

/** The state that is stored with each write. The lists have an entry for each kind. */
export interface RecordsJson {
  position: number;
  queued: number;
  minute: number;
  keptInMinute: number[];
  /** The records that are in no page yet. */
  open: KeptRecord[][];
  pages: PageTotals[];
}

export class Records {
  #state: RecordsJson;
  #pages: Pages[];

  constructor(sql: Sql, stored: RecordsJson | undefined) {
    // Positions that were given and not written must not be given again: somebody may have read up to them.
    this.#state = stored ? { ...stored, position: stored.position + maxUnwritten } : emptyState();
    this.#pages = names.map((name, kind) => new Pages(sql, kind, kinds[name].pages, totalsOf(this.#state, kind)));
  }

  toJSON(): RecordsJson {
    return this.#state;
  }

  /** The number of records that are in no page yet. */
  get open(): number {
    return this.#state.open.reduce((sum, { length }) => sum + length, 0);
  }

  get size(): number {
    return this.#pages.reduce((sum, { totals }) => sum + totals.records, this.open);
  }

  add(line: LogLine, now: number): void {
    const state = this.#state;
    const name = kindOf(line);
    const kind = names.indexOf(name);
    const minute = Math.floor(now / minuteMs);
    if (minute !== state.minute) {
      state.minute = minute;
      state.keptInMinute = names.map(() => 0);
    }
    state.queued += name === "queued" ? 1 : 0;
    const kept = state.keptInMinute[kind] ?? 0;
    if (kept < kinds[name].perMinute) {
      state.keptInMinute[kind] = kept + 1;
      state.position += 1;
      const record = recordOf(line, state.position);
      state.open[kind]?.push(name === "queued" ? { ...record, queued: state.queued } : record);
    }
  }

  /** Moves the open records into pages. */
  roll(): void {
    for (const [kind, pages] of this.#pages.entries()) {
      pages.append(this.#openOf(kind));
    }
    this.#state.open = names.map(() => []);
  }

  /** Deletes records that are older than 30 days. */
  expire(now: number): void {
    for (const pages of this.#pages) {
      pages.expire(keptFrom(now));
    }
  }

  /** Lists records that match, the newest first; or the oldest first, after a position. */
  list({ after, before = Number.MAX_SAFE_INTEGER, limit, ...filter }: DeliveryQuery, now: number): DeliveryPage {
    const isAscending = after !== undefined;
    const searched = filter.outcome === undefined ? names : (kindsOf.get(filter.outcome) ?? ["other"]);
    const sources = searched.map((name) =>
      isAscending ? this.#ascending(names.indexOf(name), after) : this.#descending(names.indexOf(name), before),
    );
    const deliveries: ActivityRecord[] = [];
    let seen = 0;
    for (const record of merged(sources, isAscending ? 1 : -1)) {
      if (isAscending && record.position >= before) {
        break;
      }
      const isMatch = record.at >= keptFrom(now) && matches(record, filter);
      if (isMatch && deliveries.length === limit) {
        return { deliveries, next: deliveries.at(-1)?.position ?? null };
      }
      if (isMatch) {
        deliveries.push(withoutNumber(record));
      }
      seen += 1;
      if (seen === maxSearched) {
        return { deliveries, next: record.position };
      }
    }
    return { deliveries, next: null };
  }

  /** Lists the events that were put on the queue after a position. */
  accepted({ after, limit }: { readonly after: number; readonly limit: number }): Omit<AcceptedPage, "storeId"> {
    const found: KeptRecord[] = [];
    for (const record of this.#ascending(names.indexOf("queued"), after)) {
      if (found.length === limit) {
        return { events: found.map(acceptedOf), next: found.at(-1)?.position ?? null };
      }
      found.push(record);
    }
    return { events: found.map(acceptedOf), next: null };
  }

  /** Lists the records of an event, the oldest first. */
  event(eventId: string, now: number): readonly ActivityRecord[] {
    const paged = this.#pages.flatMap((pages) => pages.event(eventId));
    return [...paged, ...this.#state.open.flat()]
      .filter((record) => record.eventId === eventId && record.at >= keptFrom(now))
      .sort((one, other) => one.position - other.position)
      .map(withoutNumber);
  }

  /** Removes the records of an event. Returns how many there were. */
  erase(eventId: string): number {
    const before = this.open;
    this.#state.open = this.#state.open.map((records) => records.filter((record) => record.eventId !== eventId));
    return this.#pages.reduce((erased, pages) => erased + pages.erase(eventId), before - this.open);
  }

  #openOf(kind: number): readonly KeptRecord[] {
    return this.#state.open[kind] ?? [];
  }

  *#descending(kind: number, before: number): Generator<KeptRecord> {
    yield* this.#openOf(kind)
      .filter(({ position }) => position < before)
      .reverse();
    yield* this.#pages[kind]?.descending(before) ?? [];
  }

  *#ascending(kind: number, after: number): Generator<KeptRecord> {
    yield* this.#pages[kind]?.ascending(after) ?? [];
    yield* this.#openOf(kind).filter(({ position }) => position > after);
  }
}

function emptyState(): RecordsJson {
  return {
    position: 0,
    queued: 0,
    minute: 0,
    keptInMinute: names.map(() => 0),
    open: names.map(() => []),
    pages: names.map(() => ({ pages: 0, records: 0, last: 0 })),
  };
}

/** Returns the totals in the state, which the pages change. */
function totalsOf({ pages }: RecordsJson, kind: number): PageTotals {
  pages[kind] ??= { pages: 0, records: 0, last: 0 };
  return pages[kind];
}

function keptFrom(now: number): string {
  return new Date(now - keptMs).toISOString();
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

function kindOf({ outcome, key }: LogLine): KindName {
  const [first = "other", unsigned = first] = kindsOf.get(outcome) ?? [];
  return key === undefined ? unsigned : first;
}

function recordOf(line: LogLine, position: number): ActivityRecord {
  const { at, outcome, code, reason, eventId, type, bytes, ms, dedupe, key, address, ray, count } = line;
  const fields = { at, outcome, code, reason, eventId, type, bytes, ms, dedupe, key, address, ray, count };
  const known = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const cut = known.map(([name, value]) => [name, typeof value === "string" ? value.slice(0, maxCharacters) : value]);
  return { position, ...(Object.fromEntries(cut) as Omit<ActivityRecord, "position">) };
}

function acceptedOf({ position, at, eventId = "", type, queued = 0 }: KeptRecord): AcceptedEvent {
  return { position, at, eventId, type: type ?? null, queued };
}

function withoutNumber({ queued: _, ...record }: KeptRecord): ActivityRecord {
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
