// `dev`: runs the project on this machine, and sends it samples.

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { endWithAncestors } from "./ancestors.js";
import { post, signatureOf } from "./delivery.ts";
import { checkPort, DevServer } from "./dev-server.ts";
import { localSecrets } from "./local-secrets.ts";
import { readable } from "./log.ts";
import { bold, dim, Failure } from "./output.ts";
import { consumerOption, runWrangler, wranglerScript } from "./project.ts";
import { sampleOf, sampleTypes } from "./samples.ts";

const defaultPort = 8787;

/** With two Workers: the settings of the one that has an address, and then those of the others. */
const twoWorkers = ["wrangler.dev.toml", "wrangler.toml", "wrangler.consumer.toml"];

export function addDev(program: Command): void {
  program
    .command("dev")
    .summary("run the project on this machine, and send it samples")
    .description(
      "Runs the project in the current folder on this machine, in the real Workers runtime, and sends one sample of each type. It makes up missing secrets, makes the tables, and reloads what you change. Ctrl-C stops it.",
    )
    .option("--port <port>", "the port to listen on", String(defaultPort))
    .option("--no-samples", "send nothing")
    .option("--verbose", "show wrangler's output as it is")
    .action(dev);
}

async function dev(options: { port: string; samples: boolean; verbose?: true }): Promise<void> {
  endWithAncestors();
  const port = portOf(options.port);
  const wrangler = wranglerScript();
  await checkPort(port);
  const { secret, created } = localSecrets(process.cwd());
  if (created.length > 0) {
    console.log(`Made up ${created.join(" and ")} in .dev.vars.`);
  }
  await migrate();
  const configs = existsSync(String(twoWorkers[0])) ? twoWorkers : [];
  const server = new DevServer({
    wrangler,
    folder: process.cwd(),
    port,
    args: configs.map((config) => `--config=${config}`),
  });
  const interrupted = new Promise<void>((resolve) => {
    process.on("SIGINT", () => resolve());
    process.on("SIGTERM", () => resolve());
  });
  try {
    await Promise.race([serve(server, secret, options), interrupted]);
    await Promise.race([server.ended, interrupted]);
  } finally {
    await server.stop();
  }
}

async function serve(server: DevServer, secret: string, { samples, verbose }: { samples: boolean; verbose?: true }) {
  await server.ready();
  const webhook = new URL("/webhooks/cronozen", server.url);
  server.lines.on("line", (line) => {
    const shown = verbose ? line : readable(line);
    if (shown !== undefined) {
      console.log(shown);
    }
  });
  console.log(`
  ${bold("Webhook")}  ${webhook}
  ${bold("Console")}  ${server.url}/console  ${dim("(log in with ADMIN_TOKEN of .dev.vars)")}
  ${bold("Send")}     npx --no cronozen-edge send payment.completed${webhook.port === String(defaultPort) ? "" : ` ${server.url}`}
`);
  if (samples) {
    console.log(`A sample of each type, one of them twice, and one with a wrong signature:\n`);
    await sendSamples(webhook, secret);
  }
}

/** Sends one sample of each type, the first one twice, and one with a wrong signature. */
async function sendSamples(webhook: URL, secret: string): Promise<void> {
  const bodies = sampleTypes.map((type) => JSON.stringify(sampleOf(type)));
  const [first = ""] = bodies;
  for (const body of [...bodies, first]) {
    await post(webhook, body, signatureOf(body, secret));
  }
  await post(webhook, first, signatureOf(first, `not ${secret}`.replace(" ", "_")));
}

/** Makes the tables of the handlers in the local database. */
async function migrate(): Promise<void> {
  if (!existsSync("migrations")) {
    return;
  }
  const { code, printed } = await runWrangler(["d1", "migrations", "apply", "DB", "--local", ...consumerOption()]);
  if (code !== 0) {
    throw new Failure(`migrations failed:\n${printed}`);
  }
}

function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535) {
    throw new Failure(`port ${text} does not exist: pass --port N with a number from 1 to 65535`);
  }
  return Number(text);
}
