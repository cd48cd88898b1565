// Servers in separate processes.

import { spawn } from "node:child_process";
import { once } from "node:events";

/** A server starts in a few seconds; a machine may be busy. */
const startTimeoutMs = 90_000;

/**
 * Starts a server, waits until it answers, and stops it when the work is done.
 *
 * @param {object} server
 * @param {string} server.folder
 * @param {string} server.command
 * @param {string[]} server.args
 * @param {NodeJS.ProcessEnv} server.env
 * @param {URL} server.url where it will serve
 * @param {NodeJS.Signals} [server.signal] that stops it
 * @param {(url: URL, printed: () => string) => Promise<void>} work
 * @returns {Promise<string>} everything that it has printed
 */
export async function withServer({ folder, command, args, env, url, signal = "SIGINT" }, work) {
  const child = spawn(command, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, NO_COLOR: "1", CI: "1" },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      printed += data;
    });
  }
  const ended = once(child, "close");
  try {
    await untilServed(url, child, () => printed);
    await work(url, () => printed);
  } finally {
    child.kill(signal);
    await ended;
  }
  return printed;
}

/** @param {URL} url @param {import("node:child_process").ChildProcess} child @param {() => string} printed */
async function untilServed(url, child, printed) {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      await fetch(new URL("/healthz", url));
      return;
    } catch {
      if (Date.now() > deadline || child.exitCode !== null) {
        throw new Error(`${child.spawnargs.join(" ")} does not serve:\n${printed()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
