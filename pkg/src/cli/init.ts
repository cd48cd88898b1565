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

/** The templates: a project, and what differs with two Workers and in JavaScript. */
const templates = join(packageFolder, "dist", "starter");
const twoWorkersFolder = "two-workers";
const javascriptFolder = "javascript";

/** The files that only TypeScript needs. */
const typescriptFiles = ["tsconfig.json", "src/env.ts"];
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
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new Failure(`folder not empty: ${folder}: choose a new or an empty one`);
  }
  const files = projectFiles(options, target);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), text);
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
  const files = new Map<string, string>();
  for (const path of filesIn(templates)) {
    const [top = ""] = path.split("/");
    if (top !== javascriptFolder && (top !== twoWorkersFolder || twoWorkers)) {
      // Those for two Workers come later, and replace others.
      const own = top === twoWorkersFolder ? path.slice(twoWorkersFolder.length + 1) : path;
      files.set(own, readFileSync(join(templates, path), "utf8"));
      if (javascript && path.endsWith(".ts")) {
        files.delete(own);
        files.set(
          own.replace(/ts$/, "js"),
          readFileSync(join(templates, javascriptFolder, path.replace(/ts$/, "js")), "utf8"),
        );
      }
    }
  }
  // npm would leave out a file of this name.
  rename(files, "gitignore", ".gitignore");
  change(files, "package.json", (text) => manifestOf(text, { twoWorkers, javascript }, target));
  if (twoWorkers) {
    const test = javascript ? "test/handlers.test.js" : "test/handlers.test.ts";
    change(files, test, (text) => text.replace('["wrangler.toml"]', '["wrangler.consumer.toml", "wrangler.toml"]'));
  }
  if (javascript) {
    for (const path of typescriptFiles) {
      files.delete(path);
    }
    for (const path of files.keys()) {
      change(files, path, (text) => text.replaceAll(/\b(index|consumer|handlers|dev|handlers\.test)\.ts\b/g, "$1.js"));
    }
  }
  return files;
}

/** Returns the package.json of the project. */
function manifestOf(
  text: string,
  { twoWorkers, javascript }: Partial<Record<keyof InitOptions, true | undefined>>,
  target: string,
): string {
  const manifest = JSON.parse(text);
  manifest.dependencies["cronozen-edge"] = dependencyFor(target);
  if (twoWorkers) {
    manifest.scripts["deploy:consumer"] = "wrangler deploy --config wrangler.consumer.toml";
  }
  if (javascript) {
    manifest.scripts.test = manifest.scripts.test.replace("tsc && ", "");
    for (const name of typescriptPackages) {
      delete manifest.devDependencies[name];
    }
  }
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Returns the paths of the files in a folder and its folders, sorted, with `/`. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/")).sort();
}

function rename(files: Map<string, string>, from: string, to: string): void {
  files.set(to, files.get(from) ?? "");
  files.delete(from);
}

function change(files: Map<string, string>, path: string, changed: (text: string) => string): void {
  files.set(path, changed(files.get(path) ?? ""));
}
