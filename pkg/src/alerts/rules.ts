// The rules: each says from the signals whether something is wrong.

import { configError, refuseUnknown } from "../consumer/config-error.ts";
import { isPlain } from "../kind.ts";
import {
  deadLetter,
  deadLettersFull,
  failing,
  late,
  ledgerFull,
  loss,
  misconfigured,
  quiet,
  signatures,
  unreadable,
} from "./conditions.ts";
import type { Detail } from "./message.ts";
import type { Signals, SourceName } from "./signals.ts";

/** A failure that a rule has found. */
export interface Finding {
  readonly title: string;
  readonly text: string;
  readonly details: readonly Detail[];
}

/** The result of a rule: a finding, nothing wrong, not known in this run, or not watched at all. */
export type Result = Finding | "right" | "unknown" | "unwatched";

/** `false` switches a rule off. */
export interface RuleOptions {
  readonly dead_letter?: false | undefined;
  /** The minutes after which a first attempt is late: 15 by default. */
  readonly late?: false | { readonly minutes?: number | undefined } | undefined;
  /** The least number of wrong signatures: 3 by default. */
  readonly signatures?: false | { readonly mismatches?: number | undefined } | undefined;
  /** The least number of 5xx answers: 5 by default, and more than 1 percent. */
  readonly failing?:
    | false
    | { readonly answers?: number | undefined; readonly percent?: number | undefined }
    | undefined;
  readonly misconfigured?: false | undefined;
  readonly dead_letters_full?: false | undefined;
  /** The size of the ledger's database that 80 percent are taken of: 500,000,000 by default, the free plan's. */
  readonly ledger_full?: false | { readonly maxBytes?: number | undefined } | undefined;
  readonly loss?: false | undefined;
  readonly unreadable?: false | undefined;
}

export type RuleName = keyof RuleOptions | "quiet";

/** The thresholds, with their defaults. `off` has the rules that are switched off. */
export interface Thresholds {
  readonly off: ReadonlySet<string>;
  readonly lateMinutes: number;
  readonly mismatches: number;
  readonly answers: number;
  readonly percent: number;
  readonly ledgerBytes: number;
  readonly quietHours: number;
}

interface Rule {
  /** Without these signals, it knows nothing. */
  readonly sources: readonly SourceName[];
  readonly check: (signals: Signals, thresholds: Thresholds) => Finding | undefined | "unknown";
}

const rules: Readonly<Record<RuleName, Rule>> = {
  dead_letter: { sources: ["letters"], check: deadLetter },
  late: { sources: ["ledger"], check: late },
  signatures: { sources: ["activity"], check: signatures },
  failing: { sources: ["activity"], check: failing },
  misconfigured: { sources: ["activity"], check: misconfigured },
  dead_letters_full: { sources: ["letters"], check: deadLettersFull },
  ledger_full: { sources: ["ledger"], check: ledgerFull },
  loss: { sources: ["losses"], check: loss },
  quiet: { sources: ["hours"], check: quiet },
  // The last one: a rule before it may find that a source has failed.
  unreadable: { sources: [], check: unreadable },
};

/** The defaults of thresholds that the console's verdict has, too. */
export const usual = { lateMinutes: 15, mismatches: 3, answers: 5, percent: 1 } as const;

/** The thresholds of each rule, their defaults and their largest values. */
const known: Record<string, Record<string, readonly [usual: number, most: number]>> = {
  dead_letter: {},
  late: { minutes: [usual.lateMinutes, 1440] },
  signatures: { mismatches: [usual.mismatches, 1_000_000] },
  failing: { answers: [usual.answers, 1_000_000], percent: [usual.percent, 100] },
  misconfigured: {},
  dead_letters_full: {},
  ledger_full: { maxBytes: [500_000_000, Number.MAX_SAFE_INTEGER] },
  loss: {},
  unreadable: {},
};

const mostQuietHours = 720;

/**
 * Returns the result of each rule. If a rule throws, its sources count as failed: that rule is unknown, and so are the rules
 * after it that read them. The others go on.
 */
export function resultsOf(signals: Signals, thresholds: Thresholds): Map<string, Result> {
  return new Map(Object.entries(rules).map(([name, rule]) => [name, resultOf(name, rule, signals, thresholds)]));
}

function resultOf(name: string, { sources, check }: Rule, signals: Signals, thresholds: Thresholds): Result {
  if (thresholds.off.has(name)) {
    return "right";
  }
  if (sources.some((source) => signals.failed.has(source))) {
    return "unknown";
  }
  if (sources.some((source) => signals[source] === undefined)) {
    return "unwatched";
  }
  try {
    return check(signals, thresholds) ?? "right";
  } catch (error) {
    for (const source of sources) {
      signals.fail(source, error);
    }
    return "unknown";
  }
}

/** @throws TypeError if a rule or a threshold is unknown or out of range */
export function thresholdsOf(options: RuleOptions, quietHours: number | undefined): Thresholds {
  if (!isPlain(options)) {
    throw configError("option rules not an object: write { late: { minutes: 30 }, loss: false }");
  }
  refuseUnknown("rules.", options, Object.keys(known));
  const off = new Set(Object.keys(known).filter((rule) => options[rule] === false));
  if (quietHours === undefined) {
    off.add("quiet");
  }
  const given = new Map(Object.keys(known).map((rule) => [rule, thresholdsOfRule(rule, options[rule])]));
  const threshold = (rule: string, name: string) => given.get(rule)?.[name] ?? 0;
  return {
    off,
    lateMinutes: threshold("late", "minutes"),
    mismatches: threshold("signatures", "mismatches"),
    answers: threshold("failing", "answers"),
    percent: threshold("failing", "percent"),
    ledgerBytes: threshold("ledger_full", "maxBytes"),
    quietHours: inRange("quietHours", quietHours ?? 1, mostQuietHours),
  };
}

function thresholdsOfRule(rule: string, option: unknown): Record<string, number> {
  const thresholds = Object.entries(known[rule] ?? {});
  const given = option === false || option === undefined ? {} : option;
  if (!isPlain(given)) {
    throw configError(`option rules.${rule} neither false nor an object`);
  }
  refuseUnknown(
    `rules.${rule}.`,
    given,
    thresholds.map(([name]) => name),
  );
  return Object.fromEntries(
    thresholds.map(([name, [usual, most]]) => [name, inRange(`rules.${rule}.${name}`, given[name] ?? usual, most)]),
  );
}

function inRange(name: string, value: unknown, most: number): number {
  if (typeof value !== "number" || !(value > 0 && value <= most)) {
    throw configError(`option ${name} out of range: a number above 0 and at most ${most} is expected`);
  }
  return value;
}
