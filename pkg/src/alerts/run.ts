// One run: reads the signals, opens and closes incidents, and sends the messages that are due.

import { log } from "../consumer/log.ts";
import { withTables } from "../consumer/schema.ts";
import { change, maxMessages } from "./changes.ts";
import { cleanUp } from "./cleanup.ts";
import { failuresOf } from "./conditions.ts";
import { sendDue } from "./delivery.ts";
import { finishRun, startRun } from "./lease.ts";
import { messageOf } from "./message.ts";
import type { Options } from "./options.ts";
import { failureOf, request } from "./request.ts";
import { type Result, resultsOf } from "./rules.ts";
import { alertSchema } from "./schema.ts";
import { gather } from "./signals.ts";
import { namedApart, type Sink } from "./sinks.ts";

/** Does nothing if another run has the lease. */
export async function runAlerts<Env>(options: Options<Env>, env: Env): Promise<void> {
  const { deadLetters, thresholds } = options;
  const now = Date.now();
  const db = await withTables(await deadLetters.letters(env), alertSchema);
  const run = await startRun(db, now);
  if (run === undefined) {
    return;
  }
  const { sinks, problems } = sinksOf(options, env);
  const signals = await gather(deadLetters, env, {
    now,
    failedBefore: run.failures,
    quietHours: thresholds.off.has("quiet") ? undefined : thresholds.quietHours,
    lateMinutes: thresholds.lateMinutes,
  });
  const results = resultsOf(signals, thresholds);
  const names = sinks.map(({ name }) => name);
  const due = await change(db, run.open, results, { now, sinks: names });
  const areSent = await sendDue(db, sinks, due, (incident) => messageOf(incident, options.console));
  const old = cleanUp(db, { now, cleanedAt: run.cleanedAt, sinks: names });
  // The free plan has 50 subrequests: messages come first.
  const cleanup = due.length + old.length <= maxMessages ? old : [];
  await finishRun(db, run.lease, { failures: failuresOf(signals), notWatched: unwatched(results), problems }, cleanup);
  if (areSent && problems.length === 0) {
    await beat(options, env);
  }
}

function unwatched(results: ReadonlyMap<string, Result>): string[] {
  return [...results].filter(([, result]) => result === "unwatched").map(([rule]) => rule);
}

/** Returns the sinks. One that cannot be used is logged at each run, and does not stop the others. */
function sinksOf<Env>({ sinks }: Options<Env>, env: Env): { sinks: Sink[]; problems: string[] } {
  let named: Sink[] = [];
  let problems: string[] = [];
  try {
    named = namedApart(sinks(env));
    problems = named.flatMap(({ name, problem }) => (problem === undefined ? [] : `sink ${name}: ${problem}`));
    if (named.length === 0) {
      problems = ["no sinks: nobody gets a message"];
    }
  } catch (error) {
    problems = [`option sinks failed: ${failureOf(error)}`];
  }
  for (const reason of problems) {
    log("error", "alerts_failed", { reason });
  }
  return { sinks: named, problems };
}

async function beat<Env>({ heartbeat }: Options<Env>, env: Env): Promise<void> {
  if (heartbeat === undefined) {
    return;
  }
  try {
    await request(heartbeat(env) ?? "", { method: "GET" });
  } catch (error) {
    log("error", "heartbeat_failed", { reason: failureOf(error) });
  }
}
