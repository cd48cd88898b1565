// The dead letters in D1: stores the messages of the dead-letter queue, and does what operators ask for.

import { type ActivityNamespace, type ActivityReader, activityOf } from "../activity.ts";
import { type AuditPage, auditPage } from "./audit.ts";
import { configError, refuseUnknown } from "./config-error.ts";
import { type Erasure, erase } from "./erase.ts";
import {
  findLetter,
  type Letter,
  type LetterPage,
  type ListOptions,
  listLetters,
  type ShownLetter,
  type Totals,
  totals,
} from "./letters.ts";
import { findLosses, type Losses } from "./losses.ts";
import type { DeadLetterStore } from "./options.ts";
import { type Bucket, bound, type Database, type Queue } from "./platform.ts";
import {
  type LetterSelection,
  type Preview,
  type PruneStep,
  preview,
  prune,
  type RedriveStep,
  redrive,
} from "./redrive.ts";
import { deadLetterSchema, ledgerSchema, withTables } from "./schema.ts";
import { storeLetters } from "./store.ts";
import type { Stores } from "./stores.ts";
import { minuteMs } from "./time.ts";

export interface DeadLetterOptions<Env> {
  /** The producer of the dead-letter queue, to which messages go that cannot be handled. */
  readonly queue: (env: Env) => Queue | undefined;
  /** The producer of the queue of events, to which redriven messages go. */
  readonly events: (env: Env) => Queue | undefined;
  /** The database of `d1`. It says what became of an event, and `erase` claims there. */
  readonly ledger: (env: Env) => Database | undefined;
  /**
   * The database in which they are stored: that of the ledger by default. One of their own keeps a flood of them out of the
   * ledger's.
   */
  readonly database?: ((env: Env) => Database | undefined) | undefined;
  /** The R2 bucket with large bodies, if the gateway has one. `erase` deletes them there. */
  readonly bodies?: ((env: Env) => Bucket | undefined) | undefined;
  /**
   * The most that the stored messages may take together, in bytes: 250,000,000 by default, half of what a database holds on
   * the free plan. Then further ones wait on their queue until some are pruned.
   */
  readonly maxBytes?: number | undefined;
  /**
   * The gateway's Durable Object `Activity`, if it has one. `losses` compares with it, and `erase` deletes its records of an
   * event. With another `once` than `d1`, the ledger has no events, and all would count as lost.
   */
  readonly activity?: ((env: Env) => ActivityNamespace | undefined) | undefined;
  /** An accepted event that is found nowhere after this time is lost: 60 by default. */
  readonly lossMinutes?: number | undefined;
}

/** The dead letters, for `consume`, for the console, and for your own code. Each operation throws what D1 throws. */
export interface DeadLetters<Env> extends DeadLetterStore<Env> {
  /** The number of dead letters, how many are open, and their bytes. */
  readonly totals: (env: Env) => Promise<Totals>;
  /** A page of dead letters without their text, the newest first. */
  readonly list: (env: Env, options: ListOptions) => Promise<LetterPage>;
  /** One dead letter without its text; `null` if there is none. */
  readonly find: (env: Env, id: number) => Promise<Letter | null>;
  /** One dead letter with its text; `null` if there is none. */
  readonly show: (env: Env, id: number) => Promise<ShownLetter | null>;
  /** What `redrive` or `prune` would take. Changes nothing. */
  readonly preview: (env: Env, selection: LetterSelection) => Promise<Preview>;
  /** Puts the next 20 dead letters of the selection on the queue of events again. `actor` says who, for the audit. */
  readonly redrive: (env: Env, selection: LetterSelection, actor: string) => Promise<RedriveStep>;
  /**
   * Deletes the next 500 dead letters of the selection. An open one is lost. Of those that were redriven, it leaves those
   * whose event may still be on its way.
   */
  readonly prune: (env: Env, selection: LetterSelection, actor: string) => Promise<PruneStep>;
  /**
   * Deletes what may hold a person's data: the event's dead letters, its body in R2, and its records in `Activity`. Its claim
   * stays, or is made, so that a late copy of the event has no effect.
   */
  readonly erase: (env: Env, eventId: string, actor: string) => Promise<Erasure>;
  /**
   * The accepted events that are found nowhere; `null` without the option `activity`. Each call looks for the next 1,000
   * accepted events, and again for those that were missing.
   */
  readonly losses: (env: Env) => Promise<Losses | null>;
  /** The gateway's Durable Object `Activity`, for the console and for alerts. */
  readonly activity: (env: Env) => ActivityReader | undefined;
  /** The producer of the queue of events, for its backlog. */
  readonly events: (env: Env) => Queue | undefined;
  /** The database of the dead letters, with its tables: for the console and for alerts. */
  readonly letters: (env: Env) => Promise<Database>;
  /** The database of the ledger, with its tables. */
  readonly ledger: (env: Env) => Promise<Database>;
  /** A page of what operators did, the newest first. */
  readonly audit: (
    env: Env,
    options: { readonly before?: number | undefined; readonly limit: number },
  ) => Promise<AuditPage>;
}

