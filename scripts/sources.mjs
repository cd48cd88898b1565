// Copies the project's sources.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./command.mjs";

/** Copies the sources as they are now, committed or not, without what git ignores. @param {string} folder */
export function copySources(folder) {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", args, { cwd: root, encoding: "utf8" });
  for (const file of listed.split("\0").filter((name) => name !== "" && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    // A link to a file outside of the copy would be no copy.
    cpSync(join(root, file), join(folder, file), { verbatimSymlinks: true });
  }
}
