// Asks the gateway's Durable Object `Activity`, for the routes of the admin API.

import type { ActivityReader, ActivityRecord, ActivityStatus, ActivityUnit, SummaryQuery } from "../activity.ts";
import type { DeadLetters } from "../consumer/dead-letters.ts";
import { reasonOf } from "../consumer/log.ts";
import { dayMs, hourMs, inTime, minuteMs, unitMs } from "../consumer/time.ts";
import { Problem } from "./problem.ts";

/** A page must not hang with the object. */
const timeoutMs = 5000;

/** The range of a summary that names none. */
const defaultMs: Record<ActivityUnit, number> = { minute: hourMs, hour: 2 * dayMs, day: 90 * dayMs };

/** The reason why something of Activity is missing in an answer. */
export interface Unavailable {
  readonly unavailable: string;
}

/**
 * Asks the object.
 *
 * @throws Problem if it is not bound
 */
export async function askActivity<Env, Answer>(
  deadLetters: DeadLetters<Env>,
  env: Env,
  ask: (activity: ActivityReader) => Promise<Answer>,
): Promise<Answer> {
  const activity = boundActivity(deadLetters, env);
  return inTime(async () => ask(activity), timeoutMs, `Activity timed out after ${timeoutMs} ms`);
}

/**
 * Returns the object.
 *
 * @throws Problem if it is not bound
 */
export function boundActivity<Env>(deadLetters: DeadLetters<Env>, env: Env): ActivityReader {
  const activity = deadLetters.activity(env);
  if (activity === undefined) {
    throw new Problem(404, "no_activity", "Activity not bound: add activity: (env) => env.ACTIVITY to deadLetters()");
  }
  return activity;
}

/** Returns the range of a summary. It begins with a whole period: the counts of a part would look like those of the whole. */
export function rangeOf({
  by = "hour",
  from,
  to,
}: {
  readonly by?: ActivityUnit;
  readonly from?: string;
  readonly to?: string;
}): SummaryQuery {
  // The present minute included.
  const end = to ?? new Date(Date.now() + minuteMs).toISOString();
  const start = from === undefined ? Date.parse(end) - defaultMs[by] : Date.parse(from);
  return { by, from: new Date(Math.floor(start / unitMs[by]) * unitMs[by]).toISOString(), to: end };
}

/** Returns the status of the object; `null` if it is not bound. */
export async function activityStatus<Env>(
  deadLetters: DeadLetters<Env>,
  env: Env,
): Promise<ActivityStatus | Unavailable | null> {
  return optional(deadLetters, env, (activity) => activity.status());
}

/** Returns the deliveries of an event; `null` if the object is not bound. */
export async function deliveriesOf<Env>(
  deadLetters: DeadLetters<Env>,
  env: Env,
  eventId: string,
): Promise<readonly ActivityRecord[] | Unavailable | null> {
  return optional(deadLetters, env, (activity) => activity.event(eventId));
}

/** The rest of an answer does not need the object, so a failure is a part of the answer. */
async function optional<Env, Answer>(
  deadLetters: DeadLetters<Env>,
  env: Env,
  ask: (activity: ActivityReader) => Promise<Answer>,
): Promise<Answer | Unavailable | null> {
  if (deadLetters.activity(env) === undefined) {
    return null;
  }
  try {
    return await askActivity(deadLetters, env, ask);
  } catch (error) {
    return { unavailable: reasonOf(error) };
  }
}
