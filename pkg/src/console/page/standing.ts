// Says in one sentence how an event stands, and what to do.

import type { ActivityRecord } from "../../activity.ts";
import { hourMs } from "../../consumer/time.ts";
import { counted, formatDuration } from "./numbers.ts";
import { type EventAnswer, isKnown, recordsOf } from "./timeline.ts";
import type { Tone } from "./words.ts";

export interface Standing {
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
  /** The view in which something can be done. */
  readonly view?: string;
  /** Set if it may change at any moment. */
  readonly isMoving?: true;
}

/** An event that waits longer than this may be lost: the default of `lossMinutes`. */
const longMs = hourMs;

/** Cronozen's last attempt comes at most so long after the first one. */
const retriesMs = 31 * hourMs;

export function standingOf(event: EventAnswer, now: number): Standing {
  return endOf(event) ?? letterOf(event, now) ?? arrivalOf(event, now);
}

/** Returns the state that the ledger knows, unless the event is on its way again. */
function endOf({ history, receivedAt, deadLetters }: EventAnswer): Standing | undefined {
  const isErased = history.some(({ outcome }) => outcome === "erased");
  const end = history.findLast(({ outcome }) => outcome === "handled" || outcome === "outdated");
  const open = deadLetters.find(({ state }) => state === "open");
  if (end !== undefined) {
    const since = receivedAt === null ? Number.NaN : Date.parse(end.at) - Date.parse(receivedAt);
    // Attempts are counted anew after a redrive.
    const redrives = deadLetters
      .filter(({ redrivenAt }) => redrivenAt !== null && redrivenAt <= end.at)
      .reduce((sum, letter) => sum + letter.redrives, 0);
    const texts = [
      end.outcome === "outdated" ? "A newer event was applied before, so this one has no effect." : "",
      isErased ? "Its data was erased; that it was handled is kept." : "",
      open === undefined ? "" : "A dead letter of it is still open. A redrive has no second effect: prune it.",
    ].filter((text) => text !== "");
    return {
      tone: end.outcome === "handled" ? "good" : "quiet",
      title: `${end.outcome === "handled" ? "Handled" : "Outdated"}${
        typeof end.attempts === "number" ? ` at attempt ${end.attempts}` : ""
      }${redrives > 0 ? ` after ${counted(redrives, "redrive")}` : ""}${since >= 0 ? `, ${formatDuration(since)} after it arrived` : ""}`,
      text: texts.join(" ") || "Nothing needs to be done.",
      ...(open && { view: `dead-letters/${open.id}` }),
    };
  }
  if (isErased) {
    return {
      tone: "quiet",
      title: "Erased",
      text: "An operator has erased it. A copy that comes later has no effect.",
    };
  }
  const isOnItsWay = deadLetters.some(({ state }) => state === "open" || state === "redriven");
  return history.some(({ outcome }) => outcome === "ignored") && !isOnItsWay
    ? { tone: "quiet", title: "Ignored", text: "The handler of its type is ignore. Nothing needs to be done." }
    : undefined;
}

function letterOf({ deadLetters }: EventAnswer, now: number): Standing | undefined {
  const open = deadLetters.find(({ state }) => state === "open");
  if (open !== undefined) {
    return {
      tone: "bad",
      title: `Dead letter: ${open.reason ?? "the queue gave up, without a reason"}`,
      text: "It has had no effect. Remove the cause, then redrive it.",
      view: `dead-letters/${open.id}`,
    };
  }
  const redriven = deadLetters.find(({ state }) => state === "redriven");
  if (redriven === undefined) {
    return undefined;
  }
  const since = now - Date.parse(redriven.redrivenAt ?? "");
  const view = `dead-letters/${redriven.id}`;
  return since > longMs
    ? {
        tone: "warn",
        title: `Redriven ${formatDuration(since)} ago, and not handled yet`,
        text: "It waits for its next attempt, or the queue has lost it. If the consumer runs, redrive it again.",
        view,
      }
    : {
        tone: "info",
        title: "Redriven, on its way",
        text: "The consumer takes it from the queue.",
        view,
        isMoving: true,
      };
}

/** Returns the state that the gateway knows, if the consumer knows nothing. */
function arrivalOf(event: EventAnswer, now: number): Standing {
  const records = recordsOf(event);
  const accepted = records.find(({ outcome }) => outcome === "accepted" || outcome === "late_commit");
  if (accepted !== undefined) {
    const since = now - Date.parse(accepted.at);
    return since > longMs
      ? {
          tone: "warn",
          title: `Accepted ${formatDuration(since)} ago, and not handled yet`,
          text: "It waits on the queue for its next attempt, or it is lost. The consumer's log has its attempts, as retried. If there are none, see whether the queue has its consumer.",
        }
      : {
          tone: "info",
          title: "Accepted, waits for its next attempt",
          text: "It is on the queue. Failed attempts are in the consumer's log, as retried.",
          isMoving: true,
        };
  }
  if (records.some(({ outcome }) => outcome === "duplicate")) {
    return {
      tone: "warn",
      title: "It was on the queue before, and is not handled yet",
      text: "The record of the first delivery is not kept, and the consumer does not know the event: it waits for its next attempt, or it is lost.",
    };
  }
  const last = records.at(-1);
  return last === undefined || !isKnown(event.deliveries)
    ? {
        tone: "quiet",
        title: "Unknown",
        text: "Dead letters of it were redriven and failed again; the newest was pruned.",
      }
    : last.outcome === "rejected"
      ? {
          tone: "warn",
          title: `Refused: ${last.code}`,
          text: "It is not on the queue. Its delivery says why, and what to do.",
          view: `deliveries/${last.position}`,
        }
      : failureOf(last, now - Date.parse(records[0]?.at ?? last.at) > retriesMs);
}

function failureOf({ code, outcome, position }: ActivityRecord, isLast: boolean): Standing {
  const failure = { tone: "bad", view: `deliveries/${position}` } as const;
  return isLast
    ? {
        ...failure,
        title: `Not accepted: ${code ?? outcome}`,
        text: "Cronozen has tried for 31 hours. Retry the delivery at Cronozen.",
      }
    : {
        ...failure,
        title: `Not accepted yet: ${code ?? outcome}`,
        text: "Cronozen tries again for 31 hours. After that, retry the delivery at Cronozen.",
        isMoving: true,
      };
}
