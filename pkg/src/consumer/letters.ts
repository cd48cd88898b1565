// Reads the table of dead letters, and looks up what became of their events.

import type { Stores } from "./stores.ts";

/** The state of a dead letter. */
export type LetterState =
  /** Nobody has redriven it. */
  | "open"
  /** It is on its way, or the queue has lost it. */
  | "redriven"
  /** Its event failed again: there is a newer dead letter. */
  | "failed_again"
  /** What the ledger says of its event, after it was redriven. */
  | "handled"
  | "outdated"
  | "ignored"
  | "erased";

/** A stored dead letter, without its text. Times are as RFC 3339. */
export interface Letter {
  readonly id: number;
  readonly eventId: string | null;
  readonly type: string | null;
  /** Why; `null` if the queue itself has given up. */
  readonly reason: string | null;
  readonly attempts: number | null;
  readonly failedAt: string | null;
  /** The queue from which it came. */
  readonly queue: string;
  readonly storedAt: string;
  /** When it was last redriven. */
  readonly redrivenAt: string | null;
  readonly redrives: number;
  readonly bytes: number;
  readonly state: LetterState;
  /** When its event was handled, or left out as outdated, ignored or erased; `null` if none of these. */
  readonly handledAt: string | null;
}

/** A dead letter with the message as it was. */
export interface ShownLetter extends Letter {
  readonly text: string;
}

export interface LetterPage {
  readonly deadLetters: readonly Letter[];
  /** For the next page's `before`; `null` if this is the last one. */
  readonly next: number | null;
}

/** Filters of dead letters. Texts are compared as a whole. */
export interface Filter {
  readonly type?: string | undefined;
  readonly reason?: string | undefined;
  /** Only those that were stored from this time on, as RFC 3339 in UTC with milliseconds ... */
  readonly from?: string | undefined;
  /** ... and before this one. */
  readonly to?: string | undefined;
}

export interface ListOptions extends Filter {
  readonly eventId?: string | undefined;
  /** `all` by default. */
  readonly state?: "open" | "redriven" | "all" | undefined;
  /** Only those with a lower id. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface Totals {
  readonly letters: number;
  readonly open: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

// It failed again if it was stored again after it had been redriven.
const columns = `id, event_id AS eventId, type, reason, attempts, failed_at AS failedAt, queue, stored_at AS storedAt,
  redriven_at AS redrivenAt, redrives, bytes, EXISTS (
    SELECT 1 FROM cronozen_dead_letters AS newer
    WHERE newer.event_id = letter.event_id AND newer.id > letter.id AND newer.stored_at >= letter.redriven_at
  ) AS failedAgain`;

const outcomes = `SELECT event_id AS eventId, outcome, handled_at AS at FROM cronozen_events
  WHERE event_id IN (SELECT value FROM json_each(?1))
  UNION ALL SELECT event_id, 'ignored', ignored_at FROM cronozen_ignored
  WHERE event_id IN (SELECT value FROM json_each(?1))`;

/** The conditions of the states by which dead letters are chosen. */
export const states = { open: "redriven_at IS NULL", redriven: "redriven_at IS NOT NULL", all: "true" };

interface Row extends Omit<Letter, "state" | "handledAt"> {
  readonly failedAgain: 0 | 1;
}

/** The record of an event in the ledger. */
interface EventOutcome {
  readonly eventId: string;
  readonly outcome: "handled" | "outdated" | "ignored" | "erased";
  readonly at: string;
}

export async function totals({ db, maxBytes }: Stores): Promise<Totals> {
  const { results } = await db.prepare("SELECT letters, open, bytes FROM cronozen_dead_letter_totals").all();
  const [row] = results as [Omit<Totals, "maxBytes">];
  return { ...row, maxBytes };
}

export async function listLetters(stores: Stores, options: ListOptions): Promise<LetterPage> {
  const { before = Number.MAX_SAFE_INTEGER, limit, state = "all" } = options;
  const { condition, values } = filterOf(options);
  const letters = await queryLetters(
    stores,
    `WHERE ${condition} AND ${states[state]} AND id < ? ORDER BY id DESC LIMIT ?`,
    [...values, before, limit + 1],
  );
  const page = letters.slice(0, limit);
  return { deadLetters: page, next: letters.length > limit ? (page.at(-1)?.id ?? null) : null };
}

export function findLetter(stores: Stores, id: number): Promise<Letter | null>;
export function findLetter(stores: Stores, id: number, text: "text"): Promise<ShownLetter | null>;
export async function findLetter(stores: Stores, id: number, text?: "text"): Promise<Letter | null> {
  const [letter = null] = await queryLetters(stores, "WHERE id = ?", [id], text);
  return letter;
}

/** Returns the dead letters that the end of a query chooses, with what became of their events. */
export async function queryLetters(
  stores: Stores,
  end: string,
  values: readonly unknown[],
  text?: "text",
): Promise<Letter[]> {
  const query = `SELECT ${columns}${text === undefined ? "" : ", text"} FROM cronozen_dead_letters AS letter ${end}`;
  const { results } = await stores.db
    .prepare(query)
    .bind(...values)
    .all();
  return withOutcomes(stores, results as Row[]);
}

/** Returns a condition, and its values. Only what is given is in it, so that SQLite can choose an index. */
export function filterOf({ type, reason, from, to, eventId }: Filter & { readonly eventId?: string | undefined }) {
  const conditions = {
    "type = ?": type,
    "reason = ?": reason,
    "stored_at >= ?": from,
    "stored_at < ?": to,
    "event_id = ?": eventId,
  };
  const given = Object.entries(conditions).filter(([, value]) => value !== undefined);
  return {
    condition: ["true", ...given.map(([condition]) => condition)].join(" AND "),
    values: given.map(([, value]) => value),
  };
}

/** Adds what became of the events. They are in the ledger, which may be another database. */
async function withOutcomes({ ledger }: Stores, rows: readonly Row[]): Promise<Letter[]> {
  const eventIds = JSON.stringify(rows.flatMap(({ eventId }) => eventId ?? []));
  const { results } =
    eventIds === "[]" ? { results: [] } : await (await ledger()).prepare(outcomes).bind(eventIds).all();
  // A claim comes before the row of an ignored event, and counts for more.
  const byEvent = new Map((results as EventOutcome[]).reverse().map((outcome) => [outcome.eventId, outcome]));
  return rows.map(({ failedAgain, ...row }) => {
    const outcome = byEvent.get(row.eventId ?? "");
    return { ...row, state: stateOf(row, outcome, failedAgain === 1), handledAt: outcome?.at ?? null };
  });
}

function stateOf(row: Omit<Row, "failedAgain">, event: EventOutcome | undefined, failedAgain: boolean): LetterState {
  if (row.redrivenAt === null) {
    return "open";
  }
  // It may have been ignored long before it was redriven, and be on its way now.
  if (event !== undefined && (event.outcome !== "ignored" || event.at >= row.redrivenAt)) {
    return event.outcome;
  }
  return failedAgain ? "failed_again" : "redriven";
}
