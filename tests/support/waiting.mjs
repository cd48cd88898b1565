// Waits for a condition, and not for a fixed time.

import { setTimeout as sleep } from "node:timers/promises";

const pauseMs = 100;

/**
 * Looks until there is a result that is not undefined or false, and returns it. Returns undefined after `limitMs`.
 *
 * @template T
 * @param {() => Promise<T | undefined | false>} look
 * @param {number} limitMs
 * @returns {Promise<T | undefined>}
 */
export async function until(look, limitMs) {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const found = await look();
    if (found !== undefined && found !== false) {
      return found;
    }
    await sleep(pauseMs);
  }
  return undefined;
}
