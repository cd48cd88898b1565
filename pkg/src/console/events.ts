// Searches the ledger, the ignored events and the dead letters, each in its own order, and merges what it finds.

import type { DeadLetters } from "../consumer/dead-letters.ts";
import type { Letter } from "../consumer/letters.ts";
import type { Database, Statement } from "../consumer/platform.ts";
import type { Kind } from "./fields.ts";

/** The record of an event in the ledger. Times are as RFC 3339. */
interface LedgerEntry {
  readonly at: string;
  readonly outcome: "handled" | "outdated" | "erased" | "ignored";
  readonly eventId: string;
  readonly type: string | null;
  readonly createdAt: string | null;
  readonly receivedAt: string | null;
  readonly attempts: number | null;
}

/** A dead letter in the list of events. */
interface DeadEntry {
  /** When it was stored. */
  readonly at: string;
  readonly outcome: "dead";
  readonly eventId: string | null;
  readonly type: string | null;
  readonly attempts: number | null;
  readonly reason: string | null;
  readonly deadLetter: number;
}

/** One thing that happened to an event. */
export type Entry = LedgerEntry | DeadEntry;

export interface Search {
  readonly type?: string | undefined;
  /** `ledger` has the events that were handled, outdated or erased. All three by default. */
  readonly source?: Source | undefined;
  /** From this time on. */
  readonly from?: string | undefined;
  /** Before this time. */
  readonly to?: string | undefined;
  /** Where the page before has left each source. */
  readonly before?: Positions | undefined;
  readonly limit: number;
}

export type Source = "ledger" | "ignored" | "dead";

export interface EntryPage {
  readonly events: readonly Entry[];
  readonly next: string | null;
}

/** One event, and all that is known of it. */
export interface EventHistory {
  readonly eventId: string;
  readonly type: string | null;
  readonly createdAt: string | null;
  readonly receivedAt: string | null;
  /** What happened, in the order of time. */
  readonly history: readonly Happening[];
  /** The newest first. */
  readonly deadLetters: readonly Letter[];
}

interface Happening {
  readonly at: string;
  readonly outcome: Entry["outcome"] | "redriven";
  readonly attempts?: number | null;
  readonly reason?: string | null;
  readonly deadLetter?: number;
}

/** An event has a handful of dead letters: one for each time that it was redriven and failed again. */
const maxLetters = 100;

/** Later than every time that is stored. */
const end = "9999";

const columns = "type, created_at AS createdAt, received_at AS receivedAt, attempts";

/** The tables, the columns of an entry's time and key, and the entry. */
export const tables = {
  ledger: {
    table: "cronozen_events",
    at: "handled_at",
    key: "event_id",
    entry: `handled_at AS at, outcome, event_id AS eventId, ${columns}`,
  },
  ignored: {
    table: "cronozen_ignored",
    at: "ignored_at",
    key: "event_id",
    entry: `ignored_at AS at, 'ignored' AS outcome, event_id AS eventId, ${columns}`,
  },
  dead: {
    table: "cronozen_dead_letters",
    at: "stored_at",
    key: "id",
    entry: "stored_at AS at, 'dead' AS outcome, event_id AS eventId, type, attempts, reason, id AS deadLetter",
  },
};

const sources = ["ledger", "ignored", "dead"] as const;

/** The last entry of a source on a page: its time and its key. */
type Position = readonly [at: string, key: string | number];

/** The position in each source from which a page has shown something: as JSON, the `next` of the page. */
export type Positions = Partial<Record<Source, Position>>;

