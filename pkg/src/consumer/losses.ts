// Compares the events that the gateway has accepted with the ledger and the dead letters, and counts those that are found
// nowhere.

import type { AcceptedEvent, ActivityReader } from "../activity.ts";
import { type AcceptedRead, readAccepted } from "./accepted.ts";
import { mayHold, readBacklogs, selectRetries } from "./backlog.ts";
import type { Database, Statement } from "./platform.ts";
import type { Stores } from "./stores.ts";
import { dayMs, daysBefore, minuteMs } from "./time.ts";

/** An accepted event that is found nowhere. */
export interface LostEvent {
  readonly eventId: string;
  readonly type: string | null;
  /** When its delivery arrived, as RFC 3339. */
  readonly acceptedAt: string;
}

/** The state of the events that the gateway has accepted. */
export interface Losses {
  /** The accepted events that are neither in the ledger nor among the dead letters, and are not known to be on their way. */
  readonly lost: number;
  /**
   * The events that are found nowhere, and may still come: a retry is known, or a queue's backlog may hold them, or only one
   * look has not found them.
   */
  readonly waiting: number;
  /** The lost events, the oldest first: at most 100. */
  readonly events: readonly LostEvent[];
  /** The events that were accepted up to this time have been looked for, as RFC 3339; `null` if none has been. */
  readonly checkedTo: string | null;
  /** The accepted events that cannot be looked for, because the gateway has kept no record of them. */
  readonly notKept: number;
  /** True if older events have not been looked for yet: ask again. */
  readonly more: boolean;
}

/** From where the next check goes on. */
export interface CheckState {
  /** Rises with each change, so that of two checks at once only one changes the state. */
  readonly revision: number;
  /** The object that was read. */
  readonly storeId: string | null;
  /** The position in it of the last accepted event that was looked for, 0 for none. */
  readonly position: number;
  /** The latest time of the events that were looked for. Empty if none was. */
  readonly seenTo: string;
  /** The time of the first use. Events that were accepted before do not count. */
  readonly knownTo: string;
  /** The number of events on the queue up to the last one that was looked for. */
  readonly queued: number;
  readonly notKept: number;
}

interface Missing extends LostEvent {
  readonly position: number;
  /** The time of the first look since which it is not known to be on its way; `null` if it is. */
  readonly unaccountedAt: string | null;
}

/** With as many missing events, no further ones are looked for: each check looks for all of them again. */
const maxMissing = 1500;

/** A message that is being handled is nowhere for a moment: an event is lost if two looks so far apart do not find it. */
const leastApartMs = minuteMs;

/** A missing event is forgotten after this time. */
const missingDays = 90;

const maxShown = 100;

/** A queue keeps a message for 14 days at most, so that an older event is on none. */
const longestRetentionMs = 14 * dayMs;

/** A list of so many ids takes at most 1.6 MB as JSON. D1 accepts 2 MB. */
const maxIds = 3000;

const selectState = `SELECT revision, store_id AS storeId, position, seen_to AS seenTo, known_to AS knownTo, queued,
  not_kept AS notKept FROM cronozen_loss_check`;

const selectMissing = `SELECT event_id AS eventId, type, accepted_at AS acceptedAt, position,
  unaccounted_at AS unaccountedAt FROM cronozen_missing`;

// An erased event is claimed, too, unless its claim was deleted later.
const selectFound = `SELECT value AS eventId, NULL AS nextAt FROM json_each(?1) WHERE
    EXISTS (SELECT 1 FROM cronozen_events WHERE event_id = value)
    OR EXISTS (SELECT 1 FROM cronozen_ignored WHERE event_id = value)
    OR EXISTS (SELECT 1 FROM cronozen_erased WHERE event_id = value)
  UNION ALL SELECT event_id, next_at FROM cronozen_retries WHERE event_id IN (SELECT value FROM json_each(?1))`;

const selectDead = `SELECT value AS eventId FROM json_each(?1)
  WHERE EXISTS (SELECT 1 FROM cronozen_dead_letters WHERE event_id = value)`;

const isUnchanged = "(SELECT revision FROM cronozen_loss_check) = ?2";

const putMissing = `INSERT INTO cronozen_missing (event_id, type, accepted_at, position, unaccounted_at)
  SELECT value ->> '$.eventId', value ->> '$.type', value ->> '$.acceptedAt', value ->> '$.position',
    value ->> '$.unaccountedAt'
  FROM json_each(?1) WHERE ${isUnchanged} ON CONFLICT (event_id) DO UPDATE SET unaccounted_at = excluded.unaccounted_at`;

const deleteMissing = "DELETE FROM cronozen_missing WHERE event_id IN (SELECT value FROM json_each(?))";

const updateState = `UPDATE cronozen_loss_check SET revision = revision + 1, position = ?1, store_id = ?3, seen_to = ?4,
  not_kept = ?5, queued = ?6 WHERE revision = ?2`;

/**
 * Looks for the next accepted events, and again for those that were missing. One call makes at most 15 subrequests, and
 * looks for up to 1,500 new events; the next one goes on from there.
 *
 * Each store is read after those that an event passes before it: an event that is handled meanwhile is found in the next.
 */
