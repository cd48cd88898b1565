// `setup`: creates the project's queues, or corrects how long they keep a message.

import type { Command } from "commander";
import { failureIn, loginCure, readQueue } from "./doctor/account.ts";
import { Failure, green, prints, type Result } from "./output.ts";
import { runWrangler } from "./project.ts";
import { projectHere } from "./workers.ts";

/** The most that Cloudflare allows, in seconds: 14 days, and 24 hours on the free plan. */
const longest = 1_209_600;
const longestFree = 86_400;

const wordsOf = new Map([
  [longest, "14 days"],
  [longestFree, "24 hours, the most of the free plan"],
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
  const attempts = [longest, ...(created || (found.retention ?? longest) <= longestFree ? [longestFree] : [])];
  let failure = "";
  for (const retentionSeconds of attempts) {
    const option = `--message-retention-period-secs=${retentionSeconds}`;
    const { code, printed } = await runWrangler(["queues", created ? "create" : "update", name, option]);
    if (code === 0) {
      return { created, retentionSeconds };
    }
    failure ||= failureIn(printed);
  }
  throw new Failure(`queue ${name} not set up: ${failure}`);
}
