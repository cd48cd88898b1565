// Imported for its effect: interrupts this process when the process that started it has ended. npm passes a signal to the shell that runs the
// script, and the shell ends without passing it on. A killed process passes on nothing at all.

import { spawnSync } from "node:child_process";

const pollMs = 500;

const ancestors = currentAncestors();

setInterval(() => {
  // A process whose parent has ended gets another one.
  if (process.ppid !== ancestors[0] || !ancestors.every(lives)) {
    process.kill(process.pid, "SIGINT");
  }
}, pollMs).unref();

/** Returns the shell, and npm behind it. */
function currentAncestors() {
  const ancestors = [process.ppid];
  if (process.env.npm_lifecycle_event !== undefined) {
    const { stdout } = spawnSync("ps", ["-o", "ppid=", "-p", String(process.ppid)], { encoding: "utf8" });
    if (Number(stdout) > 1) {
      ancestors.push(Number(stdout));
    }
  }
  return ancestors;
}

/** @param {number} pid */
function lives(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process lives, too.
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
