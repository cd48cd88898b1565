// Gathers the signals of a run. A source that fails or hangs does not stop the others.

import type { ActivityPeriod, ActivityUnit } from "../activity.ts";
import { type Backlog, readBacklog } from "../consumer/backlog.ts";
import type { DeadLetters } from "../consumer/dead-letters.ts";
import type { Losses } from "../consumer/losses.ts";
import { dayMs, hourMs, inTime, minuteMs } from "../consumer/time.ts";
import { isCount, isPlain } from "../kind.ts";
import { accepted } from "./conditions.ts";
import { type LedgerSignal, readLedger, windowMinutes } from "./ledger.ts";
import { failureOf } from "./request.ts";

/** The part of what `deadLetters` returns that alerts use. */
export type AlertSource<Env> = Pick<
  DeadLetters<Env>,
  "totals" | "letters" | "ledger" | "events" | "activity" | "losses"
>;

interface OpenLetter {
  readonly eventId: string | null;
  readonly type: string | null;
  readonly reason: string | null;
}

/** The results of a run's reading. A source that does not exist is undefined. */
export interface Signals {
  readonly now: number;
  readonly letters?: LettersSignal | undefined;
  readonly ledger?: LedgerSignal | undefined;
  readonly backlog?: Backlog | undefined;
  /** The last 15 minutes, by minute. */
  readonly activity?: readonly ActivityPeriod[] | undefined;
  /** The last `quietHours`. */
  readonly hours?: HoursSignal | undefined;
  readonly losses?: Losses | undefined;
  /** The sources that could not be read in this run, each with a reason. */
  readonly failed: ReadonlyMap<string, string>;
  /** Adds a source to `failed`. */
  readonly fail: (source: SourceName, error: unknown) => void;
  /** At how many runs in a row each source had failed before this one. */
  readonly failedBefore: Readonly<Record<string, number>>;
}

export type SourceName = "letters" | "ledger" | "backlog" | "activity" | "hours" | "losses";

interface HoursSignal {
  /** By hour. */
  readonly periods: readonly ActivityPeriod[];
  /** The start of the first day of which anything is known, if nothing was accepted in these hours. */
  readonly firstDay: string | undefined;
}

interface LettersSignal {
  readonly open: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** The newest open ones. */
  readonly newest: readonly OpenLetter[];
}

const sourceTimeoutMs = 5000;

/** `Activity` keeps counts for so long. */
const keptMs = 90 * dayMs;

/**
 * An event that arrived in this time must have its line. One line that was lost with its isolate, or is on its way, is missed
 * at two runs at most, and a source is reported after three.
 */
const arrivedMs = 9 * minuteMs;

const maxLetters = 3;

const selectNewest = `SELECT event_id AS eventId, type, reason FROM cronozen_dead_letters
  WHERE redriven_at IS NULL ORDER BY id DESC LIMIT ?`;

/** Reads everything that the rules need. */
export async function gather<Env>(
  source: AlertSource<Env>,
  env: Env,
  { now, failedBefore, quietHours, lateMinutes }: Gathering,
): Promise<Signals> {
  const failed = new Map<string, string>();
  const fail = (name: SourceName, error: unknown) => void failed.set(name, failureOf(error));
  const read = async <Value>(name: SourceName, work: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await inTime(work, sourceTimeoutMs, `no answer within ${sourceTimeoutMs} ms`);
    } catch (error) {
      fail(name, error);
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
    read("backlog", () => readBacklog(source.events(env))),
    read("activity", () => readPeriods(source, env, "minute", now, windowMinutes * minuteMs)),
    read("hours", async () => (quietHours === undefined ? undefined : readHours(source, env, now, quietHours))),
    read("losses", async () => {
      await Promise.allSettled([db]);
      return lossesOf(await source.losses(env));
    }),
  ]);
  if (isWithoutLines(activity, ledger, now)) {
    failed.set("activity", "no line of an event that was handled: is ACTIVITY bound to the gateway?");
  }
  return { now, letters, ledger, backlog, activity, hours, losses, failed, fail, failedBefore };
}

/** Returns true if the object knows no accepted delivery, although an event that arrived lately was handled. */
function isWithoutLines(
  activity: readonly ActivityPeriod[] | undefined,
  ledger: LedgerSignal | undefined,
  now: number,
): boolean {
  const arrivedAt = Date.parse(ledger?.arrivedAt ?? "");
  return activity !== undefined && accepted(activity) === 0 && arrivedAt > now - arrivedMs;
}

interface Gathering {
  readonly now: number;
  readonly failedBefore: Readonly<Record<string, number>>;
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

async function readHours<Env>(
  source: AlertSource<Env>,
  env: Env,
  now: number,
  quietHours: number,
): Promise<HoursSignal | undefined> {
  const periods = await readPeriods(source, env, "hour", now, quietHours * hourMs);
  if (periods === undefined || accepted(periods) > 0) {
    return periods && { periods, firstDay: undefined };
  }
  const [first] = (await readPeriods(source, env, "day", now, keptMs)) ?? [];
  return { periods, firstDay: first?.at };
}

async function readPeriods<Env>(
  { activity }: AlertSource<Env>,
  env: Env,
  by: ActivityUnit,
  now: number,
  ms: number,
): Promise<readonly ActivityPeriod[] | undefined> {
  const unit = { minute: minuteMs, hour: hourMs, day: dayMs }[by];
  // From the beginning of a period: part of one is not known.
  const from = Math.floor((now - ms) / unit) * unit;
  const range = { from: new Date(from).toISOString(), to: new Date(now).toISOString() };
  const reader = activity(env);
  if (reader === undefined) {
    return undefined;
  }
  const answer: unknown = await reader.summary({ by, ...range });
  const periods: unknown = Object(answer).periods;
  if (!Array.isArray(periods) || !periods.every(isPeriod)) {
    throw new Error("answer of Activity not understood: deploy the gateway and this Worker from one version");
  }
  return periods;
}

/** The object belongs to another Worker, which may be of another version. */
function isPeriod(value: unknown): value is ActivityPeriod {
  const { at, codes, others, mismatches } = Object(value);
  return Number.isFinite(Date.parse(at)) && hasCounts(codes) && hasCounts(others) && isCount(mismatches);
}

function hasCounts(value: unknown): boolean {
  return isPlain(value) && Object.values(value).every(isCount);
}

function lossesOf(losses: Losses | null): Losses | undefined {
  const found = losses ?? undefined;
  if (found !== undefined && !isCount(found.lost)) {
    throw new Error("losses without a count");
  }
  return found;
}
