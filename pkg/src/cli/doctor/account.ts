// Checks of the account: its queues, databases and secrets, as the project's wrangler lists them.

import { stripVTControlCharacters } from "node:util";
import { runWrangler } from "../project.ts";
import type { Project, Worker } from "../workers.ts";
import { type Check, each, type Group, ok, problem, unknown, type Verdict } from "./check.ts";
import { optionsFor, pasted } from "./cure.ts";
import { consumptionsOf, freeRetention, hours, queuesIn, retentionOf } from "./queues.ts";

/** The account, as wrangler lists it. A text is the reason why a part is not known. */
export interface Account {
  readonly project: Project;
  readonly queues: readonly { readonly name: string; readonly found: QueueState | string }[];
  readonly databases: readonly string[] | string;
  readonly secrets: readonly { readonly worker: Worker; readonly names: readonly string[] | string }[];
}

/** A queue of the account. */
export interface QueueState {
  readonly exists: boolean;
  /** The time for which it keeps messages, in seconds. */
  readonly retention: number | undefined;
  /** The Workers that consume it. */
  readonly consumers: readonly string[] | undefined;
}

/** Prints the API's answers, which have the retention. wrangler leaves the credentials out of them. */
const printAnswers = { WRANGLER_LOG: "debug", WRANGLER_LOG_SANITIZE: "false", WRANGLER_WRITE_LOGS: "false" };

export const loginCure =
  "Run npx wrangler login. If the login has several accounts, set CLOUDFLARE_ACCOUNT_ID. Then try again.";

/** Asks the account, one command at a time: two at once would both renew the login. It changes nothing. */
export async function readAccount(project: Project): Promise<Account> {
  const { events, dead } = queuesIn(project);
  const queues: { name: string; found: QueueState | string }[] = [];
  for (const name of [events, ...(dead === undefined ? [] : [dead])]) {
    queues.push({ name, found: await readQueue(name) });
  }
  const databases = namesIn(await runWrangler(["d1", "list", "--json"]));
  const secrets: { worker: Worker; names: readonly string[] | string }[] = [];
  for (const worker of project.workers.filter(({ settings }) => (settings.secrets?.required ?? []).length > 0)) {
    const environment = project.environment === undefined ? [] : ["--env", project.environment];
    const args = ["secret", "list", "--format", "json", "--config", worker.file, ...environment];
    secrets.push({ worker, names: namesIn(await runWrangler(args)) });
  }
  return { project, queues, databases, secrets };
}

export const account: Group<Account> = {
  name: "account",
  checks: {
    queues_exist: ({ queues }) =>
      each(queues, ({ name, found }) => {
        if (typeof found === "string") {
          return unknown(`queue ${name} not known: ${found}`, loginCure);
        }
        return found.exists
          ? ok(`the queue ${name} exists`)
          : problem(
              `queue ${name} does not exist in the account`,
              pasted(
                "Run, with 86400 on the free plan:",
                `npx wrangler queues create ${name} \\`,
                "  --message-retention-period-secs 1209600",
              ),
            );
      }),
    queues_retention: ({ queues, project }) => {
      const wanted = project.consumer === undefined ? freeRetention : retentionOf(project.consumer);
      return each(queues, ({ name, found }) => {
        if (typeof found === "string" || !found.exists) {
          return;
        }
        if (wanted === undefined) {
          return unknown(
            `retention that consume counts on not known: the code shows no number`,
            "Compare retry.retentionSeconds of consume with it: the queue's retention is as long, or longer.",
          );
        }
        const cure = pasted(
          "Run:",
          `npx wrangler queues update ${name} \\`,
          `  --message-retention-period-secs ${wanted}`,
        );
        const { retention } = found;
        if (retention === undefined) {
          return unknown(`retention of ${name} not known: this wrangler does not print it`, cure);
        }
        return retention >= wanted
          ? ok(`${name} keeps messages for ${hours(retention)}`)
          : problem(
              `retention of ${name} too short: ${hours(retention)}, and consume counts on ${hours(wanted)}`,
              cure,
            );
      });
    },
    queues_consumed_there: ({ queues, project }) =>
      each(queues, ({ name, found }) => {
        if (typeof found === "string" || found.consumers === undefined) {
          return;
        }
        const [wanted] = consumptionsOf(project, name);
        const deploy = `npx wrangler deploy${wanted === undefined ? "" : optionsFor(project, wanted.worker)}`;
        const [other] = found.consumers;
        if (other === undefined) {
          return problem(
            `consumer of ${name} not deployed: its messages wait, and are deleted`,
            pasted("Deploy it:", deploy),
          );
        }
        const script = wanted?.worker.settings.name;
        return script === undefined || found.consumers.includes(script)
          ? ok(`${script ?? other} consumes ${name}`)
          : problem(
              `wrong consumer of ${name}: ${other} consumes it, and ${script} is expected`,
              pasted(
                `If ${other} is not needed, give the queue to ${script}:`,
                `npx wrangler queues consumer remove ${name} ${other}`,
                deploy,
              ),
            );
      }),
    databases_exist: ({ project, databases }) => {
      const wanted = project.workers.flatMap(({ settings }) => settings.d1_databases);
      const names = wanted.flatMap(({ database_name: name }) => (name === undefined ? [] : [name]));
      if (names.length === 0) {
        return;
      }
      if (typeof databases === "string") {
        return unknown(`databases not known: ${databases}`, loginCure);
      }
      const missing = names.find((name) => !databases.includes(name));
      return missing === undefined
        ? ok(`the databases ${names.join(" and ")} exist`)
        : problem(
            `database ${missing} does not exist in the account`,
            pasted("Deploy the Worker, which creates it, or run:", `npx wrangler d1 create ${missing}`),
          );
    },
    secrets_set: secretsSet,
  },
  summary: ({ queues, databases }) =>
    [
      ...(queues.length > 0 ? [`queues ${queues.map(({ name }) => name).join(" and ")}`] : []),
      ...(typeof databases === "string" ? [] : [`${databases.length} databases`]),
      "all required secrets",
    ].join("; "),
};

