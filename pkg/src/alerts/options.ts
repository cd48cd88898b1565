// The options of alerts, checked when the Worker starts.

import { configError, refuseUnknown } from "../consumer/config-error.ts";
import { hasMethod } from "../kind.ts";
import { type RuleOptions, type Thresholds, thresholdsOf } from "./rules.ts";
import type { AlertSource } from "./signals.ts";
import type { Sink } from "./sinks.ts";

export interface AlertOptions<Env> {
  /** The result of `deadLetters`. The incidents are stored in its database. */
  readonly deadLetters: AlertSource<Env>;
  /** Where messages go. */
  readonly sinks: (env: Env) => readonly Sink[];
  /** The console's address, such as `https://edge.example.com/console`. Each message then has a link to its incident. */
  readonly console?: string | undefined;
  /** A URL that is called (GET) after each run that worked, so that another service reports if the calls stop. A secret. */
  readonly heartbeat?: ((env: Env) => string | undefined) | undefined;
  /** Opens an incident if nothing is accepted for so many hours, at most 720. Off by default. */
  readonly quietHours?: number | undefined;
  /** Switches rules off, or changes their thresholds. */
  readonly rules?: RuleOptions | undefined;
}

/** The options, with their defaults. */
export interface Options<Env> {
  readonly deadLetters: AlertSource<Env>;
  readonly sinks: (env: Env) => readonly Sink[];
  readonly console: string | undefined;
  readonly heartbeat: ((env: Env) => string | undefined) | undefined;
  readonly thresholds: Thresholds;
}

const names = ["deadLetters", "sinks", "console", "heartbeat", "quietHours", "rules"];

/** No character that would end a link in a message. */
const usableConsole = /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(:|\/|$))[\w.:/~-]+$/;

export function optionsOf<Env>(options: AlertOptions<Env>): Options<Env> {
  if (typeof options !== "object" || options === null) {
    throw configError("options of alerts missing: pass { deadLetters, sinks }");
  }
  refuseUnknown("", options, names);
  const { deadLetters, sinks, console, heartbeat, quietHours, rules = {} } = options;
  if (!hasMethod(deadLetters, "totals") || !hasMethod(deadLetters, "letters")) {
    throw configError("option deadLetters missing or of another kind: pass what deadLetters({ ... }) returns");
  }
  if (typeof sinks !== "function") {
    throw configError("option sinks missing or not a function: write (env) => [slack(env.SLACK_URL)]");
  }
  if (heartbeat !== undefined && typeof heartbeat !== "function") {
    throw configError("option heartbeat not a function: write (env) => env.HEARTBEAT_URL");
  }
  if (console !== undefined && !(typeof console === "string" && usableConsole.test(console))) {
    throw configError("option console not an address, such as https://edge.example.com/console");
  }
  return {
    deadLetters,
    sinks,
    console: console?.replace(/\/+$/, ""),
    heartbeat,
    thresholds: thresholdsOf(rules, quietHours),
  };
}
