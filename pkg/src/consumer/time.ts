// Times that are compared as text.

import { Permanent } from "./permanent.js";

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** The length of `2026-11-24T06:55:00.000Z`; years beyond four digits have more, and would sort before all others. */
const plainLength = 24;

/**
 * A time in UTC with nine digits after the point, so that texts compare as the times do.
 *
 * @param {string | null} text as RFC 3339
 * @throws {Permanent} if it is none
 */
export function sortableTime(text) {
  const [, date, minute, second = "", fraction = "", offset = ""] = rfc3339.exec(text ?? "") ?? [];
  // A leap second is the end of the second before it.
  const isLeap = second === "60";
  const time = new Date(`${date}T${minute}:${isLeap ? "59" : second}${offset.toUpperCase()}`);
  const plain = Number.isNaN(time.getTime()) ? "" : time.toISOString();
  if (plain.length !== plainLength) {
    throw new Permanent("expected a createdAt in the form of RFC 3339, which ifNewest compares, got none");
  }
  return `${plain.slice(0, 19)}.${isLeap ? "999999999" : fraction.slice(0, 9).padEnd(9, "0")}Z`;
}
