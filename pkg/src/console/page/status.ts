// The status of the Worker, which several views show.

import { createContext } from "preact";
import type { ActivityStatus } from "../../activity.ts";
import type { AlertStatus } from "../../alerts/incidents.ts";
import type { Totals } from "../../consumer/letters.ts";
import type { Unavailable } from "../activity.ts";
import { type Loaded, useAnswer } from "./use-answer.ts";

/** The answer of the admin API. */
export interface Status {
  readonly deadLetters: Totals;
  readonly alerts: AlertStatus;
  readonly activity: ActivityStatus | Unavailable | null;
}

const everyMs = 30_000;

export const StatusContext = createContext<Loaded<Status>>({
  answer: undefined,
  loadedAt: 0,
  error: undefined,
  isLoading: true,
  reload: () => {},
});

export function useStatus(): Loaded<Status> {
  return useAnswer<Status>("status", { everyMs });
}