export const positions: Kind<Positions> = (value) => {
  try {
    const found: unknown = JSON.parse(String(value));
    const isRight = Object.entries(Object(found)).every(
      ([source, position]) => Object.hasOwn(tables, source) && isPosition(position),
    );
    return isRight && typeof found === "object" && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
};

function isPosition(value: unknown): value is Position {
  const [at, key, ...more] = Array.isArray(value) ? value : [];
  return typeof at === "string" && (typeof key === "string" || Number.isSafeInteger(key)) && more.length === 0;
}

/** Returns a page of what happened to events, the newest first. Each source goes on where the page before has left it. */
export async function searchEvents<Env>(
  deadLetters: DeadLetters<Env>,
  env: Env,
  { source, before, ...search }: Search,
): Promise<EntryPage> {
  const [ledger, letters] = await Promise.all([deadLetters.ledger(env), deadLetters.letters(env)]);
  const last: Positions = { ...before };
  const asked = sources.filter((name) => source === undefined || source === name);
  const found = await Promise.all(
    asked.map(async (name) => {
      const { results } = await statementOf(name === "dead" ? letters : ledger, name, search, last[name]).all();
      return { name, entries: [...results] as (Entry & { readonly key: string | number })[] };
    }),
  );
  const events: Entry[] = [];
  while (events.length < search.limit) {
    // Within a source, the order is SQLite's, which compares ids by their bytes.
    const newest = found.reduce((one, other) => (timeOf(other.entries) > timeOf(one.entries) ? other : one));
    const entry = newest.entries.shift();
    if (entry === undefined) {
      break;
    }
    const { key, ...shown } = entry;
    events.push(shown);
    last[newest.name] = [entry.at, key];
  }
  const hasMore = found.some(({ entries }) => entries.length > 0);
  return { events, next: hasMore ? JSON.stringify(last) : null };
}

function timeOf([first]: readonly Entry[]): string {
  return first?.at ?? "";
}

/**
 * The newest rows of one table. An index by time alone would cost each event a third written row; so the search goes through
 * the index by type and time, and without a type through that of each type, of which it takes the newest.
 */
function statementOf(
  db: Database,
  source: Source,
  { type, from = "", to = end, limit }: Search,
  before: Position | undefined,
): Statement {
  const { table, at, key, entry } = tables[source];
  // One upper bound: with two, SQLite would use one for the index, and read all rows between them.
  const newest = (ofType: string) => `SELECT ${key} FROM ${table}
    WHERE type IS ${ofType} AND ${at} >= ?2 AND (${at}, ${key}) < (?3, ?4)
    ORDER BY ${at} DESC, ${key} DESC LIMIT ?5`;
  const keys =
    type === undefined
      ? `WITH RECURSIVE ${typesOf(table)}
         SELECT one.${key} FROM types JOIN ${table} AS one ON one.${key} IN (${newest("types.type")})
         WHERE ?1 IS NULL`
      : newest("?1");
  const query = `SELECT ${entry}, ${key} AS key FROM ${table} WHERE ${key} IN (${keys})
    ORDER BY ${at} DESC, ${key} DESC LIMIT ?5`;
  // No key is lower than these, so that an entry at `to` itself is left out.
  const lowest = source === "dead" ? -1 : "";
  return db
    .prepare(query)
    .bind(type ?? null, from, ...(before !== undefined && before[0] < to ? before : [to, lowest]), limit + 1);
}

/** The types in a table, at most so many, as a part of WITH RECURSIVE. The last one is NULL: events without a type. */
export function typesOf(table: string, most = -1): string {
  return `types (type) AS (
    SELECT min(type) FROM ${table}
    UNION ALL SELECT (SELECT min(type) FROM ${table} WHERE type > types.type) FROM types WHERE types.type IS NOT NULL
    LIMIT ${most})`;
}

const everything = `SELECT ${tables.ledger.entry} FROM cronozen_events WHERE event_id = ?1 AND outcome <> 'erased'
  UNION ALL SELECT ${tables.ignored.entry} FROM cronozen_ignored WHERE event_id = ?1
  UNION ALL SELECT erased_at, 'erased', event_id, NULL, NULL, NULL, NULL FROM cronozen_erased WHERE event_id = ?1`;

/** Returns all that is known of an event; `null` if nothing is. */
export async function findEvent<Env>(
  deadLetters: DeadLetters<Env>,
  env: Env,
  eventId: string,
): Promise<EventHistory | null> {
  const ledger = await deadLetters.ledger(env);
  const [{ results }, { deadLetters: letters }] = await Promise.all([
    ledger.prepare(everything).bind(eventId).all(),
    deadLetters.list(env, { eventId, limit: maxLetters }),
  ]);
  const entries = results as LedgerEntry[];
  const [first] = [...entries, ...letters];
  if (first === undefined) {
    return null;
  }
  const own = entries.find(({ receivedAt }) => receivedAt !== null);
  const happenings: Happening[] = [
    ...entries.map(({ at, outcome, attempts }) => ({ at, outcome, attempts })),
    ...letters.flatMap(happeningsOf),
  ];
  return {
    eventId,
    type: own?.type ?? first.type,
    createdAt: own?.createdAt ?? null,
    receivedAt: own?.receivedAt ?? null,
    history: happenings.sort((one, other) => (one.at < other.at ? -1 : 1)),
    deadLetters: letters,
  };
}

function happeningsOf({ id, storedAt, attempts, reason, redrivenAt }: Letter): Happening[] {
  const dead: Happening = { at: storedAt, outcome: "dead", attempts, reason, deadLetter: id };
  return redrivenAt === null ? [dead] : [dead, { at: redrivenAt, outcome: "redriven", deadLetter: id }];
}
