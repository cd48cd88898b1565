// The schedule of a message's retries.

import { configError } from "./config-error.ts";

/** The number of a message's attempts, and the times between them. */
export interface RetryOptions {
  /**
   * The number of attempts after which a message is a dead letter: 11 by default, at most 101. The consumer's
   * `max_retries` in wrangler.toml must be at least one less, or the queue gives up first, and the reason is lost.
   */
  readonly maxAttempts?: number | undefined;
  /** The least time before the second attempt. 30 s by default; each further one waits about twice as long. */
  readonly firstSeconds?: number | undefined;
  /** The longest time between two attempts. 43,200 s (12 h) by default, and at most. */
  readonly maxSeconds?: number | undefined;
  /**
   * How long the queue keeps a message, in seconds: its retention. 86,400 s (24 h) by default, which is all that the free
   * plan has. A message whose next attempt would come after 7/8 of it becomes a dead letter before the queue deletes it.
   */
  readonly retentionSeconds?: number | undefined;
}

/** The options, with their defaults. */
export interface Schedule {
  maxAttempts: number;
  firstSeconds: number;
  maxSeconds: number;
  retentionSeconds: number;
}

/** Ten retries end after 17 hours at most: within the 24 that the free plan keeps a message. */
const defaultMaxAttempts = 11;

const defaultFirstSeconds = 30;

/** 12 hours: Cloudflare Queues accepts no longer delay. */
const longestSeconds = 43_200;

/** The free plan keeps a message for 24 hours. */
const defaultRetentionSeconds = 86_400;

/** Cloudflare Queues keeps a message from 60 seconds to 14 days. */
const [leastRetention, mostRetention] = [60, 1_209_600];

/** The last part of the retention is left for the way to the dead-letter queue: a backlog may delay any attempt. */
const buriedAfter = 7 / 8;

/** Cloudflare Queues retries at most 100 times. */
const mostAttempts = 101;

export function scheduleOf({
  maxAttempts = defaultMaxAttempts,
  firstSeconds = defaultFirstSeconds,
  maxSeconds = longestSeconds,
  retentionSeconds = defaultRetentionSeconds,
}: RetryOptions): Schedule {
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > mostAttempts) {
    throw configError(`retry.maxAttempts out of range: a whole number from 1 to ${mostAttempts} is expected`);
  }
  if (!isWithin(maxSeconds, 0, longestSeconds) || !isWithin(firstSeconds, 0, maxSeconds)) {
    throw configError(
      `retry out of range: firstSeconds up to maxSeconds, and maxSeconds up to ${longestSeconds} are expected`,
    );
  }
  if (!isWithin(retentionSeconds, leastRetention, mostRetention)) {
    throw configError(
      `retry.retentionSeconds out of range: a number from ${leastRetention} to ${mostRetention} is expected`,
    );
  }
  return { maxAttempts, firstSeconds, maxSeconds, retentionSeconds };
}

/** A text from a variable is no number: it would pass the comparisons, and `+` would then join texts. */
function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}

/**
 * Returns the seconds within which a message must have become a dead letter, so that the queue does not delete it first.
 * Negative if a backlog has used them up.
 */
export function secondsToBury({ retentionSeconds }: Schedule, queuedAt: Date, now: number): number {
  return retentionSeconds * buriedAfter - (now - queuedAt.getTime()) / 1000;
}

/**
 * Returns how long a message waits after a failure: twice as long as after the last one, less up to a half, so that what
 * failed together does not come again together.
 *
 * @param attempt the one that has failed; the first is 1
 * @param random from 0 to 1
 */
export function delaySeconds({ firstSeconds, maxSeconds }: Schedule, attempt: number, random: number): number {
  const longest = Math.min(firstSeconds * 2 ** attempt, maxSeconds);
  return Math.round(longest * (1 - random / 2));
}
