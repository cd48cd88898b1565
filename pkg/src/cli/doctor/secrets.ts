// Checks of the secrets: the settings require them, files with usable values have them, and git does not.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Verifier } from "cronozen-edge";
import { settingOf } from "../gateway-settings.ts";
import { variablesIn } from "../project.ts";
import type { Project, Worker } from "../workers.ts";
import { each, type Group, ok, problem, type Verdict } from "./check.ts";
import { pasted, setIn } from "./cure.ts";

const signingSecret = "CRONOZEN_SIGNING_SECRET";
const nextSecret = "CRONOZEN_SIGNING_SECRET_NEXT";
const adminToken = "ADMIN_TOKEN";

/** Files with values of secrets, which must not get into a repository. */
const secretFiles = [".dev.vars", ".prod.vars"];

/** The gateway and `signingSecrets` take at most so many. */
const mostSecrets = 8;

/** The console takes no shorter token: pkg/src/console/settings.ts. */
const usableToken = /^[\x21-\x7e]{32,}$/;

/** A command that prints such a token. */
export const tokenCommand = "openssl rand -hex 32";

export const secrets: Group<Project> = {
  name: "secrets",
  checks: {
    signing_secret_required: (project) =>
      each(
        project.workers.filter((worker) => worker === project.gateway || readsSecrets(worker)),
        (worker) => requires(project, worker, signingSecret),
      ),
    admin_token_required: (project) =>
      each(project.workers.filter(hasConsole), (worker) =>
        isAccessSet(worker) ? undefined : requires(project, worker, adminToken),
      ),
    access: ({ workers }) =>
      each(workers, (worker) => {
        const [team, audience] = ["ACCESS_TEAM", "ACCESS_AUDIENCE"].map((name) => settingOf(worker, name) ?? "");
        if (team === "" && audience === "") {
          return;
        }
        return team !== "" && audience !== ""
          ? ok("Cloudflare Access protects the console")
          : problem(
              `${team === "" ? "ACCESS_TEAM" : "ACCESS_AUDIENCE"} missing: Access needs the team and the audience`,
              `In ${worker.file}, set both under vars, or neither.`,
            );
      }),
    secrets_not_in_vars: ({ workers }) =>
      each(workers, ({ settings: { vars }, file }) => {
        const found = [signingSecret, nextSecret, adminToken].find((name) => name in vars);
        return found === undefined
          ? ok(`${file} holds no secret`)
          : problem(
              `${found} readable in ${file}: everyone who reads the file has the secret`,
              pasted(
                `Remove ${found} from ${file}, and get another one. Then run:`,
                `npx wrangler secret put ${found}`,
              ),
            );
      }),
    signing_secret_usable: (project) =>
      each(filesOf(project), (file) => {
        const values = variablesIn(file);
        const current = secretsIn(values[signingSecret]);
        const cure = pasted(`In ${file}, set it as Cronozen gave it:`, `${signingSecret}="whsec_..."`);
        if (current.length === 0) {
          return problem(`${signingSecret} empty or missing in ${file}`, cure);
        }
        const all = [...secretsIn(values[nextSecret]), ...current];
        const mistake = mistakeOf(all);
        return mistake === undefined
          ? ok(`${file} has ${all.length === 1 ? "a usable signing secret" : `${all.length} usable signing secrets`}`)
          : problem(`${signingSecret} unusable in ${file}: ${mistake}`, cure);
      }),
    admin_token_usable: (project) =>
      each(project.workers.some(hasConsole) ? filesOf(project) : [], (file) => {
        const token = variablesIn(file)[adminToken] ?? "";
        if (usableToken.test(token)) {
          return ok(`${file} has a usable ${adminToken}`);
        }
        return token === "" && project.workers.some(isAccessSet)
          ? undefined
          : problem(
              `${adminToken} ${token === "" ? "empty or missing" : "shorter than 32 characters, or with white space,"} in ${file}`,
              pasted(`In ${file}, set it to what this prints:`, tokenCommand),
            );
      }),
    secrets_ignored: (project) =>
      each(foldersOf(project), (folder) => each(secretFiles, (name) => ignored(folder, name))),
  },
  summary: (project) => {
    const files = filesOf(project);
    return files.length === 0
      ? "required by the settings; npm run dev writes .dev.vars"
      : `required by the settings; usable in ${files.join(" and ")}, which git ignores`;
  },
};

