// `dev`: runs the project on this machine, and sends it samples.

import { existsSync, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { numberUpTo } from "./arguments.ts";
import { post, signatureOf } from "./delivery.ts";
import { checkPort, DevServer } from "./dev-server.ts";
import { defaultPath, localPort, pathOf } from "./gateway-settings.ts";
import { localSecrets } from "./local-secrets.ts";
import { fieldsOf, isReload, readable } from "./log.ts";
import { bold, dim, Failure, well, yellow } from "./output.ts";
import { consumerOption, runWrangler, wranglerScript } from "./project.ts";
import { sampleOf, sampleTypes } from "./samples.ts";
import { projectHere } from "./workers.ts";

const migrationsFolder = "migrations";

/** The time without a change after which migrations are applied. */
const quietMs = 300;

const ancestors = new URL("ancestors.js", import.meta.url);

/** With two Workers: the settings of the one that has an address, and then those of the others. */
const twoWorkers = ["wrangler.dev.toml", "wrangler.toml", "wrangler.consumer.toml"];

interface DevOptions {
  readonly port: number;
  readonly samples: boolean;
  readonly verbose?: boolean;
}

export function addDev(program: Command): void {
  program
    .command("dev")
    .summary("run the project on this machine, and send it samples")
    .description(
      "Runs the project in the current folder on this machine, in the real Workers runtime, and sends one sample of each type. It makes up missing secrets, makes the tables, and reloads what you change. Ctrl-C stops it.",
    )
    .option("--port <port>", "the port to listen on", numberUpTo(65_535), localPort)
    .option("--no-samples", "send nothing")
    .option("--verbose", "show all that wrangler prints")
    .action(dev);
}

async function dev({ port, samples, verbose = false }: DevOptions): Promise<void> {
  // A file of its own beside this code: wrangler loads it, too, so that neither outlives what has started it.
  await import("./ancestors.js");
  const wrangler = wranglerScript();
  await checkPort(port);
  const path = pathOf((await projectHere()).gateway);
  const { secret, created } = localSecrets(process.cwd());
  if (created.length > 0) {
    console.log(`Made up ${created.join(" and ")} in .dev.vars.`);
  }
  await migrate();
  const configs = existsSync(String(twoWorkers[0])) ? twoWorkers : [];
  const args = configs.map((config) => `--config=${config}`);
  const server = new DevServer({ wrangler, folder: process.cwd(), port, args, execArgv: [`--import=${ancestors}`] });
  const interrupted = new Promise<"interrupted">((resolve) => {
    // Not `once`: a second signal must not end this before the server has stopped.
    process.on("SIGINT", () => resolve("interrupted"));
    process.on("SIGTERM", () => resolve("interrupted"));
  });
  const served = async () => {
    await server.ready();
    showLog(server, verbose);
    const webhook = new URL(path ?? "/", server.url);
    introduce(webhook);
    if (samples && path !== undefined) {
      console.log("A sample of each type, one of them twice, and one with a wrong signature:\n");
      await sendSamples(webhook, secret);
    }
    await server.ended;
  };
  const stopped = new AbortController();
  try {
    watchMigrations(stopped.signal);
    if ((await Promise.race([served(), interrupted])) === undefined) {
      throw new Failure(`wrangler dev ended:\n${server.printed.slice(-10).join("\n")}`);
    }
  } finally {
    stopped.abort();
    await server.stop();
  }
  // A run of migrations that hangs would keep this process alive.
  process.exit(well);
}

function introduce(webhook: URL): void {
  const url = webhook.port === String(localPort) && webhook.pathname === defaultPath ? "" : ` ${webhook}`;
  console.log(`
  ${bold("Webhook")}  ${webhook}
  ${bold("Console")}  ${webhook.origin}/console/  ${dim("(log in with ADMIN_TOKEN of .dev.vars)")}
  ${bold("Send")}     npx --no cronozen-edge send payment.completed${url}
`);
}

/** Shows what wrangler prints. The local queue is in memory, so a reload loses the messages that wait on it. */
function showLog(server: DevServer, verbose: boolean): void {
  const waiting = new Set<string>();
  server.lines.on("line", (line) => {
    const shown = verbose ? line : readable(line);
    if (shown !== undefined) {
      console.log(shown);
    }
    // A line with a code is the gateway's.
    const { outcome, eventId, code } = fieldsOf(line) ?? {};
    if (eventId !== undefined && code === undefined) {
      waiting[outcome === "retried" ? "add" : "delete"](eventId);
    }
    if (isReload(line) && waiting.size > 0) {
      console.log(yellow(`gone from the local queue: ${[...waiting].join(", ")}. Send them again, with new ids.`));
      waiting.clear();
    }
  });
}

/** Makes the tables of migrations that are added while wrangler runs. */
function watchMigrations(signal: AbortSignal): void {
  if (!existsSync(migrationsFolder)) {
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  let last = Promise.resolve();
  watch(migrationsFolder, { signal }, () => {
    clearTimeout(timer);
    // An editor writes a file in several steps. One run at a time: two would make the same table.
    timer = setTimeout(() => {
      last = last.then(applyNewMigrations);
    }, quietMs);
  });
}

/** Sends one sample of each type, the first one twice, and one with a wrong signature. */
async function sendSamples(webhook: URL, secret: string): Promise<void> {
  const bodies = sampleTypes.map((type) => JSON.stringify(sampleOf(type)));
  const [first = ""] = bodies;
  for (const body of [...bodies, first]) {
    await post(webhook, body, signatureOf(body, secret));
  }
  await post(webhook, first, signatureOf(first, `${secret}_other`));
}

async function applyNewMigrations(): Promise<void> {
  // A migration is applied once. An empty one, as wrangler creates it, would be done for ever.
  const texts = readdirSync(migrationsFolder).map((name) => readFileSync(join(migrationsFolder, name), "utf8"));
  if (texts.some((text) => text.replaceAll(/--.*/g, "").trim() === "")) {
    return;
  }
  try {
    await migrate();
    console.log(dim("migrations applied"));
  } catch (error) {
    console.error((error as Error).message);
  }
}

/** Makes the tables of the handlers in the local database. */
async function migrate(): Promise<void> {
  if (!existsSync(migrationsFolder)) {
    return;
  }
  const { code, printed } = await runWrangler(["d1", "migrations", "apply", "DB", "--local", ...consumerOption()]);
  if (code !== 0) {
    throw new Failure(`migrations failed:\n${printed}`);
  }
}
