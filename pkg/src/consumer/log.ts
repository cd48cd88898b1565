// One line of JSON for each thing that happens.

import { isPermanent } from "./permanent.js";

/** The longest reason that is told, in characters. */
const maxReasonCharacters = 200;

/** @param {"log" | "warn" | "error"} level @param {string} outcome @param {Record<string, unknown>} details */
export function log(level, outcome, details) {
  try {
    console[level](JSON.stringify({ at: new Date().toISOString(), outcome, ...details }));
  } catch {
    // Somebody has replaced the console. A message must not fail for that.
  }
}

/** The first line alone: the rest may be a stack. @param {unknown} error */
export function reasonOf(error) {
  return textOf(error).split("\n", 1).join().slice(0, maxReasonCharacters);
}

/** @param {unknown} error */
function textOf(error) {
  try {
    return isPermanent(error) ? String(error.message) : String(error);
  } catch {
    return "an error that cannot be shown";
  }
}