/** Returns true if the Worker verifies messages with `signingSecrets`. */
function readsSecrets({ code }: Worker): boolean {
  return typeof code !== "string" && /\bsigningSecrets\b/.test(code.text);
}

function hasConsole({ code }: Worker): boolean {
  return typeof code !== "string" && code.imports.has("cronozen-edge/console");
}

function isAccessSet(worker: Worker): boolean {
  return (settingOf(worker, "ACCESS_TEAM") ?? "") !== "" && (settingOf(worker, "ACCESS_AUDIENCE") ?? "") !== "";
}

function requires(project: Project, worker: Worker, name: string): Verdict {
  const { required = [] } = worker.settings.secrets ?? {};
  return required.includes(name)
    ? ok(`${worker.file} requires ${name}`)
    : problem(
        `${name} not required: ${worker.file} could be deployed without it`,
        setIn(project, worker, "secrets", { required: [...required, name] }),
      );
}

function secretsIn(value: string | undefined): string[] {
  return (value ?? "").split(/\s+/).filter((secret) => secret !== "");
}

/** Returns what is wrong with secrets, without their text. */
function mistakeOf(list: readonly string[]): string | undefined {
  if (list.length > mostSecrets) {
    return `${list.length} secrets, and at most ${mostSecrets} are taken`;
  }
  try {
    new Verifier([...list]);
    return;
  } catch (error) {
    return (error as Error).message.replace(/^cronozen-edge: /, "");
  }
}

/** Returns the files with values of secrets, as wrangler finds them: beside the settings, for the environment. */
function filesOf(project: Project): string[] {
  const { environment } = project;
  const local = environment === undefined ? [] : [`.dev.vars.${environment}`];
  return foldersOf(project).flatMap((folder) => {
    // The file of the environment replaces the other one.
    const [dev] = [...local, ".dev.vars"].filter((name) => existsSync(join(folder, name)));
    return [dev, ".prod.vars"].flatMap((name) =>
      name !== undefined && existsSync(join(folder, name)) ? [relative(process.cwd(), join(folder, name))] : [],
    );
  });
}

function foldersOf({ workers }: Project): string[] {
  return [...new Set(workers.map(({ file }) => dirname(file)))];
}

/** Checks that git ignores a file, also one that is not there yet. */
function ignored(folder: string, name: string): Verdict | undefined {
  const path = relative(process.cwd(), join(folder, name));
  const { status } = spawnSync("git", ["check-ignore", "--quiet", name], { cwd: folder, stdio: "ignore" });
  if (status === 0) {
    return ok(`git ignores ${path}`);
  }
  const tracked = spawnSync("git", ["ls-files", "--error-unmatch", name], { cwd: folder, stdio: "ignore" });
  if (tracked.status === 0) {
    return problem(
      `${path} in the repository: everyone who can read that has the secrets`,
      pasted("Replace the secrets, and run:", `git rm --cached ${path}`, `echo '${name}' >> .gitignore`),
    );
  }
  if (!existsSync(path)) {
    return;
  }
  // Without a repository, .gitignore is for the one to come.
  const list = join(folder, ".gitignore");
  const isListed = !existsSync(list) || readFileSync(list, "utf8").split(/\r?\n/).includes(name);
  return status !== 1 && isListed
    ? ok(`${path} is in no repository`)
    : problem(`${path} not ignored by git`, pasted("In this folder, run:", `echo '${name}' >> .gitignore`));
}
