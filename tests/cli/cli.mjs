// Runs the command line as a user does: in a folder of its own, by its built file.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { root } from "../../scripts/command.mjs";

/** A scratch folder, which is removed after the tests. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-cli-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Starts the command line. Its environment has no secrets but the given ones.
 *
 * @param {string[]} args
 * @param {{ folder?: string, secrets?: Record<string, string>, input?: string }} [options] the folder in which it runs; its
 * standard input, which is empty by default
 */
export function startCli(args, { folder = scratchFolder(), secrets = {}, input = "" } = {}) {
  const env = { ...process.env, CRONOZEN_SIGNING_SECRET: undefined, ADMIN_TOKEN: undefined, ...secrets };
  const child = spawn(process.execPath, [join(root, "pkg", "dist", "cli.js"), ...args], { cwd: folder, env });
  child.stdin.end(input);
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => {
    printed.stdout += data;
  });
  child.stderr.on("data", (data) => {
    printed.stderr += data;
  });
  const ended = once(child, "close").then(([code]) => ({ code: /** @type {number | null} */ (code), ...printed }));
  return { child, printed, ended };
}

/**
 * Runs the command line to its end.
 *
 * @param {string[]} args
 * @param {Parameters<typeof startCli>[1]} [options]
 */
export function runCli(args, options) {
  return startCli(args, options).ended;
}
