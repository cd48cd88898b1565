// The condition of each rule, and the sentences that report it.

import type { ActivityPeriod } from "../activity.ts";
import { dayMs, hourMs, minuteMs } from "../consumer/time.ts";
import { windowMinutes } from "./ledger.ts";
import { type Detail, detailOf } from "./message.ts";
import type { Finding, Thresholds } from "./rules.ts";
import type { Signals } from "./signals.ts";

/** The rules on failures look back so far, in minutes. */
export const failureMinutes = 10;

/** A source that fails at so many runs in a row is reported. */
const maxFailures = 3;

/** The share of a limit from which it is reported: as of each new dead letter in the log, and of D1's database. */
const [lettersShare, ledgerShare] = [0.5, 0.8];

const maxDetails = 3;

/** Wrong signatures are reported if they come in so many minutes. */
export const leastMinutes = 2;

export function deadLetter({ letters }: Signals): Finding | undefined {
  const { open = 0, newest = [] } = letters ?? {};
  return open === 0
    ? undefined
    : {
        title: "Events could not be handled: dead letters are open",
        text: `${counted(open, "dead letter is", "dead letters are")} open. Look at the reason, cure its cause, then redrive them.`,
        details: newest
          .slice(0, maxDetails)
          .flatMap(({ eventId, type, reason }) => [
            detailOf("event", eventId),
            detailOf("type", type),
            detailOf("reason", reason ?? "the queue itself has given up"),
          ]),
      };
}

/** A late first attempt proves it. A backlog does, if nothing in it is a retry that waits for its time. */
export function late(signals: Signals, { lateMinutes }: Thresholds): Finding | undefined | "unknown" {
  const { ledger, backlog, failed, now } = signals;
  const title = "The consumer is late";
  if (ledger !== undefined && ledger.late.length > 0) {
    const { length } = ledger.late;
    return {
      title,
      text: `${counted(length, "event was", "events were")} handled in the last ${windowMinutes} minutes, but first tried more than ${lateMinutes} minutes after arrival. Look at the queue's backlog and at how long a handler takes.`,
      details: ledger.late.slice(0, maxDetails).map(({ eventId }) => detailOf("event", eventId)),
    };
  }
  if (failed.has("backlog")) {
    return "unknown";
  }
  const since = now - lateMinutes * minuteMs;
  if (
    ledger === undefined ||
    backlog === undefined ||
    backlog.count <= ledger.retries ||
    (backlog.oldest ?? 0) > since ||
    (ledger.progressAt !== null && Date.parse(ledger.progressAt) > since)
  ) {
    return undefined;
  }
  return {
    title,
    text: `${counted(backlog.count, "event waits", "events wait")} on the queue, and none was handled or became a dead letter for ${lateMinutes} minutes. Look whether the consumer is deployed, attached to the queue and not paused.`,
    details: [],
  };
}

/** Anybody can send a few wrong signatures at once. A sender with another secret tries again, and no event is accepted. */
export function signatures({ activity = [] }: Signals, { mismatches }: Thresholds): Finding | undefined | "unknown" {
  const { wrong, minutes, acceptedSince } = wrongSignatures(activity);
  return wrong < mismatches || minutes < leastMinutes || acceptedSince > 0
    ? unlessSilent(activity)
    : {
        title: "The signing secret may be wrong, or somebody sends forged events",
        text: `${counted(wrong, "delivery", "deliveries")} in the last ${windowMinutes} minutes had a signature that matches no secret, and none was accepted since the first of them. Look at lastDeliveryAt of Cronozen's registration and at the sender's address in deliveries: if Cronozen has sent them, compare the gateway's secret with the registration's.`,
        details: [],
      };
}

export function failing(
  { activity = [], now }: Signals,
  { answers, percent }: Thresholds,
): Finding | undefined | "unknown" {
  const periods = since(activity, now - failureMinutes * minuteMs);
  const failed = sum(periods, ({ codes }) => (codes.unavailable ?? 0) + (codes.misconfigured ?? 0));
  // Without the refused ones: a flood of forgeries must not hide the failures.
  const all = failed + accepted(periods);
  const trapped = sum(periods, ({ others }) => others.trapped ?? 0);
  return failed < answers || failed * 100 <= all * percent
    ? unlessSilent(periods)
    : {
        title: "The gateway fails",
        text: `${failed} of ${all} deliveries in the last ${failureMinutes} minutes were answered 5xx${trapped > 0 ? `, and the code trapped ${counted(trapped, "time", "times")}` : ""}. The sender tries them again. Look at the reasons in the gateway's log.`,
        details: [],
      };
}

