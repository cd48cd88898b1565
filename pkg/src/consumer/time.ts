// Times that are compared as text, and limits of time.

import { NonRetryableError } from "./non-retryable.ts";

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Returns a time in UTC with nine digits after the point, so that texts compare as the times do.
 *
 * @throws NonRetryableError if the text is no time of RFC 3339
 */
export function sortableTime(text: string | null): string {
  const [, date, minute, second = "", fraction = "", offset = ""] = rfc3339.exec(text ?? "") ?? [];
  // A leap second is the end of the second before it.
  const isLeap = second === "60";
  const plain = plainTime(`${date}T${minute}:${isLeap ? "59" : second}${offset.toUpperCase()}`);
  if (plain === undefined) {
    throw new NonRetryableError("createdAt missing or not RFC 3339: ifNewest compares it");
  }
  return `${plain.slice(0, 19)}.${isLeap ? "999999999" : fraction.slice(0, 9).padEnd(9, "0")}Z`;
}

/**
 * Returns a time as `2026-11-24T06:55:00.000Z`, so that texts compare as the times do; undefined if it is none. A year beyond
 * four digits begins with a sign, and would sort before all others.
 */
export function plainTime(text: string): string | undefined {
  const time = new Date(text);
  const year = time.getUTCFullYear();
  return year >= 0 && year <= 9999 ? time.toISOString() : undefined;
}

/** Lengths of time, in milliseconds. */
export const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];

/** The lengths of the periods for which things are counted. */
export const unitMs = { minute: minuteMs, hour: hourMs, day: dayMs };

/** Returns the time so many days before another, as RFC 3339. */
export function daysBefore(time: number, days: number): string {
  return new Date(time - days * dayMs).toISOString();
}

/** Returns the result of the work, or fails if it takes longer. The work itself goes on. */
export function inTime<T>(work: () => Promise<T>, timeoutMs: number, failure: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error(failure)), timeoutMs);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timeout));
  });
}
