// Judges the whole in one sentence, and says what to do. It is pure.

import type { ActivityPeriod, ActivityStatus, ActivitySummary, GatewayStatus } from "../../activity.ts";
import { wrongSignatures } from "../../alerts/conditions.ts";
import type { Incident } from "../../alerts/incidents.ts";
import type { Losses } from "../../consumer/losses.ts";
import type { Status } from "../status.ts";
import { deliveriesOf } from "./counts.ts";
import {
  activityMissing,
  alertsNotRunning,
  deadLetters,
  failing,
  late,
  loss,
  misconfigured,
  nothingArrived,
  otherIncidents,
  refusedLink,
  signatures,
  silent,
  sinks,
  unread,
} from "./findings.ts";
import { counted } from "./numbers.ts";
import type { Tone } from "./words.ts";

export interface Finding {
  /** The rule of an incident, or a name of this file. */
  readonly name: string;
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
  /** The time that the text ends with. */
  readonly at?: string | undefined;
  readonly links?: readonly FindingLink[];
}

export interface FindingLink {
  /** A view, or a part of the overview as `#id`. */
  readonly view: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly name: string;
}

export interface Verdict extends Finding {
  /** The other findings, the worse first. */
  readonly others: readonly Finding[];
}

/** The answers of the API. One that is not known is undefined. */
export interface Known {
  readonly status: Status;
  /** The deliveries of the last hour. */
  readonly minutes: ActivitySummary | undefined;
  /** The open ones. */
  readonly incidents: readonly Incident[] | undefined;
  readonly losses: Losses | undefined;
  /** The names of what could not be loaded lately. */
  readonly unread?: readonly string[];
  readonly now: number;
  /** True on the developer's machine, where no cron runs. */
  readonly isLocal?: boolean;
}

export interface Facts extends Known {
  readonly activity: ActivityStatus | undefined;
  /** The deployment that wrote the last lines. */
  readonly gateway: GatewayStatus | undefined;
  readonly periods: readonly ActivityPeriod[];
  readonly open: ReadonlyMap<string, Incident>;
  /** When a secret last matched a delivery. */
  readonly arrivedAt: string | undefined;
}

/** The worse first, among findings of one tone. What keeps all events from arriving comes before what concerns some. */
const rules: readonly ((facts: Facts) => readonly Finding[])[] = [
  misconfigured,
  failing,
  signatures,
  loss,
  deadLetters,
  otherIncidents,
  late,
  unread,
  nothingArrived,
  sinks,
  alertsNotRunning,
  activityMissing,
  silent,
];

export function verdictOf(known: Known): Verdict {
  const facts = factsOf(known);
  const findings = rules.flatMap((rule) => rule(facts));
  const isBad = ({ tone }: Finding) => tone === "bad";
  const ordered = [...findings.filter(isBad), ...findings.filter((finding) => !isBad(finding))];
  const [first = allIsWell(facts), ...others] = ordered;
  return { ...first, others };
}

/** Returns the activity of the status, if it is known. */
export function knownActivity({ activity }: Status): ActivityStatus | undefined {
  return activity === null || "unavailable" in activity ? undefined : activity;
}

function factsOf(known: Known): Facts {
  const activity = knownActivity(known.status);
  const gateways = activity?.gateways ?? [];
  const matches = gateways.flatMap(({ keys }) => Object.values(keys).map(({ lastAt }) => lastAt));
  return {
    ...known,
    activity,
    gateway: gateways[0],
    periods: activity === undefined ? [] : (known.minutes?.periods ?? []),
    open: new Map(known.incidents?.map((incident) => [incident.rule, incident])),
    arrivedAt: matches.sort((one, other) => Date.parse(one) - Date.parse(other)).at(-1),
  };
}

function allIsWell(facts: Facts): Finding {
  const { periods, arrivedAt } = facts;
  const { accepted, duplicate, failed } = deliveriesOf(periods);
  const { wrong, acceptedSince } = wrongSignatures(periods);
  if (wrong > 0) {
    const what = `${counted(wrong, "delivery", "deliveries")} in the last hour had a signature that matches no secret.`;
    const isForged = acceptedSince > 0;
    return {
      name: "forged",
      tone: isForged ? "good" : "quiet",
      title: isForged ? "All is well, and forged deliveries are refused" : "A few deliveries had a wrong signature",
      text: isForged
        ? `${what} True ones were accepted since, so the secret is right.`
        : `${what} That is too few to say that the secret is wrong: the sender of true ones tries again.`,
      links: [refusedLink],
    };
  }
  const earlier = failed > 0 ? ` ${counted(failed, "delivery was", "deliveries were")} answered 5xx in that time.` : "";
  return {
    name: "well",
    tone: "good",
    title: "All is well",
    text:
      accepted + duplicate > 0
        ? `${counted(accepted, "event was", "events were")} accepted in the last hour, and nothing waits for you.${earlier}`
        : `Nothing waits for you.${earlier}${arrivedAt === undefined ? "" : " The last delivery came at"}`,
    at: accepted + duplicate > 0 ? undefined : arrivedAt,
  };
}
