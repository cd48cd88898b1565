// The interface of the gateway's Durable Object `Activity`, and its client.

import { hasMethod } from "./kind.ts";

/** A finished delivery, as its line in the gateway's log; or a line that came after it, such as `late_commit`. */
export interface ActivityRecord {
  /** Rises with each record. Pass it as `after` or `before`. */
  readonly position: number;
  /** When the delivery arrived, as RFC 3339. */
  readonly at: string;
  readonly outcome: string;
  readonly code?: string;
  readonly reason?: string;
  readonly eventId?: string;
  readonly type?: string;
  readonly bytes?: number;
  readonly ms?: number;
  readonly dedupe?: string;
  readonly key?: number;
  readonly address?: string;
  readonly ray?: string;
  /** The number of deliveries, if the line is about several. */
  readonly count?: number;
}

/** The counts of a minute, an hour or a day. */
export interface ActivityPeriod {
  /** The period's start, as RFC 3339. */
  readonly at: string;
  /** The deliveries by the code of their answer: `accepted`, `duplicate`, `invalid_signature`, `unavailable` and so on. */
  readonly codes: Readonly<Record<string, number>>;
  /** Other lines of the log by their outcome: `marker_failed`, `late_commit`, `late_send_failed`, `trapped`. */
  readonly others: Readonly<Record<string, number>>;
  /** The accepted events by type; `other` stands for all types beyond 64. */
  readonly types: Readonly<Record<string, number>>;
  /** The deliveries whose signature is well-formed, but matches no secret. */
  readonly mismatches: number;
  /** The accepted and duplicate deliveries by time: entry n counts those that took at most `boundsMs[n]`, the last one the rest. */
  readonly ms: readonly number[];
  /** The lines of the log that are known not to have reached the object. They are counted when it finds out. */
  readonly lost: number;
}

export interface ActivitySummary {
  readonly by: ActivityUnit;
  /** The upper bounds of the entries of `ms`, in milliseconds. */
  readonly boundsMs: readonly number[];
  /** Periods without any line are left out. The oldest comes first. */
  readonly periods: readonly ActivityPeriod[];
}

export type ActivityUnit = "minute" | "hour" | "day";

export interface SummaryQuery {
  readonly by: ActivityUnit;
  /** From this time on, as RFC 3339. */
  readonly from: string;
  /** Before this time. */
  readonly to: string;
}

export interface DeliveryQuery {
  /** Only those after this position: the oldest of them first. */
  readonly after?: number | undefined;
  /** Only those before this position. Without `after`, the newest come first. */
  readonly before?: number | undefined;
  readonly outcome?: string | undefined;
  readonly code?: string | undefined;
  readonly type?: string | undefined;
  readonly address?: string | undefined;
  readonly limit: number;
}

export interface DeliveryPage {
  readonly deliveries: readonly ActivityRecord[];
  /**
   * The `before` (or, with `after`, the `after`) of the next page; `null` if this is the last one. A page of a search with a
   * filter may be empty, and have a next one.
   */
  readonly next: number | null;
}

/** An event that is in the queue, as the gateway has logged it: `accepted` or `late_commit`. */
export interface AcceptedEvent {
  readonly position: number;
  /** When its delivery arrived, as RFC 3339. */
  readonly at: string;
  readonly eventId: string;
  readonly type: string | null;
  /** The number of events on the queue up to this one, those without a record included: there may be too many in a minute. */
  readonly queued: number;
}

export interface AcceptedPage {
  /** Another one if the object's data was deleted: its positions begin anew. */
  readonly storeId: string;
  /** The oldest first. */
  readonly events: readonly AcceptedEvent[];
  /** The `after` of the next page; `null` if this is the last one. */
  readonly next: number | null;
}

/** The state that a deployment of the gateway has reported. */
export interface GatewayStatus {
  /** The id of the deployment, if `CF_VERSION_METADATA` is bound. */
  readonly deployment: string | null;
  readonly tag: string | null;
  /** When its first and its last line were written, as RFC 3339. */
  readonly firstAt: string;
  readonly lastAt: string;
  /** The answer of `/healthz`: the version, the settings, the number of active secrets, hints for near-miss names. */
  readonly health: Readonly<Record<string, unknown>>;
  /** The number of matches of the secret at each position, and the time of the last. 0 is the newest secret. */
  readonly keys: Readonly<Record<string, { readonly deliveries: number; readonly lastAt: string }>>;
}

export interface ActivityStatus {
  /** The deployments that have written lines, the newest first: at most eight. */
  readonly gateways: readonly GatewayStatus[];
  /** The lines that were received, and those that are known to be lost, in the last 24 hours. */
  readonly received: number;
  readonly lost: number;
  /** The rows that were written today (UTC), and after how many the object writes once a minute only. */
  readonly rowsToday: number;
  readonly rowBudget: number;
  /** The number of records that are kept, and their bytes. */
  readonly records: number;
  readonly bytes: number;
}

/** The part of the object that others ask. */
export interface ActivityReader {
  summary(query: SummaryQuery): Promise<ActivitySummary>;
  deliveries(query: DeliveryQuery): Promise<DeliveryPage>;
  /** The events that were put on the queue after this position. */
  accepted(query: { readonly after: number; readonly limit: number }): Promise<AcceptedPage>;
  /** The records of one event, the oldest first. */
  event(eventId: string): Promise<readonly ActivityRecord[]>;
  status(): Promise<ActivityStatus>;
  /** Removes the records of an event, and returns how many there were. Counts stay. */
  erase(eventId: string): Promise<number>;
}

/** The part of the binding `ACTIVITY` that is used. */
export interface ActivityNamespace {
  idFromName(name: string): unknown;
  // As a method, so that the platform's own type fits.
  get(id: unknown): unknown;
}

/** There is one object for all isolates. */
const objectName = "activity";

/** Returns the object behind the binding `ACTIVITY`; undefined if it is not bound. */
export function activityOf(namespace: ActivityNamespace | undefined): ActivityReader | undefined {
  if (!hasMethod(namespace, "idFromName") || !hasMethod(namespace, "get")) {
    return undefined;
  }
  return namespace.get(namespace.idFromName(objectName)) as ActivityReader;
}
