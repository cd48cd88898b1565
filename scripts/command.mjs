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

// Keeps wrangler from sending data to Cloudflare: nothing here needs that.
Object.assign(process.env, {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
});

/** `--verbose` shows the output of every command. Each script accepts it. */
export const verbose = process.argv.includes("--verbose");

/**
 * @typedef {object} RunOptions
 * @property {string} [folder] to run in; by default the project's root
 * @property {Record<string, string>} [changes] of the environment
 */

/**
 * Runs a command and shows its output.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export async function run(command, args, { folder = root, changes = {} } = {}) {
  const env = { ...process.env, ...changes };
  const { code, signal } = await ended(spawn(command, args, { cwd: folder, stdio: "inherit", env }));
  if (code !== 0) {
    throw new Complaint(`failed (${code ?? signal}): ${command} ${args.join(" ")}`);
  }
}

/**
 * Runs a command and shows its output only if it fails, or with `--verbose`.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export async function runQuietly(command, args, options = {}) {
  if (verbose) {
    return run(command, args, options);
  }
  const { folder = root, changes = {} } = options;
  const env = { ...process.env, ...changes };
  const child = spawn(command, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env });
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
 * Waits until a process ends. Returns its exit code, or the signal that ended it.
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
 * Returns what a command prints, without its last line break. Returns `undefined` if it is missing or fails.
 *
 * @param {string} command
 * @param {string[]} args
 */
export function output(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Colours are only for a terminal, not for a log or a test. */
const colours = process.stdout.isTTY && !process.env.NO_COLOR;

/** @param {number} code of the colour @returns {(text: string) => string} */
function colour(code) {
  return (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
}

export const green = colour(32);
export const red = colour(31);
export const yellow = colour(33);
export const dim = colour(2);

/**
 * Shows a step as one line with its time. On a terminal, the line counts the seconds while the step runs. With
 * `--verbose`, the output of the step's commands follows the line.
 *
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  if (verbose) {
    return section(title, work);
  }
  const elapsed = stopwatch();
  const show = () => process.stdout.write(`\r${title} ... ${dim(`${Math.floor(elapsed())} s`)}`);
  process.stdout.write(`${title} ... `);
  const counting = process.stdout.isTTY ? setInterval(show, 1000) : undefined;
  try {
    const result = await work();
    process.stdout.write(`${process.stdout.isTTY ? `\r${title} ... ` : ""}${dim(`${elapsed().toFixed(1)} s`)}\n`);
    return result;
  } catch (error) {
    // The error follows on its own lines.
    process.stdout.write("\n");
    throw error;
  } finally {
    clearInterval(counting);
  }
}

/**
 * Shows a title, the output of the commands that run under it, and the time that they took.
 *
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function section(title, work) {
  console.log(`- ${title} ...`);
  const elapsed = stopwatch();
  const result = await work();
  console.log(`  done in ${elapsed().toFixed(1)} s`);
  return result;
}

/** Returns a function that returns the seconds since now. */
function stopwatch() {
  const started = performance.now();
  return () => (performance.now() - started) / 1000;
}

/** The options of every script, for `parseArgs`. */
export const commonOptions = /** @type {const} */ ({ verbose: { type: "boolean" } });

/**
 * Returns the arguments that a script was started with. `--help` prints the help and ends the script.
 *
 * @template T
 * @param {string} help its first line is the usage
 * @param {() => T} parse calls `parseArgs`
 * @returns {T}
 */
export function readArguments(help, parse) {
  if (process.argv.includes("--help") || process.argv.includes("-h")) {
    console.log(help);
    process.exit();
  }
  try {
    return parse();
  } catch (error) {
    // "Unknown option '--often'. To specify a positional argument ..."
    const [failure = ""] = /** @type {Error} */ (error).message.split(/\. |\n/);
    throw new Complaint(`${failure}: --help shows the usage`);
  }
}

/** Returns the words that a script was started with, which has only the common options. @param {string} help */
export function readWords(help) {
  return readArguments(help, () => parseArgs({ allowPositionals: true, options: commonOptions })).positionals;
}

/**
 * Runs a script's main function. A complaint is printed as one line. Any other error is a bug, and printed whole.
 *
 * @param {() => Promise<number>} main returns the exit code
 */
export async function script(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    // A failure is a complaint of the package's command line, which the scripts share parts with.
    const isExpected = error instanceof Complaint || (error instanceof Error && error.name === "Failure");
    console.error(isExpected ? error.message : error);
    process.exitCode = 1;
  }
}
