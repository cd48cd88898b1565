// Sums the counts of periods, for figures, plots and the verdict.

import type { ActivityPeriod, ActivityUnit } from "../../activity.ts";
import { unitMs } from "../../consumer/time.ts";
import { formatDuration } from "./numbers.ts";

/** The number of periods that a plot shows: an hour, two days, 90 days. */
const shownPeriods: Readonly<Record<ActivityUnit, number>> = { minute: 60, hour: 48, day: 90 };

/** The codes of answers that say that the gateway failed. */
const failures = ["unavailable", "misconfigured"];

/** The deliveries by what became of them. */
export interface Deliveries {
  readonly accepted: number;
  readonly duplicate: number;
  readonly refused: number;
  readonly failed: number;
}

export function deliveriesOf(periods: readonly Pick<ActivityPeriod, "codes">[]): Deliveries {
  const sums = { accepted: 0, duplicate: 0, refused: 0, failed: 0 };
  for (const [code, deliveries] of periods.flatMap(({ codes }) => Object.entries(codes))) {
    const kind = code === "accepted" || code === "duplicate" ? code : failures.includes(code) ? "failed" : "refused";
    sums[kind] += deliveries;
  }
  return sums;
}

/** Returns the sums of histograms of times. */
export function timesOf(periods: readonly Pick<ActivityPeriod, "ms">[]): number[] {
  const [first = [], ...others] = periods.map(({ ms }) => ms);
  return others.reduce<number[]>((sums, ms) => sums.map((sum, slot) => sum + (ms[slot] ?? 0)), [...first]);
}

/**
 * Returns the bound within which this share of the deliveries was answered: Infinity if it is above the last one, and
 * undefined if there were none.
 */
export function boundOf(share: number, ms: readonly number[], boundsMs: readonly number[]): number | undefined {
  const total = ms.reduce((sum, deliveries) => sum + deliveries, 0);
  let within = 0;
  const slot = ms.findIndex((deliveries) => {
    within += deliveries;
    return within >= total * share;
  });
  return total === 0 ? undefined : (boundsMs[slot] ?? Number.POSITIVE_INFINITY);
}

/** Returns a bound as a text. */
export function formatBound(ms: number | undefined, boundsMs: readonly number[]): string {
  if (ms === undefined) {
    return "–";
  }
  return Number.isFinite(ms) ? `≤ ${formatDuration(ms)}` : `> ${formatDuration(boundsMs.at(-1) ?? 0)}`;
}

export interface Slot<Period> {
  /** The start, in milliseconds since 1970. */
  readonly at: number;
  /** Undefined if nothing happened. */
  readonly period: Period | undefined;
}

/** Returns all periods of a plot, the empty ones included, the oldest first. The last one is the present one. */
export function slotsOf<Period extends { readonly at: string }>(
  by: ActivityUnit,
  periods: readonly Period[],
  now: number,
): Slot<Period>[] {
  const unit = unitMs[by];
  const byTime = new Map(periods.map((period) => [Date.parse(period.at), period]));
  const last = Math.floor(now / unit) * unit;
  return Array.from({ length: shownPeriods[by] }, (_, index, length = shownPeriods[by]) => {
    const at = last - (length - 1 - index) * unit;
    return { at, period: byTime.get(at) };
  });
}
