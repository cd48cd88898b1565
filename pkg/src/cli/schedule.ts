// `send --schedule`: the sender's seven attempts to deliver one event.

import { setTimeout as sleep } from "node:timers/promises";
import { shown } from "./arguments.ts";
import { cut, fitted, plain } from "./columns.ts";
import { answerOf, curesOf } from "./cures.ts";
import { messagesOf, type Plan } from "./deliveries.ts";
import { type Attempt, post } from "./delivery.ts";
import { dim, green, type Result, red } from "./output.ts";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** The delays before the sender's attempts. Each counts from the end of the attempt before. */
const delaysMs = [0, 30 * secondMs, 2 * minuteMs, 10 * minuteMs, hourMs, 6 * hourMs, 24 * hourMs];

/** An attempt that was made. */
interface Made extends Attempt {
  /** When it began on the sender's clock, in milliseconds after the first. */
  readonly atMs: number;
}

/** Columns that fit every row, because rows are printed before the next ones are known. */
const widths = [7, 14, 37];

/**
 * Makes the attempts until one is answered 2xx, and prints each when it ends, unless the result is JSON. The delays are
 * divided by `scale`; the time-out is not.
 */
export async function playSchedule(plan: Plan, scale: number, json: boolean, signal: AbortSignal): Promise<Result> {
  const { eventId, type, body, signature } = messagesOf(plan)(0);
  const print = (line: string): void => void (json || process.stdout.write(`${line}\n`));
  print(cut(`${plain(type)} ${plain(eventId)} to ${shown(plan.url)}`));
  print("");
  print(dim(fitted(["attempt", "after", "answer", "next"], widths)));
  const made: Made[] = [];
  let clockMs = 0;
  for (const [index, delayMs] of delaysMs.entries()) {
    const attempt = await attemptAfter(delayMs / scale, () => post(plan.url, body, signature, signal), signal);
    if (attempt === undefined) {
      break;
    }
    clockMs += delayMs;
    made.push({ ...attempt, atMs: clockMs });
    const isDelivered = hasSucceeded(attempt);
    const nextMs = isDelivered ? undefined : delaysMs[index + 1];
    const next = nextMs === undefined ? "" : `in ${duration(nextMs)}`;
    print(fitted([String(index + 1), duration(clockMs), `${answerOf(attempt)}, ${attempt.ms} ms`, next], widths));
    clockMs += attempt.ms;
    if (isDelivered) {
      break;
    }
  }
  return resultOf(plan, made, { eventId, type });
}

/** Returns `undefined` if the signal ends the delay or the attempt. */
async function attemptAfter(
  delayMs: number,
  attempt: () => Promise<Attempt>,
  signal: AbortSignal,
): Promise<Attempt | undefined> {
  try {
    await sleep(delayMs, undefined, { signal });
    const made = await attempt();
    return signal.aborted && made.status === undefined ? undefined : made;
  } catch (error) {
    if (signal.aborted) {
      return undefined;
    }
    throw error;
  }
}

function resultOf(plan: Plan, made: readonly Made[], event: { eventId: string; type: string }): Result {
  const last = made.at(-1);
  const isDelivered = last !== undefined && hasSucceeded(last);
  const interrupted = !isDelivered && made.length < delaysMs.length;
  const attempts = `${made.length} ${made.length === 1 ? "attempt" : "attempts"}`;
  const text = isDelivered
    ? `\n${green("ok")}  Delivered at attempt ${made.length}.`
    : interrupted
      ? `\n${red("no")}  Interrupted after ${attempts}. It is not delivered.`
      : [`\n${red("no")}  Failed after ${attempts}.`, ...curesOf(made, plan)].join("\n\n");
  return {
    ok: isDelivered,
    text,
    json: {
      ...event,
      deliveredAt: isDelivered ? made.length : null,
      attempts: made.map(({ atMs, status, code, ms }) => ({ atMs, status: status ?? null, code, ms })),
      interrupted,
    },
  };
}

/** Any 2xx is a success for the sender. */
function hasSucceeded({ status = 0 }: Attempt): boolean {
  return status >= 200 && status < 300;
}

/** Returns a time in its two largest units. */
function duration(ms: number): string {
  const [hours, minutes, seconds] = [ms / hourMs, (ms % hourMs) / minuteMs, (ms % minuteMs) / secondMs].map(Math.floor);
  if (hours) {
    return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  }
  if (minutes) {
    return seconds ? `${minutes} min ${seconds} s` : `${minutes} min`;
  }
  return `${seconds ?? 0} s`;
}
