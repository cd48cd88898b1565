// `setup`: creates the project's queues, or corrects how long they keep a message.

import type { Command } from "commander";
import { failureIn, loginCure, readQueue } from "./doctor/account.ts";
import { freeRetention, longestRetention } from "./doctor/queues.ts";
import { Failure, green, prints, type Result } from "./output.ts";
import { runWrangler } from "./project.ts";
import { projectHere } from "./workers.ts";

const wordsOf = new Map([
  [longestRetention, "14 days"],
  [freeRetention, "24 hours, the most of the free plan"],
]);

export function addSetup(program: Command): void {
  const command = program
    .command("setup")
    .summary("create the queues in your Cloudflare account, with the longest retention")
    .description(
      "Creates the project's queues in your Cloudflare account, or corrects them: they keep a message for as long as the plan allows. It needs a login: npx wrangler login. Repeat it after a change of the plan.",
    )
    .option("--env <name>", "the environment of the settings");
  prints(command, setup);
}

async function setup({ env }: { env?: string }): Promise<Result> {
  const { workers } = await projectHere(env);
  const named = workers.flatMap(({ settings: { queues } }) => [
    ...(queues.producers ?? []),
    ...(queues.consumers ?? []),
  ]);
  const queues = [];
  for (const name of new Set(named.map(({ queue }) => queue))) {
    queues.push({ name, ...(await setQueue(name)) });
  }
  const lines = queues.map(
    ({ name, created, retentionSeconds }) =>
      `${green("ok")}  ${name}: ${created ? "created, " : ""}keeps a message for ${wordsOf.get(retentionSeconds)}`,
  );
  return { ok: true, text: lines.join("\n"), json: { queues } };
}

/** Creates a queue, or sets its retention if it exists. An existing retention is never lowered: messages would go. */
async function setQueue(name: string): Promise<{ created: boolean; retentionSeconds: number }> {
  const found = await readQueue(name);
  if (typeof found === "string") {
    throw new Failure(`queue ${name} not looked up: ${found}. ${loginCure}`);
  }
  const created = !found.exists;
  let failure = "";
  const set = async (action: "create" | "update", seconds: number): Promise<boolean> => {
    const args = ["queues", action, name, `--message-retention-period-secs=${seconds}`];
    const { code, printed } = await runWrangler(args);
    failure ||= failureIn(printed);
    return code === 0;
  };
  const action = created ? "create" : "update";
  if (await set(action, longestRetention)) {
    return { created, retentionSeconds: longestRetention };
  }
  if ((created || (found.retention ?? longestRetention) <= freeRetention) && (await set(action, freeRetention))) {
    // The failure may have been another one than the plan's limit.
    const retentionSeconds = (await set("update", longestRetention)) ? longestRetention : freeRetention;
    return { created, retentionSeconds };
  }
  throw new Failure(`queue ${name} not set up: ${failure}`);
}
