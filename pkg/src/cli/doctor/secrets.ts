// Checks of the secrets: the settings require them, files with usable values have them, and git does not.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Verifier } from "cronozen-edge";
import { settingOf } from "../gateway-settings.ts";
import { variablesIn } from "../project.ts";
import { mostSecrets, secretsIn, usableToken } from "../secrets.ts";
import type { Project, Worker } from "../workers.ts";
import { each, type Group, ok, problem, unknown, type Verdict } from "./check.ts";
import { optionsFor, pasted, setIn } from "./cure.ts";

const signingSecret = "CRONOZEN_SIGNING_SECRET";
const nextSecret = "CRONOZEN_SIGNING_SECRET_NEXT";
const adminToken = "ADMIN_TOKEN";

/** Files with values of secrets, which must not get into a repository. Those of environments may be there, too. */
const secretFiles = [".dev.vars", ".prod.vars"];
const isSecretFile = /^\.(dev|prod)\.vars(?!.*\.example$)/;

/** The reason why git lists nothing in a folder outside of a repository. */
const noRepository = "no repository";

/** A command that prints such a token. */
const tokenCommand = "openssl rand -hex 32";

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
    secrets_not_in_vars: (project) =>
      each(project.workers, (worker) => {
        const { file } = worker;
        const { vars } = worker.settings;
        const found = [signingSecret, nextSecret, adminToken].find((name) => name in vars);
        return found === undefined
          ? ok(`${file} holds no secret`)
          : problem(
              `${found} readable in ${file}: everyone who reads the file has the secret`,
              pasted(
                `Remove ${found} from ${file}, and get another one. Then run:`,
                `npx wrangler secret put ${found}${optionsFor(project, worker)}`,
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
    secrets_ignored: (project) => each(foldersOf(project), ignored),
  },
  summary: (project, findings) => {
    const files = filesOf(project);
    const ignored = findings.find(({ code }) => code === "secrets_ignored");
    return [
      "required by the settings",
      files.length === 0 ? "npm run dev writes .dev.vars" : `usable in ${files.join(" and ")}`,
      ...(ignored === undefined ? [] : [ignored.message]),
    ].join("; ");
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

/** Checks that git ignores the files with secrets in a folder, also the usual ones that are not there yet. */
function ignored(folder: string): Verdict | undefined {
  const present = readdirSync(folder).filter((name) => isSecretFile.test(name));
  const names = [...new Set([...secretFiles, ...present])];
  const pathOf = (name: string) => relative(process.cwd(), join(folder, name));
  const list = (some: readonly string[]) => some.map(pathOf).join(" and ");
  const tracked = listedBy(folder, ["ls-files", "--", ...names]);
  const hidden = listedBy(folder, ["check-ignore", "--", ...names]);
  if (typeof tracked === "string" || typeof hidden === "string") {
    return present.length === 0
      ? undefined
      : tracked === noRepository
        ? ok(`${list(present)} in no repository`)
        : unknown(`git failed: it does not say if it ignores ${list(present)}`, "Run git status, and see why.");
  }
  const [published] = tracked;
  if (published !== undefined) {
    return problem(
      `${pathOf(published)} in the repository: everyone who can read that has the secrets`,
      pasted("Replace the secrets, and run:", `git rm --cached ${pathOf(published)}`, ignore(folder, published)),
    );
  }
  const open = present.find((name) => !hidden.includes(name));
  if (open !== undefined) {
    return problem(`${pathOf(open)} not ignored by git`, pasted("In this folder, run:", ignore(folder, open)));
  }
  return hidden.length === 0 ? undefined : ok(`git ignores ${list(hidden)}`);
}

/** Returns the command that makes git ignore a file. */
function ignore(folder: string, name: string): string {
  return `echo '${name}' >> ${relative(process.cwd(), join(folder, ".gitignore"))}`;
}

/** Returns the names that a command of git lists, or why it does not. */
function listedBy(folder: string, args: readonly string[]): string[] | string {
  const env = { ...process.env, LC_ALL: "C" };
  const { status, stdout, stderr } = spawnSync("git", args, { cwd: folder, env, encoding: "utf8" });
  // check-ignore ends with 1 if it lists none.
  if (status === 0 || status === 1) {
    return stdout.split("\n").filter((line) => line !== "");
  }
  return stderr?.includes("not a git repository") ? noRepository : "failed";
}
