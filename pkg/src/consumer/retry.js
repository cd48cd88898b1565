// When a message comes again.

/**
 * @typedef {Required<import("../../consumer.js").RetryOptions>} Schedule
 */

/** @type {Schedule} */
const defaults = {
  // Ten retries end after 17 hours at most: within the 24 that the free plan keeps a message.
  maxAttempts: 11,
  firstSeconds: 30,
  // Cloudflare Queues takes no longer delay.
  maxSeconds: 43_200,
};

/** Cloudflare Queues retries at most 100 times. */
const mostAttempts = 101;

/**
 * @param {import("../../consumer.js").RetryOptions} [options]
 * @returns {Schedule}
 */
export function scheduleOf(options = {}) {
  const schedule = { ...defaults, ...options };
  const { maxAttempts, firstSeconds, maxSeconds } = schedule;
  const inOrder = firstSeconds >= 0 && firstSeconds <= maxSeconds && maxSeconds <= defaults.maxSeconds;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > mostAttempts || !inOrder) {
    throw new TypeError(
      `cronozen-edge: expected retry to have 1 to ${mostAttempts} maxAttempts, and firstSeconds up to maxSeconds up to ${defaults.maxSeconds}`,
    );
  }
  return schedule;
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
