// The alerts: a `scheduled` handler that looks for what is wrong, and sends a message when it begins and when it ends.

import { log, reasonOf } from "../consumer/log.ts";
import { inTime, minuteMs } from "../consumer/time.ts";
import { type AlertOptions, optionsOf } from "./options.ts";
import { runAlerts } from "./run.ts";

/** A run ends before its lease does, and long before the next one starts. */
const runTimeoutMs = minuteMs;

/**
 * Returns a `scheduled` handler: have a cron trigger call it every 5 minutes. Of two calls at once, one does nothing. The log
 * has a line for each incident that opens or closes, and for each failure.
 *
 * @throws TypeError if an option is missing, misspelt or of the wrong kind
 */
export function alerts<Env>(
  options: AlertOptions<Env>,
): (controller: unknown, env: Env, context?: unknown) => Promise<void> {
  const checked = optionsOf(options);
  return async (_, env) => {
    try {
      await inTime(() => runAlerts(checked, env), runTimeoutMs, `alerts timed out after ${runTimeoutMs} ms`);
    } catch (error) {
      log("error", "alerts_failed", { reason: reasonOf(error) });
    }
  };
}
