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

/** What happens to an event after its delivery has been answered. */
export function logLater(
  level: "warn" | "error",
  arrived: number,
  details: { outcome: string; eventId: string; reason?: string },
) {
  log(level, { at: new Date(arrived).toISOString(), ...details, ms: Date.now() - arrived });
}
