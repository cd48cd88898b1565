// Checks of what the consumer's code names: its databases, its bucket, and the cron trigger of the alerts.

import { bindingsNamed, type Code } from "../code.ts";
import type { Project, Worker } from "../workers.ts";
import { kindsIn } from "./bindings.ts";
import { type Group, ok, problem, type Verdict } from "./check.ts";
import { addEntry, setIn } from "./cure.ts";

/** The alerts look every 5 minutes. */
const alertsCron = "*/5 * * * *";

export const databases: Group<Project> = {
  name: "databases",
  checks: {
    ledger_bound: (project) =>
      ofCode(project, (worker, code) => database(project, worker, bindingsNamed(code, "d1")[0])),
    ledger_same: (project) =>
      ofCode(project, (_, code) => {
        const [claims] = bindingsNamed(code, "d1");
        const [ledger] = bindingsNamed(code, "ledger");
        if (claims === undefined || ledger === undefined) {
          return;
        }
        return claims === ledger
          ? ok(`the console reads the claims in ${claims}`)
          : problem(
              `wrong ledger: consume claims events in ${claims}, and deadLetters looks for them in ${ledger}`,
              `In ${code.main} or what it imports, write ledger: (env) => env.${claims}`,
            );
      }),
    dead_letters_bound: (project) =>
      ofCode(project, (worker, code) => database(project, worker, bindingsNamed(code, "database")[0])),
    bodies_consumed: (project) =>
      ofCode(project, (worker, code) => {
        const { gateway } = project;
        const [name] = bindingsNamed(code, "bodies");
        const isStored = gateway !== undefined && kindsIn(gateway.settings).get("BODIES") === "R2 bucket";
        if (name === undefined) {
          return isStored
            ? problem(
                "bodies option missing: the consumer cannot read the bodies that the gateway stores in BODIES",
                "Add bodies: (env) => env.BODIES to the options of consume and of deadLetters.",
              )
            : undefined;
        }
        return kindsIn(worker.settings).get(name) === "R2 bucket"
          ? ok(`${name} is a bucket`)
          : problem(
              `${name} not bound: the code reads large bodies there`,
              addEntry(project, worker, "r2_buckets", { binding: name, bucket_name: "cronozen-bodies" }),
            );
      }),
    alerts_run: (project) =>
      ofCode(project, (worker, code) => {
        if (!code.imports.has("cronozen-edge/alerts")) {
          return;
        }
        const { crons = [] } = worker.settings.triggers;
        return crons.length > 0
          ? ok(`the alerts run at ${crons.join(" and ")}`)
          : problem(
              "cron trigger missing: the code has alerts, and nothing runs them",
              setIn(project, worker, "triggers", { crons: [alertsCron] }),
            );
      }),
  },
  summary: ({ consumer }) => {
    const names = consumer?.settings.d1_databases.map(({ binding }) => binding) ?? [];
    const crons = consumer?.settings.triggers.crons ?? [];
    return [
      names.length === 0 ? "none" : `${names.join(" and ")} are bound`.replace(/^(\w+) are/, "$1 is"),
      ...(crons.length > 0 ? [`cron ${crons.join(", ")}`] : []),
    ].join("; ");
  },
};

function ofCode(
  { consumer }: Project,
  check: (worker: Worker, code: Code) => Verdict | undefined,
): Verdict | undefined {
  return consumer === undefined || typeof consumer.code === "string" ? undefined : check(consumer, consumer.code);
}

/** Checks that a name in the code is a database. */
function database(project: Project, worker: Worker, name: string | undefined): Verdict | undefined {
  if (name === undefined) {
    return;
  }
  const kind = kindsIn(worker.settings).get(name);
  if (kind === "D1 database") {
    return ok(`${name} is a database`);
  }
  return kind === undefined
    ? problem(
        `${name} not bound: the code needs the database`,
        addEntry(project, worker, "d1_databases", { binding: name, database_name: databaseName(name) }),
      )
    : problem(
        `${name} of another kind: a D1 database is expected, and ${worker.file} has a ${kind} of this name`,
        `In ${worker.file}, give the ${kind} another name.`,
      );
}

/** Returns the name that the starter gives to a database. */
function databaseName(binding: string): string {
  return binding === "DB"
    ? "cronozen-events"
    : `cronozen-${binding.replace(/_DB$/, "").toLowerCase().replaceAll("_", "-")}`;
}