export function misconfigured({ activity = [], now }: Signals): Finding | undefined | "unknown" {
  const periods = since(activity, now - failureMinutes * minuteMs);
  const answers = sum(periods, ({ codes }) => codes.misconfigured ?? 0);
  return answers === 0
    ? unlessSilent(periods)
    : {
        title: "The gateway is misconfigured",
        text: `${counted(answers, "delivery was", "deliveries were")} answered 500 in the last ${failureMinutes} minutes, because a setting or a binding is missing or wrong. /healthz names it.`,
        details: [],
      };
}

export function deadLettersFull({ letters }: Signals): Finding | undefined {
  const { bytes = 0, maxBytes = 1 } = letters ?? {};
  return bytes <= maxBytes * lettersShare
    ? undefined
    : {
        title: "The dead letters are filling up",
        text: `They take ${bytes} of ${maxBytes} bytes. When they are full, further ones wait on their queue. Redrive them, and prune those that were handled.`,
        details: [],
      };
}

export function ledgerFull({ ledger }: Signals, { ledgerBytes }: Thresholds): Finding | undefined {
  const { bytes = 0 } = ledger ?? {};
  return bytes <= ledgerBytes * ledgerShare
    ? undefined
    : {
        title: "The ledger's database is filling up",
        text: `It has ${bytes} bytes; the limit is ${ledgerBytes}. When it is full, no event can be handled. Delete old claims and rows of yours, or set rules.ledger_full.maxBytes to your plan's limit.`,
        details: [],
      };
}

export function loss({ losses }: Signals): Finding | undefined {
  const { lost = 0, events = [] } = losses ?? {};
  return lost === 0
    ? undefined
    : {
        title: "Accepted events are lost",
        text: `${counted(lost, "event was", "events were")} accepted, and then found neither in the ledger nor among the dead letters. Look whether the queue was purged, or has another consumer; then let the events through again.`,
        details: events
          .slice(0, maxDetails)
          .flatMap(({ eventId, type }) => [detailOf("event", eventId), detailOf("type", type)]),
      };
}

/** A new or emptied object knows nothing of the hours before. */
export function quiet({ hours, now }: Signals, { quietHours }: Thresholds): Finding | undefined | "unknown" {
  if (hours === undefined || accepted(hours.periods) > 0) {
    return undefined;
  }
  const isOld = Date.parse(hours.firstDay ?? "") + dayMs <= now - quietHours * hourMs;
  return !isOld
    ? "unknown"
    : {
        title: "No event arrives",
        text: `Nothing was accepted for ${counted(quietHours, "hour", "hours")}. Look whether the sender's registration is active, and at its last delivery.`,
        details: [],
      };
}

export function unreadable(signals: Signals): Finding | undefined {
  const { failed } = signals;
  const failures = failuresOf(signals);
  const names = [...failed.keys()].filter((source) => (failures[source] ?? 0) >= maxFailures).sort();
  return names.length === 0
    ? undefined
    : {
        title: "Alerts cannot read what they watch",
        text: `Reading failed ${maxFailures} times or more in a row: ${names.join(", ")}. Rules that need it neither open nor close.`,
        details: names.slice(0, maxDetails).map((name): Detail => detailOf(name, failed.get(name) ?? "")),
      };
}

/** Returns the number of runs in a row at which each source has failed, with this one. */
export function failuresOf({ failed, failedBefore }: Signals): Record<string, number> {
  return Object.fromEntries([...failed.keys()].map((name) => [name, (failedBefore[name] ?? 0) + 1]));
}

/** The sender waits for hours between its attempts. Until a delivery is accepted, nothing shows that the cause is gone. */
function unlessSilent(periods: readonly ActivityPeriod[]): undefined | "unknown" {
  return accepted(periods) > 0 ? undefined : "unknown";
}

/** Returns the number of deliveries that were accepted, or were accepted before. */
export function accepted(periods: readonly ActivityPeriod[]): number {
  return periods.reduce((total, { codes }) => total + (codes.accepted ?? 0) + (codes.duplicate ?? 0), 0);
}

/** The deliveries with a wrong signature, the number of minutes with one, and what was accepted since the first. */
export function wrongSignatures(periods: readonly ActivityPeriod[]) {
  const minutes = periods.filter((period) => period.mismatches > 0);
  const first = Math.min(...minutes.map(({ at }) => Date.parse(at)));
  return {
    wrong: sum(minutes, (period) => period.mismatches),
    minutes: minutes.length,
    acceptedSince: accepted(periods.filter(({ at }) => Date.parse(at) >= first)),
  };
}

/** The minute in which the time lies counts as a whole. */
export function since(periods: readonly ActivityPeriod[], time: number): ActivityPeriod[] {
  return periods.filter(({ at }) => Date.parse(at) > time - minuteMs);
}

function sum(periods: readonly ActivityPeriod[], count: (period: ActivityPeriod) => number): number {
  return periods.reduce((total, period) => total + count(period), 0);
}

function counted(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
