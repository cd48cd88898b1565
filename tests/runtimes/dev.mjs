// `wrangler dev` in a scratch project.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../support/ports.mjs";

/** wrangler starts in two seconds; a machine may be busy. */
const startTimeoutMs = 90_000;

/**
 * Starts `wrangler dev`, waits until it serves, and stops it when the work is done.
 *
 * @param {string} folder
 * @param {string} wrangler the path of its script
 * @param {NodeJS.ProcessEnv} env
 * @param {(url: URL, printed: () => string) => Promise<void>} work
 */
export async function withWrangler(folder, wrangler, env, work) {
  const port = await freePort();
  const args = ["dev", "--local", "--ip=127.0.0.1", `--port=${port}`, "--inspector-port=0"];
  const child = spawn(process.execPath, [wrangler, ...args, "--show-interactive-dev-session=false"], {
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
    const url = new URL(`http://127.0.0.1:${port}`);
    await untilServed(url, child, () => printed);
    await work(url, () => printed);
  } finally {
    child.kill("SIGINT");
    await ended;
  }
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
        throw new Error(`wrangler does not serve:\n${printed()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
