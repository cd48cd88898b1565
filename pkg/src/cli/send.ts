// `send`: sends signed samples as Cronozen does.

import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { addressOf, numberUpTo } from "./arguments.ts";
import { deliverAll, forgeries, type Plan, sizeOf } from "./deliveries.ts";
import { defaultPath, localPort } from "./gateway-settings.ts";
import { Failure, prints, type Result } from "./output.ts";
import { interruption, Progress } from "./progress.ts";
import { sampleTypes } from "./samples.ts";
import { playSchedule } from "./schedule.ts";
import { signingSecret } from "./secrets.ts";
import { listed } from "./sent.ts";
import { Summary } from "./summary.ts";

interface SendOptions {
  readonly data?: string;
  readonly id?: string;
  readonly duplicate?: true;
  readonly tamper?: (typeof forgeries)[number];
  readonly count?: number;
  readonly concurrency: number;
  readonly shuffle?: true;
  readonly schedule?: true;
  readonly timeScale?: number;
  readonly json?: true;
}

const defaultUrl = `http://localhost:${localPort}${defaultPath}`;

/** More would be a load test of the platform. */
const maxCount = 100_000;
const maxConcurrency = 100;
const defaultConcurrency = 10;

/** The seven attempts take 0.1 s. */
const maxTimeScale = 1_000_000;

/** The type that stands for one of each. */
const allTypes = "all";

export function addSend(program: Command): void {
  const command = program
    .command("send")
    .summary("send a signed sample, as Cronozen does")
    .description(
      "Sends signed samples as Cronozen does, and says if the answers are the expected ones. Their data is made up.",
    )
    .argument("<type>", `the event's type, or ${allTypes} for one of each`)
    .argument("[url]", "the webhook's URL", defaultUrl)
    .option("--data <json>", "the event's data, or @file to read it from a file")
    .option("--id <eventId>", "the event's id, instead of a new one")
    .option("--duplicate", "send each event a second time")
    .addOption(new Option("--tamper <part>", "forge a part: the answer must be 401").choices(forgeries))
    .option("--count <n>", "send n events, and print a summary", numberUpTo(maxCount))
    .option("--concurrency <n>", "send up to n at once", numberUpTo(maxConcurrency), defaultConcurrency)
    .option("--shuffle", "send in random order, with --count, --duplicate or all")
    .addOption(
      new Option("--schedule", "play the sender's seven attempts, until one is answered 2xx").conflicts([
        "duplicate",
        "tamper",
        "count",
        "shuffle",
      ]),
    )
    .option("--time-scale <n>", "divide the delays of --schedule by n", numberUpTo(maxTimeScale))
    .addHelpText("after", help);
  prints(command, send);
}

const help = `
The documented types, but any other can be sent, too:
${sampleTypes.map((type) => `  ${type}`).join("\n")}

The secret is CRONOZEN_SIGNING_SECRET of the environment. For a gateway on this
machine, it may stand in .dev.vars of the current folder.

Examples:
  cronozen-edge send payment.completed
  cronozen-edge send all --duplicate
  cronozen-edge send payment.completed https://edge.example.com --tamper body
  cronozen-edge send payment.completed --count 1000 --concurrency 20
  cronozen-edge send payment.completed --schedule --time-scale 1000`;

async function send(type: string, given: string, options: SendOptions): Promise<Result> {
  const url = addressOf(given, defaultPath);
  const isAll = type === allTypes;
  refuseContradictions(isAll, options);
  const types = isAll ? sampleTypes : [type];
  const plan: Plan = {
    url,
    types,
    count: options.count ?? types.length,
    eventId: options.id,
    data: options.data === undefined ? undefined : dataOf(options.data),
    duplicate: options.duplicate === true,
    shuffle: options.shuffle === true,
    tamper: options.tamper,
    concurrency: options.concurrency,
    // A forged one needs none.
    secret: options.tamper === "secret" ? "" : signingSecret(url),
  };
  const signal = interruption();
  if (options.schedule) {
    return playSchedule(plan, options.timeScale ?? 1, options.json === true, signal);
  }
  return options.count === undefined ? listed(plan, signal) : counted(plan, signal);
}

/** Sends many, and returns a summary. */
async function counted(plan: Plan, signal: AbortSignal): Promise<Result> {
  const summary = new Summary(plan);
  const progress = new Progress(sizeOf(plan));
  try {
    await deliverAll(plan, signal, (delivery) => {
      summary.add(delivery);
      progress.advance(1);
    });
  } finally {
    progress.end();
  }
  return summary.result();
}

function refuseContradictions(isAll: boolean, options: SendOptions): void {
  const several = isAll || options.count !== undefined;
  if (several && options.id !== undefined) {
    throw new Failure("--id given for several events: each needs an id of its own");
  }
  if (options.shuffle && !several && !options.duplicate) {
    throw new Failure("--shuffle given for one delivery: add --count, --duplicate or all");
  }
  if (options.schedule && isAll) {
    throw new Failure("--schedule given for several events: it plays the attempts of one");
  }
  if (options.timeScale !== undefined && !options.schedule) {
    throw new Failure("--time-scale given without --schedule");
  }
}

/** Returns JSON that was given, or that a file holds. Errors do not quote it. */
function dataOf(given: string): string {
  const file = given.startsWith("@") ? given.slice(1) : undefined;
  const text = file === undefined ? given : textOf(file);
  try {
    JSON.parse(text);
  } catch {
    const example = '{"amount":"49.00","currency":"EUR"}';
    throw new Failure(
      file === undefined
        ? `--data not JSON: for example, --data '${example}' is expected`
        : `file of --data not JSON: ${file}: for example, ${example} is expected`,
    );
  }
  return text.trim();
}

/** Returns a file's text. Editors on Windows put a byte order mark before it, which JSON does not allow. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/^\ufeff/, "");
  } catch (error) {
    throw new Failure(`file of --data unreadable: ${(error as NodeJS.ErrnoException).code}: ${file}`);
  }
}