function secretsSet({ secrets, project }: Account): ReturnType<Check<Account>> {
  return each(secrets, ({ worker, names }): Verdict => {
    const { settings } = worker;
    const options = optionsFor(project, worker);
    if (typeof names === "string") {
      return /not found|10007/.test(names)
        ? problem(`Worker ${settings.name} not deployed`, pasted("Run:", `npx wrangler deploy${options}`))
        : unknown(`secrets of ${settings.name} not known: ${names}`, loginCure);
    }
    const missing = settings.secrets?.required?.find((name) => !names.includes(name));
    return missing === undefined
      ? ok(`all required secrets of ${settings.name} are set`)
      : problem(
          `secret ${missing} not set on ${settings.name}`,
          pasted("Run:", `npx wrangler secret put ${missing}${options}`),
        );
  });
}

/** Reads a queue from what wrangler prints, which is for people: what it does not find is not known. */
export async function readQueue(name: string): Promise<QueueState | string> {
  const { code, printed } = await runWrangler(["queues", "info", name], printAnswers);
  if (code !== 0) {
    return printed.includes(`Queue "${name}" does not exist`)
      ? { exists: false, retention: undefined, consumers: undefined }
      : failureIn(printed);
  }
  const [, retention] = /"message_retention_period"\s*:\s*(\d+)/.exec(printed) ?? [];
  const [, consumers] = /Number of Consumers: (\d+)/.exec(printed) ?? [];
  const [, names = ""] = /^Consumers:(.*)$/m.exec(printed) ?? [];
  return {
    exists: true,
    retention: retention === undefined ? undefined : Number(retention),
    consumers:
      consumers === undefined
        ? undefined
        : names
            .split(",")
            .map((one) => one.replace("worker:", "").trim())
            .filter(Boolean),
  };
}

/** Returns the names in a list that wrangler prints as JSON, or why there is none. */
function namesIn({ code, printed }: { code: number | null; printed: string }): string[] | string {
  const start = printed.indexOf("[");
  if (code !== 0 || start < 0) {
    return failureIn(printed);
  }
  try {
    const list: { name: string }[] = JSON.parse(printed.slice(start, printed.lastIndexOf("]") + 1));
    return list.map(({ name }) => name);
  } catch {
    return "wrangler printed no list";
  }
}

/** Returns wrangler's error and the API's, without the path, which has the account's id. */
export function failureIn(printed: string): string {
  const [, failure = "wrangler failed"] = /ERROR\W*([^\n]+)/.exec(stripVTControlCharacters(printed)) ?? [];
  const [, reason] = /^\s*(.+ \[code: \d+\])$/m.exec(stripVTControlCharacters(printed)) ?? [];
  const said = failure
    .replace(/ \(\/[^)]*\)/, "")
    .trim()
    .replace(/\.$/, "");
  return reason === undefined ? said : `${said}: ${reason}`;
}
