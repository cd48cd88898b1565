// `doctor`: looks at a project, its account and its deployment, and says what is wrong and how to cure it.

import type { Command } from "commander";
import { addressOf } from "./arguments.ts";
import { plain } from "./columns.ts";
import { account, readAccount } from "./doctor/account.ts";
import { examine, type Finding, type GroupResult } from "./doctor/check.ts";
import { databases } from "./doctor/databases.ts";
import { deployment, visit } from "./doctor/deployment.ts";
import { gateway } from "./doctor/gateway.ts";
import { planNotes, queues } from "./doctor/queues.ts";
import { reportOf } from "./doctor/report.ts";
import { secrets } from "./doctor/secrets.ts";
import { settings } from "./doctor/settings.ts";
import { pathOf } from "./gateway-settings.ts";
import { Failure, prints, type Result } from "./output.ts";
import { type Project, readProject, UnreadableSettings } from "./workers.ts";

interface DoctorOptions {
  readonly config?: readonly string[];
  readonly env?: string;
  readonly account?: true;
}

const examples = `
Examples:
  cronozen-edge doctor
  cronozen-edge doctor https://cronozen-edge.acme.workers.dev
  cronozen-edge doctor --account --env staging
  cronozen-edge doctor -c wrangler.toml -c ../consumer/wrangler.toml

Without a URL, it sends nothing. With one, it asks for /healthz, and posts one
event without a signature, which the gateway refuses.`;

export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .summary("look for what is wrong with a project and its deployment")
    .description(
      "Looks for what is wrong with the project in this folder: settings, bindings, queues, databases and secrets. It changes nothing. Each problem has a cure.",
    )
    .argument("[url]", "the webhook's public URL, to look at the deployment, too")
    .option(
      "-c, --config <file>",
      "the settings of a Worker, as often as there are Workers (default: wrangler.toml, and wrangler.consumer.toml)",
      (file: string, files: readonly string[] = []) => [...files, file],
    )
    .option("-e, --env <name>", "the environment in the settings")
    .option("--account", "ask the Cloudflare account, too, with wrangler's login")
    .addHelpText("after", examples);
  prints(command, async (url: string | undefined, options: DoctorOptions) => doctor(url, options));
}

async function doctor(
  text: string | undefined,
  { config = [], env, account: asksAccount }: DoctorOptions,
): Promise<Result> {
  let project: Project | undefined;
  try {
    project = await readProject(config, env);
  } catch (error) {
    if (!(error instanceof UnreadableSettings)) {
      throw error;
    }
    const { file, message } = error;
    const finding: Finding = {
      code: "settings_readable",
      status: "problem",
      message: `settings unusable: ${file}: ${message}`,
      cure: `Correct ${file}, and look again.`,
    };
    return resultOf([{ name: settings.name, findings: [finding], summary: "" }], []);
  }
  if (project === undefined && text === undefined) {
    throw new Failure("settings not found: run this in a project's folder, which has a wrangler.toml, or name a URL");
  }
  // A URL without a path is that of the host.
  const url = text === undefined ? undefined : addressOf(text, pathOf(project?.gateway) ?? "/");
  const results =
    project === undefined
      ? []
      : [
          examine(settings, project),
          examine(gateway, project),
          examine(queues, project),
          examine(databases, project),
          examine(secrets, project),
        ];
  if (asksAccount) {
    if (project === undefined) {
      throw new Failure("settings not found: --account compares the account with the settings in this folder");
    }
    if (process.stderr.isTTY && !process.argv.includes("--json")) {
      process.stderr.write("Asking the account, which takes some seconds.\n");
    }
    results.push(examine(account, await readAccount(project)));
  }
  if (url !== undefined) {
    results.push(examine(deployment, await visit(url, project)));
  }
  const notes =
    project === undefined ? [] : examine({ name: "plan", checks: planNotes, summary: () => "" }, project).findings;
  return resultOf(results, notes);
}

function resultOf(found: readonly GroupResult[], notes: readonly Finding[]): Result {
  const results = found.map(withPlainText);
  const checks = [...results.flatMap(({ findings }) => findings), ...notes];
  return {
    ok: checks.every(({ status }) => status !== "problem"),
    text: reportOf(results, notes),
    json: { checks },
  };
}

/** Returns a result without control characters: other programs have chosen parts of the texts. */
function withPlainText({ name, findings, summary }: GroupResult): GroupResult {
  return {
    name,
    summary: plain(summary),
    findings: findings.map(({ message, cure, ...rest }) => ({
      ...rest,
      message: plain(message),
      // The first line break of a cure is before what is to be pasted.
      ...(cure === undefined ? {} : { cure: cure.split("\n").map(plain).join("\n") }),
    })),
  };
}
