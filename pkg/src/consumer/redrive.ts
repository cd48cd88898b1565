// Redrives and prunes dead letters in steps. A step leases its rows, so that two operators do not take the same ones.

import { finishAudit, recordPrune, startAudit } from "./audit.ts";
import { type Filter, filterOf, queryLetters, states } from "./letters.ts";
import { log, reasonOf } from "./log.ts";
import { bound, type Queue } from "./platform.ts";
import type { Stores } from "./stores.ts";
import { inTime, minuteMs } from "./time.ts";

/** The dead letters that an operation takes: some by their ids, or all that match up to an id. */
export type LetterSelection =
  | {
      readonly ids: readonly number[];
      /** Leaves out those whose state has changed meanwhile; any state by default. */
      readonly state?: "open" | "redriven" | undefined;
    }
  | (Filter & {
      /** The highest id: that of the preview, so that letters which fail again do not prolong the work for ever. */
      readonly upTo: number;
      /** The `next` of the step before; 0 for the first. */
      readonly after?: number | undefined;
      /** `open` by default. */
      readonly state?: "open" | "redriven" | undefined;
    });

/** The dead letters that an operation would take. */
export interface Preview {
  readonly letters: number;
  readonly bytes: number;
  /** The highest id, for the selection of all. 0 if there is none. */
  readonly upTo: number;
  /** By type and reason, the most frequent first. */
  readonly groups: readonly {
    readonly type: string | null;
    readonly reason: string | null;
    readonly letters: number;
  }[];
}

interface Head {
  readonly id: number;
  readonly eventId: string | null;
  readonly type: string | null;
}

/** The result of one step of `redrive`. */
export interface RedriveStep {
  /** These are on the queue of events. */
  readonly redriven: readonly Head[];
  /** These stay open: the queue refused them, or did not answer in time. */
  readonly failed: readonly (Head & { readonly reason: string })[];
  /** For the next step's `after`; `null` if this was the last one. */
  readonly next: number | null;
  /**
   * How many of the selection are open after the last step: failed, or leased to another operator. `null` before: a count
   * reads all of them.
   */
  readonly open: number | null;
}

/** The result of one step of `prune`. */
export interface PruneStep {
  readonly pruned: readonly Head[];
  readonly next: number | null;
}

/** Each is sent on its own, and on the free plan a request may call services 50 times. */
export const maxRedriven = 20;

/** The most that one step deletes. */
export const maxPruned = 500;

/** A step takes a second or two. After this time, one that has broken off no longer keeps its rows. */
const leaseMs = minuteMs;

/** The longest that a send may take: a step that hangs must not outlive its lease. */
const sendTimeoutMs = 20_000;

const maxGroups = 50;

const head = "id, event_id AS eventId, type";

const isFree = "coalesce(leased_until, '') < ?";

const mark = `UPDATE cronozen_dead_letters SET redriven_at = ?, redrives = redrives + 1, lease = NULL, leased_until = NULL
  WHERE id IN (SELECT value FROM json_each(?))`;

const release = "UPDATE cronozen_dead_letters SET lease = NULL, leased_until = NULL WHERE lease = ?";

export async function preview({ db }: Stores, selection: LetterSelection): Promise<Preview> {
  const { condition, values } = conditionOf(selection);
  const from = `FROM cronozen_dead_letters WHERE ${condition}`;
  const [sums, groups] = await db.batch([
    db
      .prepare(`SELECT count(*) AS letters, coalesce(sum(bytes), 0) AS bytes, coalesce(max(id), 0) AS upTo ${from}`)
      .bind(...values),
    db
      .prepare(`SELECT type, reason, count(*) AS letters ${from} GROUP BY 1, 2 ORDER BY 3 DESC LIMIT ${maxGroups}`)
      .bind(...values),
  ]);
  return { ...(sums?.results[0] as Omit<Preview, "groups">), groups: groups?.results as Preview["groups"] };
}

/** Sends before it marks: a crash between the two leaves a copy, which has no second effect, and never a loss. */
export async function redrive(stores: Stores, selection: LetterSelection, actor: string): Promise<RedriveStep> {
  assertIds(selection, maxRedriven);
  const { db } = stores;
  const queue = bound(stores.events, "send", "queue of events of deadLetters()");
  const lease = crypto.randomUUID();
  // Before the sends: what is handled meanwhile comes after it.
  const now = new Date();
  const letters = await acquire(stores, selection, { lease, now, actor });
  const sent = await Promise.allSettled(letters.map(({ text }) => sendInTime(queue, text)));
  const heads = letters.map(({ text: _, ...letter }) => letter);
  const redriven = heads.filter((_, position) => sent[position]?.status === "fulfilled");
  const failed = heads.flatMap((letter, position) => {
    const result = sent[position];
    return result?.status === "rejected" ? { ...letter, reason: reasonOf(result.reason) } : [];
  });
  const next = nextOf(selection, heads, maxRedriven);
  const [, , , counted] = await db.batch([
    db.prepare(mark).bind(now.toISOString(), idsOf(redriven)),
    db.prepare(release).bind(lease),
    finishAudit(db, lease, { redriven: redriven.map(({ id }) => id), failed: failed.map(({ id }) => id) }),
    ...(next === null ? [countOpen(stores, selection)] : []),
  ]);
  for (const letter of redriven) {
    log("log", "redriven", { ...letter });
  }
  return { redriven, failed, next, open: counted === undefined ? null : Number(Object(counted.results[0]).open) };
}