export async function findLosses(stores: Stores, activity: ActivityReader): Promise<Losses> {
  const { db } = stores;
  const now = Date.now();
  const [states, rows] = await db.batch([db.prepare(selectState), db.prepare(selectMissing)]);
  const state = states?.results[0] as CheckState;
  const known = rows?.results as Missing[];
  const isFull = known.length >= maxMissing;
  const cutoff = now - stores.lossMs;
  const read = isFull ? { events: [], state, isAtEnd: false } : await readAccepted(activity, state, cutoff);
  const backlogs = await readBacklogs(stores);
  const before = new Map(known.map(({ eventId, unaccountedAt }) => [eventId, unaccountedAt]));
  const fresh = read.events.map(missingOf).filter(({ eventId }) => !before.has(eventId));
  const { missing, retries, coming, gone } = await lookFor(stores, [...known, ...fresh], now);
  const oldest = now - longestRetentionMs - stores.lossMs;
  const isOnItsWay = ({ eventId, acceptedAt }: Missing) => {
    const time = Date.parse(acceptedAt);
    return (retries.get(eventId) ?? 0) + stores.lossMs > now || (time >= oldest && mayHold(backlogs, coming, time));
  };
  const at = new Date(now).toISOString();
  const looked = [...missing].map((event) => ({
    ...event,
    unaccountedAt: isOnItsWay(event) ? null : (event.unaccountedAt ?? at),
  }));
  const changed = looked.filter(({ eventId, unaccountedAt }) => before.get(eventId) !== unaccountedAt);
  await save(db, state, read.state, { changed, gone });
  const lost = looked.filter(({ unaccountedAt }) => isLost(unaccountedAt, now)).sort(byTime);
  return {
    lost: lost.length,
    waiting: looked.length - lost.length,
    events: lost.slice(0, maxShown).map(({ eventId, type, acceptedAt }) => ({ eventId, type, acceptedAt })),
    checkedTo: checkedTo(read, cutoff),
    notKept: read.state.notKept,
    more: !read.isAtEnd,
  };
}

function isLost(unaccountedAt: string | null, now: number): boolean {
  return unaccountedAt !== null && Date.parse(unaccountedAt) + leastApartMs <= now;
}

function byTime(one: Missing, other: Missing): number {
  return Date.parse(one.acceptedAt) - Date.parse(other.acceptedAt) || one.position - other.position;
}

function missingOf({ eventId, type, at, position }: AcceptedEvent): Missing {
  return { eventId, type, acceptedAt: at, position, unaccountedAt: null };
}

/**
 * Returns the events that are found nowhere, the times of their known retries, the number of all retries to come, and the
 * ids that need no longer be kept.
 */
async function lookFor(stores: Stores, events: readonly Missing[], now: number) {
  // An event may have been accepted twice, for example late and as a retry.
  const byId = new Map([...events].reverse().map((event) => [event.eventId, event]));
  const lists = listsOf([...byId.keys()]);
  const retries = new Map<string, number>();
  const gone: string[] = [];
  let coming = 0;
  if (lists.length > 0) {
    const ledger = await stores.ledger();
    const [counted, ...inLedger] = await ledger.batch([
      ledger.prepare(selectRetries).bind(new Date(now).toISOString()),
      ...lists.map((list) => ledger.prepare(selectFound).bind(list)),
    ]);
    coming = Number(Object(counted?.results[0]).retries);
    const dead = await stores.db.batch(lists.map((list) => stores.db.prepare(selectDead).bind(list)));
    for (const row of [...inLedger, ...dead].flatMap(({ results }) => results)) {
      const { eventId, nextAt = null } = row as { eventId: string; nextAt?: string | null };
      if (nextAt === null) {
        gone.push(eventId);
      } else {
        retries.set(eventId, Date.parse(nextAt));
      }
    }
  }
  const forgotten = daysBefore(now, missingDays);
  gone.push(...[...byId.values()].filter((event) => event.acceptedAt < forgotten).map(({ eventId }) => eventId));
  for (const eventId of gone) {
    byId.delete(eventId);
  }
  return { missing: new Set(byId.values()), retries, coming, gone };
}

/**
 * Changes the state and the missing events in one transaction, so that a crash skips no event. If another check was faster,
 * its changes stand, and only what was found is deleted.
 */
async function save(
  db: Database,
  before: CheckState,
  after: CheckState,
  { changed, gone }: { readonly changed: readonly Missing[]; readonly gone: readonly string[] },
): Promise<void> {
  const { position, storeId, seenTo, notKept, queued } = after;
  const statements: Statement[] = [];
  if (gone.length > 0) {
    statements.push(db.prepare(deleteMissing).bind(JSON.stringify(gone)));
  }
  if (changed.length > 0) {
    statements.push(db.prepare(putMissing).bind(JSON.stringify(changed), before.revision));
  }
  // Also if the values stay: another check at the same time must not bring back what this one has deleted.
  if (after !== before || statements.length > 0) {
    const values = [position, before.revision, storeId, seenTo, notKept, queued];
    statements.push(db.prepare(updateState).bind(...values));
  }
  if (statements.length > 0) {
    await db.batch(statements);
  }
}

function checkedTo({ state, isAtEnd }: AcceptedRead, cutoff: number): string | null {
  if (isAtEnd) {
    return new Date(cutoff).toISOString();
  }
  return state.seenTo === "" ? null : state.seenTo;
}

function listsOf(ids: readonly string[]): string[] {
  const starts = Array.from({ length: Math.ceil(ids.length / maxIds) }, (_, number) => number * maxIds);
  return starts.map((start) => JSON.stringify(ids.slice(start, start + maxIds)));
}
