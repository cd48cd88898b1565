// The views and places to look at next, for each rule of the alerts.

import type { RuleName } from "../../alerts/rules.ts";
import { viewPath } from "./api.ts";

interface Steps {
  /** Views, the most useful one first. */
  readonly links: readonly (readonly [href: string, name: string])[];
  /** The work that is to be done elsewhere. */
  readonly also?: string;
}

const overview = [viewPath(""), "The overview: health, settings and limits"] as const;
const events = [viewPath("events"), "What was handled lately"] as const;
const failed = [
  viewPath("deliveries", { outcome: "failed" }),
  "Deliveries that the gateway failed, with their reasons",
] as const;

const steps: Readonly<Record<RuleName, Steps>> = {
  dead_letter: {
    links: [[viewPath("dead-letters"), "The open dead letters, with their reasons"]],
    also: "Cure the cause first. Then redrive them, or prune those that need no handling.",
  },
  late: {
    links: [events, overview],
    also: "Look in Cloudflare's dashboard whether the consumer is attached to the queue and not paused. If it is, look how long a handler takes.",
  },
  signatures: {
    links: [
      [viewPath("deliveries", { code: "invalid_signature" }), "Deliveries with a wrong signature, and their addresses"],
      [viewPath("diagnose"), "Diagnose one of them: it says why the signature does not match"],
    ],
    also: "If Cronozen has sent them, compare the secret with that of the registration. If the addresses are not the sender's, somebody sends forged events: they are refused, and you have nothing to do.",
  },
  failing: {
    links: [failed, overview],
    also: "If the incident misconfigured is open, too, cure that one first.",
  },
  misconfigured: {
    links: [overview, [viewPath("deliveries", { code: "misconfigured" }), "Deliveries that were answered 500"]],
    also: "Set what is missing or wrong, and deploy. The sender tries the deliveries again.",
  },
  dead_letters_full: {
    links: [
      [viewPath("dead-letters"), "The open dead letters: redrive them"],
      [viewPath("dead-letters", { state: "redriven" }), "The redriven ones: prune them"],
    ],
  },
  ledger_full: {
    links: [overview, events],
    also: "Delete old claims and rows of yours in the database. On the paid plan, set rules.ledger_full.maxBytes to its limit.",
  },
  loss: {
    links: [
      [viewPath("deliveries", { outcome: "accepted" }), "The accepted deliveries"],
      [viewPath("audit"), "The audit: who has pruned or erased something"],
    ],
    also: "Look in Cloudflare's dashboard whether the queue was purged, or has another consumer. Then let the events through again.",
  },
  quiet: {
    links: [[viewPath("deliveries"), "The last deliveries"], overview],
    also: "Look in Cronozen whether the registration is active, and when its last delivery was.",
  },
  unreadable: {
    links: [overview],
    also: "Of the sources, letters and ledger are the databases, activity and hours are the object Activity, losses all three, and backlog is the queue. Look at the Worker's bindings, and at Cloudflare's status page.",
  },
};

/** That the sender waits for its next attempt shows no cure. */
const untilAccepted: readonly string[] = ["signatures", "failing", "misconfigured"];

/** Returns what has to happen for an open incident to close. */
export function closingOf(rule: string): string {
  return untilAccepted.includes(rule)
    ? "The incident closes by itself soon after a delivery is accepted again."
    : "The incident closes by itself when two runs of the alerts in a row find its condition gone.";
}

export function nextSteps(rule: string): Steps {
  return Object.hasOwn(steps, rule) ? steps[rule as RuleName] : { links: [overview] };
}
