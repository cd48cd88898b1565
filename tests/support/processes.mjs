// Processes that a test kills as a power cut would.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A script that prints the address that it serves, and may be killed and started again. */
export class Killable {
  #script;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #running;

  /** @param {string} script its path */
  constructor(script) {
    this.#script = script;
  }

  /** @param {...string} args @returns {Promise<string>} the first line that it prints */
  async start(...args) {
    // A process group of its own, so that workerd is killed with it.
    const child = spawn(process.execPath, [this.#script, ...args], {
      detached: true,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#running = child;
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    return line;
  }

  /** Kills it with SIGKILL, if it runs. */
  async kill() {
    const child = this.#running;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, "SIGKILL");
      await once(child, "exit");
    }
  }
}
