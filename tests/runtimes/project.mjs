// Scratch projects like a user's: folders outside this one, with the packed tarball installed.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { root } from "../../scripts/command.mjs";
import { build } from "../package/builds.mjs";
import { tool } from "../support/tools.mjs";
import { vectors } from "../support/vectors.mjs";
import { check } from "./checks.js";

const execute = promisify(execFile);

/** The folder of the tools for these tests. */
export const tools = fileURLToPath(new URL("node_modules", import.meta.url));

/** Installing or bundling takes seconds; a machine may be busy. */
export const patience = { timeout: 300_000 };

/** The tarball that `npm run test:runtimes` has packed. */
export function tarball() {
  const folder = join(root, "build", "package");
  const found = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".tgz")) : [];
  assert.equal(found.length, 1, "expected one tarball in build/package: run npm run test:runtimes");
  return join(folder, String(found[0]));
}

/**
 * A scratch project with the files of a test's folder, the checks and the vectors. It is removed when the
 * tests have ended.
 *
 * @param {URL} folder
 * @param {string[]} packages to install beside the tarball
 */
export async function project(folder, packages = []) {
  const path = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  writeFileSync(join(path, "package.json"), JSON.stringify({ name: "scratch", private: true, type: "module" }));
  cpSync(folder, path, { recursive: true, filter: (source) => !source.endsWith(".test.mjs") });
  for (const name of ["checks.js", "checks", "main.mjs"]) {
    cpSync(new URL(name, import.meta.url), join(path, name), { recursive: true });
  }
  writeFileSync(join(path, "vectors.js"), `export default ${JSON.stringify(vectors)};\n`);
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await run(path, "npm", ["install", ...options, tarball(), ...packages]);
  mkdirSync(join(path, "out"), { recursive: true });
  return path;
}

/**
 * Runs a command, and returns what it prints.
 *
 * @param {string} folder
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export async function run(folder, command, args, env = process.env) {
  const limits = { maxBuffer: 64 * 1024 * 1024, timeout: 240_000 };
  const { stdout } = await execute(command, args, { cwd: folder, env: withoutTestRunner(env), ...limits });
  return stdout;
}

/**
 * Keeps an inner test runner from reporting to the outer one.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function withoutTestRunner({ NODE_TEST_CONTEXT, ...env }) {
  return env;
}

/** The checks' report in this process. Every runtime must give the same. */
let reference = /** @type {Promise<import("./checks.js").Report> | undefined} */ (undefined);

/**
 * @param {string | import("./checks.js").Report} printed a report, or what a runtime has printed
 */
export async function assertGood(printed) {
  const report = typeof printed === "string" ? JSON.parse(printed.trim().split("\n").at(-1) ?? "") : printed;
  reference ??= build("index.js").then((cronozen) => check(cronozen, vectors));
  const { verdicts } = await reference;
  assert.ok(verdicts.length > 1000);
  assert.deepEqual(report.failures, []);
  assert.deepEqual(report.verdicts, verdicts);
}

export const bun = tool(
  "Bun",
  ["x64", "aarch64"].map((cpu) => join(tools, "@oven", `bun-linux-${cpu}`, "bin", "bun")),
);

export const deno = tool(
  "Deno",
  ["x64", "arm64"].map((cpu) => join(tools, "@deno", `linux-${cpu}-glibc`, "deno")),
);
