// Makes the log of `wrangler dev` readable: one short line for each line that the Workers log.

import { plain } from "./columns.ts";
import { dim, green, red, yellow } from "./output.ts";

/** A line of JSON, alone, after the name of one of several Workers, or after wrangler's label of a warning or an error. */
const logged = /^(\[[\w-]+\]|▲ \[WARNING\]|✘ \[ERROR\])?\s*(\{.+\})$/;

/** Lines about requests and queues, which the Workers log themselves, and the table of bindings after a reload. */
const noise = /^(\[wrangler:info\]|⎔ Reloading|env\.|Binding\s+Resource)|has access to the following bindings:$/;

/** The gateway's outcomes that have no code. The consumer logs `marker_failed` only if it does not use D1. */
const gatewayOutcomes = ["late_commit", "late_send_failed", "marker_failed", "trapped"];

/** The fields that are shown. */
interface Line {
  readonly at?: string;
  readonly outcome: string;
  readonly code?: string;
  readonly name?: string;
  readonly eventId?: string;
  readonly type?: string | null;
  readonly attempt?: number;
  /** A handler may log any value. */
  readonly reason?: unknown;
  readonly delaySeconds?: number;
  readonly inFlight?: number;
  readonly ms?: number;
}

/** Returns the readable form of a line, or `undefined` if the line is not useful. */
export function readable(line: string): string | undefined {
  if (isReload(line)) {
    return dim("reloaded");
  }
  const [, label = ""] = logged.exec(line) ?? [];
  const fields = fieldsOf(line);
  if (fields === undefined) {
    return noise.test(line) ? undefined : line;
  }
  const { at = "", outcome, code, name, eventId, type, attempt, reason, delaySeconds, inFlight, ms } = fields;
  const colour = label.includes("ERROR") ? red : label.includes("WARNING") ? yellow : green;
  // The gateway gives each answer a code. The consumer has none.
  const isGateway = code !== undefined || gatewayOutcomes.includes(outcome);
  const details = [
    name,
    eventId,
    type,
    attempt !== undefined && attempt > 1 && `attempt ${attempt}`,
    // The rest of it is advice.
    String(reason ?? "").replace(/\. Usual causes: .*/, ""),
    delaySeconds !== undefined && `again in ${delaySeconds} s`,
    inFlight !== undefined && `${inFlight} in flight`,
    ms !== undefined && `${ms} ms`,
  ];
  const time = dim(plain(at.slice(11, 19)));
  const words = [time, isGateway ? "gateway " : "consumer", colour(plain(outcome).padEnd(9))];
  return [...words, ...details.filter(Boolean).map((detail) => plain(String(detail)))].join("  ");
}

/** Says if wrangler runs changed code from here on. */
export function isReload(line: string): boolean {
  return line.endsWith("Local server updated and ready");
}

/** Returns the fields of a line of the gateway or the consumer. A handler may log any other JSON. */
export function fieldsOf(line: string): Line | undefined {
  const [, , json = ""] = logged.exec(line) ?? [];
  try {
    const fields = JSON.parse(json);
    return typeof fields.outcome === "string" && typeof (fields.at ?? "") === "string" ? fields : undefined;
  } catch {
    return undefined;
  }
}
