// Writes one line of JSON for each outcome.

import { isNonRetryable } from "./non-retryable.ts";

/** The longest reason that is logged, in characters. A mismatch's, which lists its usual causes, fits. */
const maxReasonCharacters = 320;

export function log(level: "log" | "warn" | "error", outcome: string, details: Record<string, unknown>): void {
  try {
    console[level](JSON.stringify({ at: new Date().toISOString(), outcome, ...details }));
  } catch {
    // Someone has replaced the console. A message must not fail for that.
  }
}

/** Returns the first line of an error: the rest may be a stack. */
export function reasonOf(error: unknown): string {
  return textOf(error).split("\n", 1).join().slice(0, maxReasonCharacters);
}

function textOf(error: unknown): string {
  try {
    return isNonRetryable(error) ? String(error.message) : String(error);
  } catch {
    return "an error that cannot be shown";
  }
}
