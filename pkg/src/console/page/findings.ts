// The rules of the verdict: each function returns a finding if something is wrong.

import type { GatewayStatus } from "../../activity.ts";
import { failureMinutes, leastMinutes, since, wrongSignatures } from "../../alerts/conditions.ts";
import type { Incident } from "../../alerts/incidents.ts";
import { usual } from "../../alerts/rules.ts";
import { dayMs, minuteMs } from "../../consumer/time.ts";
import { deliveriesOf } from "./counts.ts";
import { counted } from "./numbers.ts";
import type { Facts, Finding, FindingLink } from "./verdict.ts";

const failureMs = failureMinutes * minuteMs;

/** The alerts run every 5 minutes. Two runs may be missed. */
export const alertsLateMs = 16 * minuteMs;

const lateMs = usual.lateMinutes * minuteMs;

const silentMs = dayMs;

/** The alerts' part of the page has the whole reason of a sink. */
const reasonLength = 80;

/** The rules whose incidents have a sentence of their own here. */
const ownRules = ["misconfigured", "failing", "signatures", "loss", "dead_letter", "late", "quiet"];

export const refusedLink: FindingLink = {
  view: "deliveries",
  parameters: { code: "invalid_signature" },
  name: "Look at the refused deliveries",
};

/** Returns what `/healthz` says is missing or wrong, each in a sentence. */
export function problemsOf({ health }: GatewayStatus): string[] {
  const problems = Array.isArray(health.problems) ? health.problems : [];
  return problems.map((problem) => {
    const { name, expected, found } = Object(problem);
    return `${name}: expected ${expected}, found ${found}.`;
  });
}

export function misconfigured({ gateway, open, periods, now }: Facts): Finding[] {
  const problems = gateway === undefined ? [] : problemsOf(gateway);
  const answers = since(periods, now - failureMs).some(({ codes }) => (codes.misconfigured ?? 0) > 0);
  const incident = open.get("misconfigured");
  if (problems.length === 0 && !answers && incident === undefined) {
    return [];
  }
  const text =
    problems.length > 0
      ? `${problems.join(" ")} Until it is set right and deployed, every delivery is answered 500, and the sender tries again for 31 hours. The gateway has said so at`
      : (incident?.text ??
        "Deliveries are answered 500, because a setting or a binding is missing or wrong. /healthz of the gateway names it.");
  return [
    {
      name: "misconfigured",
      tone: "bad",
      title: incident?.title ?? "The gateway is misconfigured",
      text,
      at: problems.length > 0 ? gateway?.lastAt : undefined,
      links: [
        { view: "#gateway", name: "Look at the gateway" },
        { view: "deliveries", parameters: { code: "misconfigured" }, name: "See the deliveries" },
      ],
    },
  ];
}

export function failing(facts: Facts): Finding[] {
  const { open, periods, now } = facts;
  const { accepted, duplicate, failed } = deliveriesOf(since(periods, now - failureMs));
  const incident = open.get("failing");
  // The finding on settings has said it already.
  if ((failed === 0 && incident === undefined) || misconfigured(facts).length > 0) {
    return [];
  }
  const all = failed + accepted + duplicate;
  const isBad = incident !== undefined || (failed >= usual.answers && failed * 100 > all * usual.percent);
  const text = `${counted(failed, "delivery was", "deliveries were")} answered 5xx in the last ${failureMinutes} minutes, of ${all} with a right signature. The sender tries them again.`;
  return [
    {
      name: "failing",
      tone: isBad ? "bad" : "warn",
      title: incident?.title ?? (isBad ? "The gateway fails" : "The gateway could not take some deliveries"),
      text: incident?.text ?? text,
      links: [{ view: "deliveries", parameters: { outcome: "failed" }, name: "Look at the reasons" }],
    },
  ];
}

export function signatures(facts: Facts): Finding[] {
  const incident = facts.open.get("signatures");
  const { wrong, minutes, acceptedSince } = wrongSignatures(facts.periods);
  // If no signature was ever right, the first wrong one says enough.
  const isEnough =
    facts.arrivedAt === undefined
      ? wrong > 0
      : wrong >= usual.mismatches && minutes >= leastMinutes && acceptedSince === 0;
  return incident === undefined && !isEnough
    ? []
    : [
        {
          name: "signatures",
          tone: "bad",
          title: incident?.title ?? "The signing secret may be wrong",
          text:
            incident?.text ??
            `${counted(wrong, "delivery", "deliveries")} in the last hour had a signature that matches no secret, and none was accepted since the first of them. If Cronozen has sent them, CRONOZEN_SIGNING_SECRET is not its registration's secret.`,
          links: [refusedLink, { view: "diagnose", name: "Diagnose a signature" }],
        },
      ];
}

export function loss({ open, losses }: Facts): Finding[] {
  const incident = open.get("loss");
  const lost = losses?.lost ?? 0;
  if (lost === 0 && (incident === undefined || losses !== undefined)) {
    return [];
  }
  return [
    {
      name: "loss",
      tone: "bad",
      title: incident?.title ?? "Accepted events are lost",
      text:
        lost === 0
          ? (incident?.text ?? "")
          : `${counted(lost, "event was", "events were")} accepted, and then found neither in the ledger nor among the dead letters. Look whether the queue was purged or has another consumer; then have Cronozen send them again.`,
      links: [
        lost === 0
          ? { view: `incidents/${incident?.id}`, name: "Open the incident" }
          : { view: "#lost", name: "See which" },
      ],
    },
  ];
}