const names = ["queue", "events", "ledger", "database", "bodies", "maxBytes", "activity", "lossMinutes"];

/** Half of the 500 MB that a database holds on the free plan. */
const defaultMaxBytes = 250_000_000;

/** A message that fails once comes again within a minute, and one that fails six times after an hour. */
const defaultLossMinutes = 60;

/** A week. */
const mostLossMinutes = 10_080;

/**
 * Returns the dead letters of a consumer: pass them to `consume` as its option `deadLetters`, and to `console`. Their tables
 * are made at the first use.
 *
 * @throws TypeError if an option is missing, misspelt or of the wrong kind
 */
export function deadLetters<Env>(options: DeadLetterOptions<Env>): DeadLetters<Env> {
  assertOptions(options);
  const { queue, maxBytes = defaultMaxBytes, database = options.ledger } = options;
  const { lossMinutes = defaultLossMinutes } = options;
  const activity = (env: Env) => activityOf(options.activity?.(env));
  const letters = async (env: Env) =>
    withTables(bound(database(env), "batch", "D1 database of deadLetters()"), deadLetterSchema);
  const ledger = async (env: Env) =>
    withTables(bound(options.ledger(env), "batch", "ledger of deadLetters()"), ledgerSchema);
  const open = async (env: Env): Promise<Stores> => ({
    db: await letters(env),
    ledger: () => ledger(env),
    events: options.events(env),
    deadQueue: queue(env),
    bodies: options.bodies?.(env),
    activity: activity(env),
    maxBytes,
    lossMs: lossMinutes * minuteMs,
  });
  return {
    queue,
    events: options.events,
    store: (batch, env) => storeLetters(batch, () => open(env)),
    totals: async (env) => totals(await open(env)),
    list: async (env, page) => listLetters(await open(env), page),
    find: async (env, id) => findLetter(await open(env), id),
    show: async (env, id) => findLetter(await open(env), id, "text"),
    preview: async (env, selection) => preview(await open(env), selection),
    redrive: async (env, selection, actor) => redrive(await open(env), selection, actor),
    prune: async (env, selection, actor) => prune(await open(env), selection, actor),
    erase: async (env, eventId, actor) => erase(await open(env), eventId, actor),
    losses: async (env) => {
      const reader = activity(env);
      return reader === undefined ? null : findLosses(await open(env), reader);
    },
    activity,
    letters,
    ledger,
    audit: async (env, page) => auditPage(await open(env), page),
  };
}

function assertOptions<Env>(options: DeadLetterOptions<Env>): void {
  if (typeof options !== "object" || options === null) {
    throw configError("options of deadLetters missing: pass { queue, events, ledger }");
  }
  refuseUnknown("", options, names);
  const { maxBytes = defaultMaxBytes, lossMinutes = defaultLossMinutes, ...bindings } = options;
  for (const [name, option] of Object.entries(bindings)) {
    if (option !== undefined && typeof option !== "function") {
      throw configError(`option ${name} not a function: write (env) => env.BINDING`);
    }
  }
  for (const name of ["queue", "events", "ledger"] as const) {
    if (options[name] === undefined) {
      throw configError(`option ${name} of deadLetters missing: write (env) => env.BINDING`);
    }
  }
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    throw configError("option maxBytes out of range: a whole number of bytes is expected");
  }
  if (!Number.isInteger(lossMinutes) || lossMinutes < 1 || lossMinutes > mostLossMinutes) {
    throw configError(`option lossMinutes out of range: a whole number from 1 to ${mostLossMinutes} is expected`);
  }
}
