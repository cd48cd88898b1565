// Counts what became of events, by minute, hour or day.

import type { ActivityUnit, SummaryQuery } from "../activity.ts";
import type { DeadLetters } from "../consumer/dead-letters.ts";
import type { Database, Statement } from "../consumer/platform.ts";
import { unitMs } from "../consumer/time.ts";
import { type Source, tables, typesOf } from "./events.ts";

/** The events of a period. One that became a dead letter and was handled later counts as both. */
export interface OutcomePeriod {
  /** The period's start, as RFC 3339. */
  readonly at: string;
  readonly handled: number;
  readonly outdated: number;
  readonly ignored: number;
  readonly dead: number;
}

export interface OutcomeSummary extends SummaryQuery {
  /** The start of the first period that is counted: later than `from` if there are more events than are read. */
  readonly countedFrom: string;
  /** Periods without any event are left out. The oldest comes first. */
  readonly periods: readonly OutcomePeriod[];
}

/** An answer reads at most so many rows. D1 bills them, and the free plan has 5 million a day. */
const maxReadRows = 50_000;

/** The share of each table: most events are handled. */
const shares = { ledger: 0.6, ignored: 0.2, dead: 0.2 };

/** SQLite reads a row in the index, and once more while it groups. */
const readsPerRow = 2;

/** The rows that SQLite reads to find a type, at most. */
const readsPerType = 15;

/** Cronozen documents nine types. If a table has more than these, nothing is counted, because finding them reads too much. */
const maxTypes = 200;

const outcomes = { ledger: "outcome", ignored: "'ignored'", dead: "'dead'" };

/** The length of the beginning that all times of a period have in common. */
const lengths: Record<ActivityUnit, number> = { minute: 16, hour: 13, day: 10 };

/** The rows of a type in a period, by outcome. */
type Count = readonly [beginning: string, outcome: string, rows: number];

/** The newest rows of a type. */
interface TypeRow {
  /** The most rows that are counted. */
  readonly room: number;
  /** As JSON. */
  readonly counts: string;
}

/** Counts the newest events of each type, up to its share of the rows. Older periods would not be whole, and are left out. */
export async function countOutcomes<Env>(
  deadLetters: DeadLetters<Env>,
  env: Env,
  range: SummaryQuery,
): Promise<OutcomeSummary> {
  const [ledger, letters] = await Promise.all([deadLetters.ledger(env), deadLetters.letters(env)]);
  const [own, dead] = await Promise.all([
    ledger.batch([statementOf(ledger, "ledger", range), statementOf(ledger, "ignored", range)]),
    letters.batch([statementOf(letters, "dead", range)]),
  ]);
  const found = [...own, ...dead].map(({ results }) =>
    (results as TypeRow[]).map(({ room, counts }) => ({ room, counts: JSON.parse(counts) as Count[] })),
  );
  const starts = found.flatMap((types) =>
    types.length > maxTypes ? range.to : types.map(({ room, counts }) => wholeFrom(counts, room, range)),
  );
  const countedFrom = starts.reduce((one, other) => (other > one ? other : one), range.from);
  const periods = new Map<string, OutcomePeriod>();
  for (const [beginning, outcome, rows] of found.flat().flatMap(({ counts }) => counts)) {
    const at = timeOf(beginning);
    if (at >= countedFrom && isCounted(outcome)) {
      const period = periods.get(at) ?? { at, handled: 0, outdated: 0, ignored: 0, dead: 0 };
      periods.set(at, { ...period, [outcome]: period[outcome] + rows });
    }
  }
  const sorted = [...periods.values()].sort((one, other) => (one.at < other.at ? -1 : 1));
  return { ...range, countedFrom, periods: sorted };
}

/** Returns the start of a type's first period that is whole. */
function wholeFrom(counts: readonly Count[], room: number, { by, from }: SummaryQuery): string {
  const counted = counts.reduce((sum, [, , rows]) => sum + rows, 0);
  if (counted < room) {
    return from;
  }
  const [oldest = ""] = counts.map(([beginning]) => beginning).sort();
  return new Date(Date.parse(timeOf(oldest)) + unitMs[by]).toISOString();
}

function timeOf(beginning: string): string {
  return beginning + "0000-00-00T00:00:00.000Z".slice(beginning.length);
}

/** An erased event was not handled. */
function isCounted(outcome: string): outcome is Exclude<keyof OutcomePeriod, "at"> {
  return outcome !== "erased";
}

/** The newest rows of each type, from the index by type and time alone. */
function statementOf(db: Database, source: Source, { by, from, to }: SummaryQuery): Statement {
  const { table, at } = tables[source];
  const rows = Math.floor(maxReadRows * shares[source]);
  const inRange = `FROM ${table} WHERE type IS types.type AND ${at} >= ?2 AND ${at} < ?3`;
  const query = `WITH RECURSIVE ${typesOf(table, maxTypes + 1)},
      present (type) AS MATERIALIZED (SELECT type FROM types WHERE EXISTS (SELECT 1 ${inRange})),
      share (room) AS MATERIALIZED (SELECT (${rows} / count(*) - ${readsPerType}) / ${readsPerRow} FROM present)
    SELECT room, (SELECT json_group_array(json_array(beginning, outcome, events)) FROM (
      SELECT beginning, outcome, count(*) AS events FROM (
        SELECT substr(${at}, 1, ?1) AS beginning, ${outcomes[source]} AS outcome ${inRange}
        ORDER BY ${at} DESC LIMIT (SELECT room FROM share))
      GROUP BY beginning, outcome)) AS counts
    FROM present AS types, share`;
  return db.prepare(query).bind(lengths[by], from, to);
}
