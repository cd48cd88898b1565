// Counts the wrong credentials of a minute, in this isolate.

import { minuteMs } from "../consumer/time.ts";

/** After so many in a minute, the rest are not logged, and wrong tokens are answered 429. */
const failuresPerMinute = 10;

let failures = { minute: 0, count: 0 };

/** Counts a wrong credential. Returns true if there are too many of them. */
export function isFlood(now: number): boolean {
  const minute = Math.floor(now / minuteMs);
  failures = { minute, count: failures.minute === minute ? failures.count + 1 : 1 };
  return failures.count > failuresPerMinute;
}
