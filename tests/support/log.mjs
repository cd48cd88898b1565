// The log of code that runs in this process.

/**
 * Passes what is logged to `keep`, until the returned function is called.
 *
 * @param {(level: string, line: string) => void} keep
 */
export function captureLog(keep) {
  const real = { log: console.log, warn: console.warn, error: console.error };
  for (const level of /** @type {const} */ (["log", "warn", "error"])) {
    console[level] = (/** @type {string} */ line) => keep(level, line);
  }
  return () => Object.assign(console, real);
}

/**
 * Does work without its lines in the log, and returns them.
 *
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Record<string, any>[]>}
 */
export async function silent(work) {
  /** @type {Record<string, any>[]} */
  const lines = [];
  const restore = captureLog((_, line) => void lines.push(JSON.parse(line)));
  try {
    await work();
  } finally {
    restore();
  }
  return lines;
}
