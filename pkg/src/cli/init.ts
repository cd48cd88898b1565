// `init`: writes a project that receives, handles and shows Cronozen's events.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { bold, dim, Failure, prints, type Result } from "./output.ts";
import { dependencyFor, packageFolder } from "./package.ts";

interface InitOptions {
  readonly twoWorkers?: true;
  readonly javascript?: true;
}

/** The templates, as `cargo xtask npm` writes them: a project in each language. */
const templates = join(packageFolder, "dist", "starter");

/** The files in it that differ with two Workers. */
const twoWorkersFolder = "two-workers/";

/** What a folder may have before: a repository, and the file that macOS puts everywhere. */
const harmless = [".git", ".DS_Store"];

const typescriptPackages = ["@cloudflare/workers-types", "@types/node", "typescript"];

export function addInit(program: Command): void {
  const command = program
    .command("init")
    .summary("write a new project: gateway, consumer, console and alerts")
    .description(
      "Writes a new project: a Worker with gateway, consumer, console and alerts. It asks nothing, and installs nothing.",
    )
    .argument("<folder>", "where to write it: a new or an empty folder")
    .option("--two-workers", "put the gateway into a Worker of its own")
    .option("--javascript", "write JavaScript, not TypeScript");
  prints(command, async (folder: string, options: InitOptions) => init(folder, options));
}

function init(folder: string, options: InitOptions): Result {
  const target = resolve(folder);
  const files = projectFiles(options, target);
  try {
    if (existsSync(target) && readdirSync(target).some((name) => !harmless.includes(name))) {
      throw new Failure(`folder not empty: ${folder}: choose a new or an empty one`);
    }
    for (const [path, text] of files) {
      mkdirSync(dirname(join(target, path)), { recursive: true });
      writeFileSync(join(target, path), text);
    }
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`folder not written: ${(error as Error).message}`);
  }
  const here = relative(process.cwd(), target);
  const next = [
    ...(here === "" ? [] : [`cd ${/\s/.test(here) ? JSON.stringify(here) : here}`]),
    "npm install",
    "npm run dev",
  ];
  return {
    ok: true,
    text: `${bold(`Wrote ${files.size} files into ${folder}.`)} ${dim("README.md explains them.")}

Next:

${next.map((line) => `  ${line}`).join("\n")}`,
    json: { folder: target, files: [...files.keys()].sort(), next },
  };
}

/** Returns the texts of the project's files, by path. */
function projectFiles({ twoWorkers, javascript }: InitOptions, target: string): Map<string, string> {
  const all = textsIn(join(templates, javascript ? "javascript" : "typescript"));
  const files = new Map([...all].filter(([path]) => !path.startsWith(twoWorkersFolder)));
  const manifest = JSON.parse(files.get("package.json") ?? "");
  manifest.dependencies["cronozen-edge"] = dependencyFor(target);
  if (twoWorkers) {
    for (const [path, text] of all) {
      if (path.startsWith(twoWorkersFolder)) {
        files.set(path.slice(twoWorkersFolder.length), text);
      }
    }
    const test = `test/handlers.test.${javascript ? "js" : "ts"}`;
    const text = (files.get(test) ?? "").replace('["wrangler.toml"]', '["wrangler.toml", "wrangler.consumer.toml"]');
    files.set(test, text.replace(/(const consumer = .+)\(\)/, '$1("cronozen-edge-consumer")'));
    manifest.scripts["deploy:consumer"] = "wrangler deploy --config wrangler.consumer.toml";
  }
  if (javascript) {
    manifest.scripts.test = manifest.scripts.test.replace("tsc && ", "");
    for (const name of typescriptPackages) {
      delete manifest.devDependencies[name];
    }
  }
  files.set("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  // npm leaves out a file called .gitignore.
  files.set(".gitignore", files.get("gitignore") ?? "");
  files.delete("gitignore");
  return files;
}

/** Returns the texts of the files in a folder and its folders, by path, with `/`. */
function textsIn(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [relative(folder, path).replaceAll("\\", "/"), readFileSync(path, "utf8")]));
}