/** The number is the present one: an incident stays open until the alerts' next run. */
export function deadLetters({ status, open }: Facts): Finding[] {
  const letters = status.deadLetters.open;
  return letters === 0
    ? []
    : [
        {
          name: "dead_letter",
          tone: "bad",
          title: open.get("dead_letter")?.title ?? "Events could not be handled: dead letters are open",
          text: `${counted(letters, "dead letter is", "dead letters are")} open. Look at the reason, cure its cause, then redrive them.`,
          links: [{ view: "dead-letters", name: "Look at the dead letters" }],
        },
      ];
}

export function otherIncidents({ incidents = [] }: Facts): Finding[] {
  return incidents.filter(({ rule }) => !ownRules.includes(rule)).map((incident) => ofIncident(incident, "warn"));
}

/** More messages than events that arrived lately: some have waited for longer. */
export function late({ status, activity, minutes, open, periods, now }: Facts): Finding[] {
  const incident = open.get("late");
  if (incident !== undefined) {
    return [ofIncident(incident, "bad")];
  }
  const waiting = status.backlog.events ?? 0;
  const isKnown = activity !== undefined && minutes !== undefined;
  return !isKnown || waiting <= deliveriesOf(since(periods, now - lateMs)).accepted
    ? []
    : [
        {
          name: "late",
          tone: "warn",
          title: "Events wait on the queue",
          text: `${counted(waiting, "message is", "messages are")} on the queue of events, more than were accepted in the last ${usual.lateMinutes} minutes. They wait for another attempt, or the consumer is late: look whether it is deployed, attached to the queue and not paused.`,
          links: [{ view: "events", name: "See what was handled last" }],
        },
      ];
}

/** "All is well" must not be said of what is not known. */
export function unread({ unread = [] }: Facts): Finding[] {
  return unread.length === 0
    ? []
    : [
        {
          name: "unread",
          tone: "warn",
          title: "Not all of the state is known",
          text: `Not loaded: ${unread.join(", ")}. The page asks again by itself.`,
        },
      ];
}

export function nothingArrived({ activity, arrivedAt, status, periods }: Facts): Finding[] {
  const isNew = activity !== undefined && arrivedAt === undefined && status.deadLetters.letters === 0;
  return !isNew || periods.some(({ mismatches }) => mismatches > 0)
    ? []
    : [
        {
          name: "nothing_arrived",
          tone: "quiet",
          title: "No event has arrived yet",
          text: "Send a sample to try the whole way, or register the gateway's address with Cronozen.",
        },
      ];
}

export function sinks({ status }: Facts): Finding[] {
  const { failing, problems } = status.alerts;
  const reasons = [...problems, ...failing.map(({ sink, reason }) => `${sink}: ${reason.slice(0, reasonLength)}`)];
  return reasons.length === 0
    ? []
    : [
        {
          name: "sinks",
          tone: "warn",
          title: "Alerts do not reach everybody",
          text: `${reasons.join("; ")}. Set the sink right; what could not be sent is tried again at each run.`,
          links: [{ view: "#alerts", name: "Look at the alerts" }],
        },
      ];
}

export function alertsNotRunning({ status, now, isLocal = false }: Facts): Finding[] {
  const { ranAt } = status.alerts;
  if (isLocal || (ranAt !== null && Date.parse(ranAt) > now - alertsLateMs)) {
    return [];
  }
  const cure = `Nobody gets a message when something fails. The Worker needs scheduled: alerts({ … }), and crons = ["*/5 * * * *"] under [triggers] in wrangler.toml.`;
  return [
    {
      name: "alerts",
      tone: "warn",
      title: ranAt === null ? "Alerts have not run yet" : "Alerts do not run any more",
      text: ranAt === null ? cure : `${cure} The last run ended at`,
      at: ranAt ?? undefined,
    },
  ];
}

export function activityMissing({ status: { activity } }: Facts): Finding[] {
  if (activity === null) {
    return [
      {
        name: "activity",
        tone: "quiet",
        title: "Deliveries are not known here",
        text: "The gateway's Activity is not bound. Nothing else is known to be wrong.",
        links: [{ view: "#plots", name: "See how to bind it" }],
      },
    ];
  }
  if (!("unavailable" in activity)) {
    return [];
  }
  const text = `The gateway's Activity does not answer: ${activity.unavailable}. Deliveries are taken without it; nothing else is known to be wrong.`;
  return [{ name: "activity", tone: "warn", title: "Deliveries are not known at the moment", text }];
}

export function silent(facts: Facts): Finding[] {
  const { activity, arrivedAt, open, now, status } = facts;
  const incident = open.get("quiet");
  if (incident !== undefined) {
    return [ofIncident(incident, "warn")];
  }
  // Without a time, the deployment that has seen the last delivery is forgotten.
  const isOld = arrivedAt === undefined ? status.deadLetters.letters > 0 : Date.parse(arrivedAt) <= now - silentMs;
  return activity === undefined || !isOld || signatures(facts).length > 0
    ? []
    : [
        {
          name: "quiet",
          tone: "quiet",
          title: "The sender is silent",
          text: `No event has arrived for a day. If that is unusual, look whether Cronozen's registration is active, and at its last delivery.${arrivedAt === undefined ? "" : " The last one came at"}`,
          at: arrivedAt,
        },
      ];
}

function ofIncident({ id, rule, title, text }: Incident, tone: Finding["tone"]): Finding {
  return { name: rule, tone, title, text, links: [{ view: `incidents/${id}`, name: "Open the incident" }] };
}
