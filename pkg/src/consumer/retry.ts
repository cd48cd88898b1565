// When a message comes again.

import { wrong } from "./wrong.js";

/**
 * @typedef {Required<import("../../consumer.js").RetryOptions>} Schedule
 */

/** Ten retries end after 17 hours at most: within the 24 that the free plan keeps a message. */
const defaultMaxAttempts = 11;

const defaultFirstSeconds = 30;

/** Cloudflare Queues takes no longer delay: 12 hours. */
const longestSeconds = 43_200;

/** Cloudflare Queues retries at most 100 times. */
const mostAttempts = 101;

/**
 * @param {{ [Name in keyof Schedule]?: Schedule[Name] | undefined }} options
 * @returns {Schedule}
 */
export function scheduleOf({
  maxAttempts = defaultMaxAttempts,
  firstSeconds = defaultFirstSeconds,
  maxSeconds = longestSeconds,
}) {
  const inOrder = firstSeconds >= 0 && firstSeconds <= maxSeconds && maxSeconds <= longestSeconds;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > mostAttempts || !inOrder) {
    throw wrong(
      `retry to have 1 to ${mostAttempts} maxAttempts, and firstSeconds up to maxSeconds up to ${longestSeconds}`,
    );
  }
  return { maxAttempts, firstSeconds, maxSeconds };
}

/**
 * How long a message waits after a failure: twice as long as after the last one, less up to a half, so that what
 * failed together does not come again together.
 *
 * @param {Schedule} schedule
 * @param {number} attempt the one that has failed; the first is 1
 * @param {number} random from 0 to 1
 */
export function delaySeconds({ firstSeconds, maxSeconds }, attempt, random) {
  const longest = Math.min(firstSeconds * 2 ** attempt, maxSeconds);
  return Math.round(longest * (1 - random / 2));
}
