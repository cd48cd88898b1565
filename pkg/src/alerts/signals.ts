// Gathers the signals of a run. A source that fails or hangs does not stop the others.

import { type Backlog, readBacklog } from "../consumer/backlog.ts";
import type { Database, Queue } from "../consumer/platform.ts";
import { inTime } from "../consumer/time.ts";
import { type LedgerSignal, readLedger, windowMinutes } from "./ledger.ts";
import { failureOf } from "./request.ts";

/** The part of what `deadLetters` returns that alerts use. */
export interface AlertSource<Env> {
  readonly totals: (env: Env) => Promise<{ readonly open: number; readonly bytes: number; readonly maxBytes: number }>;
  readonly letters: (env: Env) => Promise<Database>;
  readonly ledger: (env: Env) => Promise<Database>;
  /** The producer of the queue of events, for its backlog. */
  readonly events?: ((env: Env) => Queue | undefined) | undefined;
  /** The gateway's Durable Object `Activity`; undefined if it is not bound. */
  readonly activity?: ((env: Env) => ActivityCounts | undefined) | undefined;
  readonly losses?: ((env: Env) => Promise<Losses | null>) | undefined;
}

/** The part of `Activity` that alerts use. */
export interface ActivityCounts {
  summary(query: {
    readonly by: "minute" | "hour";
    readonly from: string;
    readonly to: string;
  }): Promise<{ readonly periods: readonly Period[] }>;
}

/** The counts of a minute or an hour. */
export interface Period {
  /** Its start, as RFC 3339. */
  readonly at: string;
  readonly codes: Readonly<Record<string, number>>;
  readonly others: Readonly<Record<string, number>>;
  readonly mismatches: number;
}

interface OpenLetter {
  readonly eventId: string | null;
  readonly type: string | null;
  readonly reason: string | null;
}

/** The accepted events that are found nowhere. */
export interface Losses {
  readonly lost: number;
  readonly events: readonly { readonly eventId: string; readonly type: string | null }[];
}

/** What a run has read. A source that does not exist is undefined. */
export interface Signals {
  readonly now: number;
  readonly letters?: LettersSignal | undefined;
  readonly ledger?: LedgerSignal | undefined;
  readonly backlog?: Backlog | undefined;
  /** The last 15 minutes, by minute. */
  readonly activity?: readonly Period[] | undefined;
  /** The last `quietHours`, by hour. */
  readonly hours?: readonly Period[] | undefined;
  readonly losses?: Losses | undefined;
  /** The sources that could not be read in this run, each with a reason ... */
  readonly failed: ReadonlyMap<string, string>;
  /** ... and at how many runs in a row. */
  readonly failures: Readonly<Record<string, number>>;
}

export type SourceName = "letters" | "ledger" | "backlog" | "activity" | "hours" | "losses";

interface LettersSignal {
  readonly open: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** The newest open ones. */
  readonly newest: readonly OpenLetter[];
}

const [minuteMs, hourMs] = [60_000, 3_600_000];

const sourceTimeoutMs = 5000;

const maxLetters = 3;

const selectNewest = `SELECT event_id AS eventId, type, reason FROM cronozen_dead_letters
  WHERE redriven_at IS NULL ORDER BY id DESC LIMIT ?`;

/** Reads everything that the rules need. `before` counts the failures of the run before. */
export async function gather<Env>(
  source: AlertSource<Env>,
  env: Env,
  { now, before, quietHours, lateMinutes }: Gathering,
): Promise<Signals> {
  const failed = new Map<string, string>();
  const read = async <Value>(name: SourceName, work: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await inTime(work, sourceTimeoutMs, `no answer within ${sourceTimeoutMs} ms`);
    } catch (error) {
      failed.set(name, failureOf(error));
      return undefined;
    }
  };
  // Once, because it looks for the tables.
  const db = Promise.resolve().then(() => source.ledger(env));
  const [letters, ledger, backlog, activity, hours, losses] = await Promise.all([
    read("letters", () => readLetters(source, env)),
    read("ledger", async () => {
      return readLedger({ ledger: await db, letters: await source.letters(env) }, now, lateMinutes);
    }),
    read("backlog", () => readBacklog(source.events?.(env))),
    read("activity", () => readPeriods(source, env, "minute", now, windowMinutes * minuteMs)),
    read("hours", async () =>
      quietHours === undefined ? undefined : readPeriods(source, env, "hour", now, quietHours * hourMs),
    ),
    read("losses", async () => {
      await Promise.allSettled([db]);
      return (await source.losses?.(env)) ?? undefined;
    }),
  ]);
  const failures = Object.fromEntries([...failed.keys()].map((name) => [name, (before[name] ?? 0) + 1]));
  return { now, letters, ledger, backlog, activity, hours, losses, failed, failures };
}

interface Gathering {
  readonly now: number;
  readonly before: Readonly<Record<string, number>>;
  /** Undefined if nobody asks for it. */
  readonly quietHours: number | undefined;
  readonly lateMinutes: number;
}

async function readLetters<Env>(source: AlertSource<Env>, env: Env): Promise<LettersSignal> {
  const { open, bytes, maxBytes } = await source.totals(env);
  if (open === 0) {
    return { open, bytes, maxBytes, newest: [] };
  }
  // Not through `list`, which asks the ledger, too.
  const { results } = await (await source.letters(env)).prepare(selectNewest).bind(maxLetters).all();
  return { open, bytes, maxBytes, newest: results as OpenLetter[] };
}

async function readPeriods<Env>(
  { activity }: AlertSource<Env>,
  env: Env,
  by: "minute" | "hour",
  now: number,
  ms: number,
): Promise<readonly Period[] | undefined> {
  const unit = by === "minute" ? minuteMs : hourMs;
  // From the beginning of a period: part of one is not known.
  const from = Math.floor((now - ms) / unit) * unit;
  const summary = await activity?.(env)?.summary({
    by,
    from: new Date(from).toISOString(),
    to: new Date(now).toISOString(),
  });
  return summary?.periods;
}
