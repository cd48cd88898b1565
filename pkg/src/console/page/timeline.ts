// Merges all that is known of an event into one timeline.

import type { ActivityRecord } from "../../activity.ts";
import type { Unavailable } from "../activity.ts";
import type { EventHistory } from "../events.ts";
import { formatCount, formatDuration } from "./numbers.ts";

/** The answer of the admin API. */
export interface EventAnswer extends EventHistory {
  readonly deliveries: readonly ActivityRecord[] | Unavailable | null;
}

export interface Step {
  /** As RFC 3339. */
  readonly at: string;
  /** The time since the step before; `null` for the first. */
  readonly afterMs: number | null;
  /** One of the names that have a tone. */
  readonly outcome: string;
  readonly text: string;
  readonly reason?: string | undefined;
  /** The view that has more about it. */
  readonly view?: string | undefined;
}

type Draft = Omit<Step, "afterMs">;

/** Returns what happened to an event, in the order of time. */
export function timelineOf(event: EventAnswer): Step[] {
  const drafts = [...arrivalOf(event), ...recordsOf(event).map(stepOf), ...lettersOf(event), ...endsOf(event)];
  // The sort is stable: at the same time, the cause stays before its effect.
  drafts.sort((one, other) => msOf(one.at) - msOf(other.at));
  return drafts.map((step, index) => {
    const before = drafts[index - 1];
    return { ...step, afterMs: before === undefined ? null : msOf(step.at) - msOf(before.at) };
  });
}

/** Returns the records of the gateway, if they are known. */
export function recordsOf({ deliveries }: EventAnswer): readonly ActivityRecord[] {
  return isKnown(deliveries) ? deliveries : [];
}

export function isKnown(deliveries: EventAnswer["deliveries"]): deliveries is readonly ActivityRecord[] {
  return Array.isArray(deliveries);
}

/** Returns how many deliveries are known, as `5, 4 of them duplicates`. Other records are of what came after an answer. */
export function deliveriesOf(event: EventAnswer): string {
  const outcomes = recordsOf(event).map(({ outcome }) => outcome);
  const deliveries = outcomes.filter((outcome) => answered.includes(outcome)).length;
  const duplicates = outcomes.filter((outcome) => outcome === "duplicate").length;
  return deliveries === 0
    ? ""
    : duplicates === 0
      ? formatCount(deliveries)
      : `${formatCount(deliveries)}, ${formatCount(duplicates)} of them ${duplicates === 1 ? "a duplicate" : "duplicates"}`;
}

const answered = ["accepted", "duplicate", "rejected", "failed"];

/** The message has the time of the delivery that was queued, also if its record is not kept. */
function arrivalOf(event: EventAnswer): Draft[] {
  const { receivedAt } = event;
  const isRecorded = recordsOf(event).some(({ at, outcome }) => at === receivedAt && queued.includes(outcome));
  return receivedAt === null || isRecorded
    ? []
    : [{ at: receivedAt, outcome: "accepted", text: "The delivery that was queued arrived." }];
}

const queued = ["accepted", "late_commit"];

function stepOf({ at, ms = 0, outcome, code, reason, position, dedupe }: ActivityRecord): Draft {
  const view = `deliveries/${position}`;
  const took = formatDuration(ms);
  const later = new Date(msOf(at) + ms).toISOString();
  switch (outcome) {
    case "accepted": {
      const doubt = dedupe === "unknown" ? " KV could not say whether it had been seen before." : "";
      return { at, outcome, text: `Delivered, and on the queue within ${took}.${doubt}`, reason, view };
    }
    case "duplicate":
      return { at, outcome, text: "Delivered again. It was on the queue before.", reason, view };
    case "late_commit":
      return { at: later, outcome, text: `On the queue, ${took} after it arrived.`, reason, view };
    case "late_send_failed":
      return { at: later, outcome, text: "The send after the answer failed, too.", reason, view };
    case "marker_failed":
      return { at: later, outcome, text: "It could not be marked as seen.", reason, view };
    case "failed":
      return { at, outcome, text: `Delivered, but not accepted: ${code}.`, reason, view };
    default:
      return { at, outcome, text: `Delivered, but refused: ${code ?? outcome}.`, reason, view };
  }
}

/** The oldest first. A dead letter has the end of its last attempt, when it was stored, and its last redrive. */
function lettersOf({ deadLetters }: EventAnswer): Draft[] {
  return deadLetters.toReversed().flatMap(({ id, attempts, reason, failedAt, storedAt, redrivenAt, redrives }) => {
    const view = `dead-letters/${id}`;
    const drafts: Draft[] = [];
    if (failedAt !== null && reason !== null) {
      const text = attempts === null ? "The last attempt failed." : `Attempt ${attempts} failed, the last one.`;
      drafts.push({ at: failedAt, outcome: "failed", text, reason });
    }
    const cause = reason === null ? "The queue gave up: it has no reason." : "It waits to be redriven.";
    const text = `Stored as a dead letter. ${redrivenAt === null || reason === null ? cause : ""}`.trim();
    drafts.push({ at: storedAt, outcome: "dead", text, view });
    if (redrivenAt !== null) {
      const earlier = redrives > 1 ? ` It is redrive ${redrives}; the times of earlier ones are not kept.` : "";
      drafts.push({
        at: redrivenAt,
        outcome: "redriven",
        text: `Put on the queue again.${earlier}`,
        view,
      });
    }
    return drafts;
  });
}

const ends: Readonly<Record<string, string>> = {
  handled: "Handled",
  outdated: "A newer event was applied before: outdated",
  ignored: "Ignored, as its handler says",
  erased: "Its data was erased",
};

function endsOf({ history }: EventAnswer): Draft[] {
  return history.flatMap(({ at, outcome, attempts }) => {
    const what = ends[outcome];
    if (what === undefined) {
      return [];
    }
    const which = typeof attempts === "number" ? ` at attempt ${attempts}` : "";
    const failed = (attempts ?? 1) > 1 ? " The attempts before it are in the consumer's log." : "";
    return [{ at, outcome, text: `${what}${which}.${failed}` }];
  });
}

function msOf(at: string): number {
  return new Date(at).getTime();
}
