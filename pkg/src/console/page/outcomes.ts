// The answer of the route `outcomes`.

import type { ActivityUnit } from "../../activity.ts";

export interface OutcomePeriod {
  readonly at: string;
  readonly handled: number;
  readonly outdated: number;
  readonly ignored: number;
  readonly dead: number;
}

export interface OutcomeSummary {
  readonly by: ActivityUnit;
  readonly from: string;
  readonly to: string;
  readonly countedFrom: string;
  readonly periods: readonly OutcomePeriod[];
}