export async function prune(stores: Stores, selection: LetterSelection, actor: string): Promise<PruneStep> {
  assertIds(selection, maxPruned);
  const { db } = stores;
  // A letter that is being redriven now is left to the operator who redrives it.
  const now = new Date().toISOString();
  const { condition, values } = conditionOf(selection);
  const found = await queryLetters(stores, `WHERE ${condition} AND ${isFree} ORDER BY id LIMIT ${maxPruned}`, [
    ...values,
    now,
  ]);
  const isByState = !("ids" in selection);
  // Without a known outcome, this may be the only copy of an event that is still on its way.
  const idle = found.filter(({ state }) => !(isByState && state === "redriven"));
  const chosen = `id IN (SELECT value FROM json_each(?)) AND ${isFree}`;
  const [, pruned] = await db.batch([
    recordPrune(db, actor, selection, { condition: chosen, values: [idsOf(idle), now] }),
    db.prepare(`DELETE FROM cronozen_dead_letters WHERE ${chosen} RETURNING ${head}`).bind(idsOf(idle), now),
  ]);
  return { pruned: pruned?.results as Head[], next: nextOf(selection, found, maxPruned) };
}

/** Leases the next rows in one statement, and returns them with their texts. */
async function acquire(
  { db }: Stores,
  selection: LetterSelection,
  { lease, now, actor }: { readonly lease: string; readonly now: Date; readonly actor: string },
): Promise<(Head & { readonly text: string })[]> {
  const { condition, values } = conditionOf(selection);
  const query = `UPDATE cronozen_dead_letters SET lease = ?, leased_until = ? WHERE id IN (
      SELECT id FROM cronozen_dead_letters WHERE ${condition} AND ${isFree} ORDER BY id LIMIT ${maxRedriven}
    ) RETURNING ${head}, text`;
  const until = new Date(now.getTime() + leaseMs).toISOString();
  const [leased] = await db.batch([
    db.prepare(query).bind(lease, until, ...values, now.toISOString()),
    startAudit(db, lease, actor, "redrive", selection),
  ]);
  const letters = leased?.results as (Head & { readonly text: string })[];
  return [...letters].sort((one, other) => one.id - other.id);
}

/** Counts those of the whole selection that are open, not only of the last step. */
function countOpen({ db }: Stores, selection: LetterSelection) {
  const { condition, values } = conditionOf("ids" in selection ? selection : { ...selection, after: 0 });
  return db
    .prepare(`SELECT count(*) AS open FROM cronozen_dead_letters WHERE redriven_at IS NULL AND ${condition}`)
    .bind(...values);
}

/** Returns the condition of the rows that a step of a selection has not passed yet. */
function conditionOf(selection: LetterSelection): { condition: string; values: readonly unknown[] } {
  if ("ids" in selection) {
    const isOfState = states[selection.state ?? "all"];
    const ids = JSON.stringify(selection.ids);
    return { condition: `${isOfState} AND id IN (SELECT value FROM json_each(?))`, values: [ids] };
  }
  const { upTo, after = 0, state = "open" } = selection;
  const { condition, values } = filterOf(selection);
  return { condition: `${states[state]} AND id > ? AND id <= ? AND ${condition}`, values: [after, upTo, ...values] };
}

function nextOf(selection: LetterSelection, taken: readonly Head[], most: number): number | null {
  return "ids" in selection || taken.length < most ? null : (taken.at(-1)?.id ?? null);
}

function assertIds(selection: LetterSelection, most: number): void {
  if ("ids" in selection && selection.ids.length > most) {
    throw new RangeError(`${selection.ids.length} ids given: one step takes ${most}`);
  }
}

function idsOf(letters: readonly Head[]): string {
  return JSON.stringify(letters.map(({ id }) => id));
}

function sendInTime(queue: Queue, text: string): Promise<unknown> {
  // Byte for byte, so that it keeps its `eventId` and its signature.
  const send = async () => queue.send(text, { contentType: "text" });
  return inTime(send, sendTimeoutMs, `send timed out after ${sendTimeoutMs} ms`);
}
