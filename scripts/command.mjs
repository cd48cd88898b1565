// Runs commands and ends the script with one line when something is missing. Node 20 built-ins only.

import { spawn, spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** The project's root folder. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Ends the script with one line that says what is wrong and how to cure it. */
export class Complaint extends Error {}

// Finds the commands of installed packages first, however the script was started.
process.env.PATH = [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);

// Nothing that runs on one machine needs wrangler to call home.
Object.assign(process.env, {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
});

/**
 * Runs a command and shows what it prints.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {string} [folder] the project's root if it is not given
 */
export async function run(command, args, folder = root) {
  const { code, signal } = await ended(spawn(command, args, { cwd: folder, stdio: "inherit" }));
  if (code !== 0) {
    throw new Complaint(`failed (${code ?? signal}): ${command} ${args.join(" ")}`);
  }
}

/**
 * Runs a command and shows what it prints only if it fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [changes] of the environment
 */
export async function runQuietly(command, args, changes) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...changes },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      printed += data;
    });
  }
  const { code, signal } = await ended(child);
  if (code !== 0) {
    throw new Complaint(`${printed}failed (${code ?? signal}): ${command} ${args.join(" ")}`);
  }
}

/**
 * How a process ends: with a code, or by a signal.
 *
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null }>}
 */
export function ended(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

/**
 * What a command prints, without its last line break; `undefined` if it is missing or fails.
 *
 * @param {string} command
 * @param {string[]} args
 */
export function output(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/**
 * Says that a step begins, and how long it took once it has ended.
 *
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  console.log(`- ${title} ...`);
  const started = performance.now();
  const result = await work();
  console.log(`  done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

/**
 * The words that a script was started with; it takes nothing else.
 *
 * @param {string} usage
 */
export function words(usage) {
  try {
    return parseArgs({ allowPositionals: true }).positionals;
  } catch {
    throw new Complaint(`usage: ${usage}`);
  }
}

/**
 * Runs a script's main function. A complaint is printed as one line; anything else is a bug and shown
 * whole.
 *
 * @param {() => Promise<number>} main gives the exit code
 */
export async function script(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Complaint ? error.message : error);
    process.exitCode = 1;
  }
}
