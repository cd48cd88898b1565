// The Worker's log: one line of JSON for each delivery.

/** Gets each line after it has been written. It must not throw: the instance calls it. */
type Observer = (line: string, isUnsigned: boolean) => void;

let observer: Observer = () => {};

/** Passes each later line to `observe`, too. */
export function observeLog(observe: Observer): void {
  observer = observe;
}

/**
 * Writes a line.
 *
 * @param isUnsigned true if anyone can cause such lines, in any number
 */
export function writeLine(level: "log" | "warn" | "error", line: string, isUnsigned: boolean): void {
  console[level](line);
  observer(line, isUnsigned);
}

/** Writes a line of the scripts themselves, with the time. */
export function log(details: Record<string, unknown>): void {
  writeLine("error", JSON.stringify({ at: new Date().toISOString(), ...details }), false);
}
