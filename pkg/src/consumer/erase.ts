// Erases what may hold a person's data, and keeps the claim, so that a late copy of the event has no effect.

import type { ActivityReader } from "../activity.ts";
import { finishAudit, startAudit } from "./audit.ts";
import { maxBodyBytes, objectIn } from "./message.ts";
import { type Bucket, bound } from "./platform.ts";
import type { Stores } from "./stores.ts";
import { inTime } from "./time.ts";

/** The rows and objects that an erasure deleted. */
export interface Erasure {
  readonly deadLetters: number;
  /** The number of bodies in R2. */
  readonly bodies: number;
  /** The number of the gateway's records in `Activity`; `null` without the option `activity`. */
  readonly activityRecords: number | null;
  /** The keys of bodies that remain in R2, because the option `bodies` is missing. */
  readonly bodiesLeft: readonly string[];
}

/** The object may hang, and the request with it. */
const activityTimeoutMs = 5000;

const claim = `INSERT INTO cronozen_events (event_id, handled_at, outcome) VALUES (?, ?, 'erased')
  ON CONFLICT (event_id) DO NOTHING`;

const markErased = `INSERT INTO cronozen_erased (event_id, erased_at) VALUES (?, ?) ON CONFLICT (event_id) DO NOTHING`;

const ledgerKeys = `SELECT body_key AS key FROM cronozen_events WHERE event_id = ?1 AND body_key IS NOT NULL
  UNION SELECT body_key FROM cronozen_ignored WHERE event_id = ?1 AND body_key IS NOT NULL`;

const letterKeys = `SELECT DISTINCT CASE WHEN json_valid(text) THEN text ->> '$.bodyKey' END AS key
  FROM cronozen_dead_letters WHERE event_id = ?`;

/** A failure leaves the rows that name the bodies, so that it can be tried again. */
export async function erase(stores: Stores, eventId: string, actor: string): Promise<Erasure> {
  const { db, bodies: bucket } = stores;
  const ledger = await stores.ledger();
  const run = crypto.randomUUID();
  await startAudit(db, run, actor, "erase", { eventId }).run();
  const now = new Date().toISOString();
  // First, so that a copy that comes meanwhile is a duplicate, and a dead letter that comes meanwhile is deleted.
  const [, , claimed] = await ledger.batch([
    ledger.prepare(claim).bind(eventId, now),
    ledger.prepare(markErased).bind(eventId, now),
    ledger.prepare(ledgerKeys).bind(eventId),
  ]);
  // Before anything is deleted, so that a failure leaves all of it for the next try.
  const activityRecords = await eraseRecords(stores.activity, eventId);
  const dead = await db.prepare(letterKeys).bind(eventId).all();
  const keys = [...(claimed?.results ?? []), ...dead.results].map((row): unknown => Object(row).key);
  const { bodies, bodiesLeft } = await eraseBodies(bucket, keys, eventId);
  const [letters] = await db.batch([
    db.prepare("DELETE FROM cronozen_dead_letters WHERE event_id = ? RETURNING id").bind(eventId),
    db.prepare("DELETE FROM cronozen_missing WHERE event_id = ?").bind(eventId),
  ]);
  await ledger.batch([
    ledger.prepare("DELETE FROM cronozen_ignored WHERE event_id = ?").bind(eventId),
    ledger.prepare("DELETE FROM cronozen_retries WHERE event_id = ?").bind(eventId),
  ]);
  const erasure = { deadLetters: letters?.results.length ?? 0, bodies, activityRecords, bodiesLeft };
  await finishAudit(db, run, erasure).run();
  return erasure;
}

async function eraseRecords(activity: ActivityReader | undefined, eventId: string): Promise<number | null> {
  const failure = `Activity timed out after ${activityTimeoutMs} ms`;
  return activity === undefined ? null : inTime(async () => activity.erase(eventId), activityTimeoutMs, failure);
}

/** Deletes the bodies of an event, if there is a bucket. */
export async function eraseBodies(
  bucket: Bucket | undefined,
  keys: readonly unknown[],
  eventId: string | null,
): Promise<Pick<Erasure, "bodies" | "bodiesLeft">> {
  const named = [...new Set(keys)].filter((key) => typeof key === "string");
  if (bucket === undefined || named.length === 0) {
    return { bodies: 0, bodiesLeft: named };
  }
  let bodies = 0;
  for (const key of named) {
    bodies += (await eraseBody(bound(bucket, "delete", "R2 bucket of deadLetters()"), key, eventId)) ? 1 : 0;
  }
  return { bodies, bodiesLeft: [] };
}

/** Deletes a body if it is the event's: a forged message may name that of another event. */
async function eraseBody(bodies: Bucket, key: string, eventId: string | null): Promise<boolean> {
  const object = await bodies.get(key);
  if (object === null || object.size > maxBodyBytes) {
    return false;
  }
  const body = objectIn(new TextDecoder().decode(await object.arrayBuffer()));
  if (body?.eventId !== eventId) {
    return false;
  }
  await bodies.delete(key);
  return true;
}
