// Checks of each Worker: its settings can be read, and its code has what they name.

import { existsSync } from "node:fs";
import { installed } from "../project.ts";
import type { Project, Worker } from "../workers.ts";
import { nameMeantBy } from "./bindings.ts";
import { each, type Group, ok, problem, unknown, type Verdict } from "./check.ts";
import { addEntry, pasted, setAtTop } from "./cure.ts";

/** Top-level names of wrangler's settings that this project uses, for a hint at a misspelt one. */
const topLevelNames = [
  ...["name", "main", "compatibility_date", "workers_dev", "observability", "secrets", "vars", "durable_objects"],
  ...["migrations", "ratelimits", "version_metadata", "queues", "d1_databases", "r2_buckets", "kv_namespaces"],
  ...["triggers", "routes", "assets", "build", "minify"],
];

export const settings: Group<Project> = {
  name: "settings",
  checks: {
    environment_defined: ({ environment, workers }) =>
      environment === undefined
        ? undefined
        : each(workers, ({ file, settings: { definedEnvironments = [] } }) =>
            definedEnvironments.includes(environment)
              ? ok(`${file} has the environment ${environment}`)
              : problem(
                  `environment not defined: ${file} has no [env.${environment}]`,
                  definedEnvironments.length === 0
                    ? `Leave out --env, or add [env.${environment}] to ${file}.`
                    : `Choose one of ${definedEnvironments.join(", ")}.`,
                ),
          ),
    settings_known: ({ workers }) =>
      each(workers, ({ file, strangeFields: [strange] }) => {
        if (strange === undefined) {
          return ok(`wrangler knows all fields of ${file}`);
        }
        const meant = nameMeantBy(strange, topLevelNames);
        const cure =
          meant === undefined ? `Remove ${strange} from ${file}.` : `In ${file}, rename ${strange} to ${meant}.`;
        return problem(`field unknown to wrangler: ${strange} in ${file}, which has no effect`, cure);
      }),
    code_readable: (project) =>
      each(project.workers, (worker) => {
        const { code, file, settings } = worker;
        if (typeof code !== "string") {
          return ok(`the code of ${file} is in ${code.main}`);
        }
        if (settings.main === undefined) {
          const cure = setAtTop(project, worker, { main: "src/index.ts" });
          return problem(`main missing: ${file} names no code, so the Worker does nothing`, cure);
        }
        return settings.build.command !== undefined && !existsSync(settings.main)
          ? unknown(`code not built: ${code}`, pasted("Build it, and look again:", settings.build.command))
          : problem(`code unusable: ${code}`, `Correct the code, or the main of ${file}.`);
      }),
    package_installed: ({ workers }) =>
      each(workers, ({ code }) => {
        if (typeof code === "string" || ![...code.imports].some((name) => /^cronozen-edge(\/|$)/.test(name))) {
          return;
        }
        return isInstalled("cronozen-edge")
          ? ok("cronozen-edge is installed")
          : problem("cronozen-edge not installed: the code imports it", pasted("In this folder, run:", "npm install"));
      }),
    classes_exported: ({ workers }) =>
      each(workers, (worker) => {
        const { code, file } = worker;
        const [missing] = ownClasses(worker).filter((name) => typeof code !== "string" && !code.exports.includes(name));
        if (missing === undefined || typeof code === "string") {
          return ownClasses(worker).length === 0 || typeof code === "string"
            ? undefined
            : ok(`${code.main} exports ${ownClasses(worker).join(" and ")}`);
        }
        return problem(
          `class not exported: ${file} binds ${missing}, and ${code.main} does not export it`,
          pasted(`Add to ${code.main}:`, `export { ${missing} } from "cronozen-edge/worker";`),
        );
      }),
    classes_migrated: (project) => each(project.workers, (worker) => migrationOf(project, worker)),
  },
  summary: ({ workers }) => `${workers.map(({ file }) => file).join(" and ")} and the code can be read`,
};

function migrationOf(project: Project, worker: Worker): Verdict | undefined {
  const { classes, file } = worker;
  const names = ownClasses(worker);
  if (typeof classes === "string") {
    return problem(`migrations contradictory in ${file}: ${classes}`, `Correct the [[migrations]] of ${file}.`);
  }
  const [missing] = names.filter((name) => !classes.has(name));
  if (missing !== undefined) {
    return problem(
      `migration missing: ${file} binds the class ${missing}, and no migration makes it`,
      addEntry(project, worker, "migrations", { tag: `add-${missing}`, new_sqlite_classes: [missing] }),
    );
  }
  const [other] = names.filter((name) => classes.get(name) === false);
  if (other !== undefined) {
    return problem(
      `migration wrong: the class ${other} of ${file} needs SQLite, and new_classes gives it none`,
      `In ${file}, rename new_classes to new_sqlite_classes. If it is deployed, delete the class first: its storage cannot be changed.`,
    );
  }
  return names.length === 0 ? undefined : ok(`the migrations of ${file} make ${names.join(" and ")}`);
}

/** Returns the classes of Durable Objects that the Worker itself must have. */
function ownClasses({ settings }: Worker): string[] {
  const { bindings } = settings.durable_objects;
  const own = bindings.filter(({ script_name }) => script_name === undefined || script_name === settings.name);
  return [...new Set(own.map(({ class_name }) => class_name))];
}

function isInstalled(name: string): boolean {
  try {
    installed(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
