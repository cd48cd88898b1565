// The status of the Worker: its dead letters, alerts and queues, and the gateway's activity.

import type { ActivityStatus } from "../activity.ts";
import { type AlertStatus, alertStatus } from "../alerts/incidents.ts";
import { readBacklogs } from "../consumer/backlog.ts";
import type { DeadLetters } from "../consumer/dead-letters.ts";
import type { Totals } from "../consumer/letters.ts";
import { activityStatus, type Unavailable } from "./activity.ts";

export interface Status {
  readonly deadLetters: Totals;
  readonly alerts: AlertStatus;
  /** `null` if it is not bound. */
  readonly activity: ActivityStatus | Unavailable | null;
  /** The messages on the two queues, those that wait for their next attempt included; `null` if that is not known. */
  readonly backlog: { readonly events: number | null; readonly dead: number | null };
}

export async function readStatus<Env>(deadLetters: DeadLetters<Env>, env: Env): Promise<Status> {
  const letters = await deadLetters.letters(env);
  const [totals, alerts, activity, { events, dead }] = await Promise.all([
    deadLetters.totals(env),
    alertStatus(letters),
    activityStatus(deadLetters, env),
    readBacklogs({ events: deadLetters.events(env), deadQueue: deadLetters.queue(env) }),
  ]);
  const backlog = { events: events?.count ?? null, dead: dead?.count ?? null };
  return { deadLetters: totals, alerts, activity, backlog };
}
