// One line of JSON for each delivery.

export interface Line {
  at: string;
  outcome: string;
  code?: string;
  reason?: string;
  eventId?: string;
  type?: string;
  bytes?: number;
  ms: number;
  dedupe?: string;
  key?: number;
  address?: string;
  ray?: string;
}

export function log(level: "log" | "warn" | "error", line: Line) {
  console[level](JSON.stringify(line));
}

/** Logs what happens to an event after the answer to its delivery. */
export function logLater(
  level: "warn" | "error",
  arrived: number,
  details: { outcome: string; eventId: string; reason?: string },
) {
  log(level, { at: new Date(arrived).toISOString(), ...details, ms: Date.now() - arrived });
}
