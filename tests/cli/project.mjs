// Projects as `init` writes them, and an owner who follows the cures of `doctor` to the letter.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";
import { runCli, scratchFolder } from "./cli.mjs";

/** Made here, so that it is kept until all tests have ended. */
const originalsFolder = scratchFolder();

/** @type {Map<string, Promise<string>>} */
const originals = new Map();

/** A new project, with the packages of this repository. @param {string[]} options of `init` */
export async function newProject(...options) {
  const folder = scratchFolder();
  cpSync(await originalOf(options), folder, { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return new Project(folder);
}

/** @param {string[]} options */
function originalOf(options) {
  const key = options.join(" ");
  const made = originals.get(key) ?? initialise(options);
  originals.set(key, made);
  return made;
}

/** @param {string[]} options */
async function initialise(options) {
  const folder = join(originalsFolder, ["project", ...options].join(""));
  const { code, stderr } = await runCli(["init", folder, ...options], { folder: originalsFolder });
  assert.equal(code, 0, stderr);
  return folder;
}

/** @typedef {{ code: string, status: string, message: string, cure?: string }} Finding */

export class Project {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
  }

  /** @param {string} file */
  read(file) {
    return readFileSync(join(this.folder, file), "utf8");
  }

  /** @param {string} file @param {string} text */
  write(file, text) {
    writeFileSync(join(this.folder, file), text);
  }

  /** Replaces a part of a file, which must be there. @param {string} file @param {string | RegExp} from @param {string} to */
  edit(file, from, to) {
    const text = this.read(file);
    const changed = text.replace(from, to);
    assert.notEqual(changed, text, `${file} has no ${from}`);
    this.write(file, changed);
  }

  /** Removes the tables of a TOML file, with this header, that contain a text. @param {string} file @param {string} header @param {string} [having] */
  cut(file, header, having = "") {
    const tables = this.read(file).split(/^(?=\[)/m);
    const kept = tables.filter((table) => !(table.startsWith(header) && table.includes(having)));
    assert.notEqual(kept.length, tables.length, `${file} has no ${header}`);
    this.write(file, kept.join(""));
  }

  /** @param {string} command */
  run(command) {
    const { status, stderr } = spawnSync("sh", ["-c", command], { cwd: this.folder, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }

  /** The findings of `doctor`. @param {string[]} args @returns {Promise<{ code: number | null, ok: boolean, checks: Finding[], problems: string[] }>} */
  async examine(...args) {
    const { code, stdout, stderr } = await runCli(["doctor", "--json", ...args], { folder: this.folder });
    assert.equal(stderr, "");
    const { ok, checks } = JSON.parse(stdout);
    const problems = checks.filter((/** @type {Finding} */ { status }) => status === "problem");
    return { code, ok, checks, problems: problems.map((/** @type {Finding} */ { code }) => code) };
  }

  /** Does what a cure says. @param {string} cure */
  follow(cure) {
    const [sentence = "", ...lines] = cure.split("\n");
    const rule = rules.find(({ says }) => says.test(sentence)) ?? assert.fail(`no rule for: ${cure}`);
    rule.does(this, lines, ...(rule.says.exec(sentence) ?? []).slice(1));
  }
}

/**
 * The first line of a cure, and the way to follow it, with the lines to paste and the parts of the first line.
 *
 * @type {{ says: RegExp, does: (project: Project, lines: string[], ...parts: string[]) => void }[]}
 */
const rules = [
  {
    says: /^Add (?:at the end of|to) (\S+):$/,
    does: (project, lines, file = "") => project.write(file, `${project.read(file)}\n${lines.join("\n")}\n`),
  },
  {
    says: /^In (\S+), set above the first \[table\]:$/,
    does: (project, lines, file = "") => project.write(file, `${withLines("", lines)(project.read(file))}`),
  },
  {
    says: /^In (\S+), set under (?:the )?(\[\S+\])(?: with (.+))?:$/,
    does(project, lines, file = "", header = "", having = "") {
      const tables = project.read(file).split(/^(?=\[)/m);
      const at = tables.findIndex((table) => table.startsWith(header) && `\n${table}`.includes(`\n${having}`));
      assert.ok(at >= 0, `${file} has no ${header} with ${having}`);
      tables[at] = withLines(header, lines)(tables[at] ?? "");
      project.write(file, tables.join(""));
    },
  },
  {
    says: /^In (\S+), rename (\S+) to (\S+)\.(?: If it is deployed.*)?$/,
    does: (project, _, file = "", from = "", to = "") => project.edit(file, from, to),
  },
  {
    says: /^In (\S+), (?:remove|correct) (\S+) /,
    does: (project, _, file = "", name = "") => project.edit(file, new RegExp(`^${name} = .*\n`, "m"), ""),
  },
  {
    says: /^Remove the (\[\[\S+\]\]) of (\S+) from (\S+)\.$/,
    does: (project, _, header = "", queue = "", file = "") => project.cut(file, header, `\nqueue = "${queue}"`),
  },
  {
    says: /^Remove (\S+) from (\S+), and get another one\. Then run:$/,
    does: (project, _, name = "", file = "") => project.edit(file, new RegExp(`^${name} = .*\n`, "m"), ""),
  },
  {
    says: /^Delete (\S+), or set /,
    does: (project, _, file = "") => project.run(`rm ${file}`),
  },
  {
    says: /^In this folder, run:$|^Replace the secrets, and run:$/,
    does: (project, lines) => project.run(lines.join("\n")),
  },
  {
    says: /^In (\S+), set it to what this prints:$/,
    does(project, lines, file = "") {
      const { stdout } = spawnSync("sh", ["-c", lines.join("\n")], { encoding: "utf8" });
      project.edit(file, /^ADMIN_TOKEN=.*$/m, `ADMIN_TOKEN="${stdout.trim()}"`);
    },
  },
  {
    says: /^In (\S+), set it as Cronozen gave it:$/,
    does: (project, lines, file = "") => project.edit(file, /^CRONOZEN_SIGNING_SECRET=.*$/m, lines.join("\n")),
  },
  {
    says: /^In (\S+), add to the list "(\S+)":$/,
    does(project, lines, file = "", path = "") {
      changeJson(project, file, path, (list) => [...(list ?? []), JSON.parse(lines.join("\n"))]);
    },
  },
  {
    says: /^In (\S+), set in "(\S+)":$/,
    does(project, lines, file = "", path = "") {
      changeJson(project, file, path, (table) => ({ ...table, ...JSON.parse(`{${lines.join(",")}}`) }));
    },
  },
  {
    says: /^In (\S+), set in the entry of "(\S+)" with (\S+) (\S+):$/,
    does(project, lines, file = "", path = "", key = "", value = "") {
      changeJson(project, file, path, (list) =>
        list.map((/** @type {any} */ entry) =>
          entry[key] === value ? { ...entry, ...JSON.parse(`{${lines.join(",")}}`) } : entry,
        ),
      );
    },
  },
];

/** Sets lines such as `name = value` in a table, under its header. @param {string} header @param {string[]} lines */
function withLines(header, lines) {
  return (/** @type {string} */ table) => {
    let text = table;
    for (const line of lines) {
      const old = new RegExp(`^${line.split(" = ")[0]} = .*$`, "m");
      text = old.test(text)
        ? text.replace(old, line)
        : text.replace(header, `${header}${header && "\n"}${line}${header ? "" : "\n"}`);
    }
    return text;
  };
}

/** @param {Project} project @param {string} file @param {string} path @param {(value: any) => unknown} change */
function changeJson(project, file, path, change) {
  const settings = JSON.parse(project.read(file));
  const names = path.split(".");
  const last = names.pop() ?? "";
  let table = settings;
  for (const name of names) {
    table[name] ??= {};
    table = table[name];
  }
  table[last] = change(table[last]);
  project.write(file, JSON.stringify(settings, null, 2));
}
