// One line of JSON for each thing that happens, as the gateway and the package write them.

/** @param {"log" | "error"} level @param {string} outcome @param {Record<string, unknown>} details */
export function log(level, outcome, details) {
  console[level](JSON.stringify({ at: new Date().toISOString(), outcome, ...details }));
}

/** Returns an error's first line: the rest may be a stack trace. @param {unknown} error */
export function said(error) {
  return String(error).split("\n", 1).join();
}
