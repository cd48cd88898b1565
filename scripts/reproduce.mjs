// `npm run reproduce`: builds the npm package a second time, from nothing, in another folder and under other settings,
// and checks that every file of it is the same, byte for byte.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Complaint, readWords, root, runQuietly, script, step } from "./command.mjs";
import { packedFiles } from "./packed.mjs";
import { setUp } from "./setup.mjs";
import { copySources } from "./sources.mjs";

/** The program that `cargo xtask` runs. It is not shipped, so the second build uses the same. */
const builder = resolve(root, process.env.CARGO_TARGET_DIR ?? "target", "debug", "xtask");

const help = `usage: npm run reproduce -- [--verbose]

Builds the npm package here and, from nothing, in another folder, and compares both.`;

await script(async () => {
  readWords(help);
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  const scratch = mkdtempSync(join(tmpdir(), "reproduce-"));
  try {
    const other = join(scratch, "a folder", "of another depth");
    copySources(other);
    cpSync(join(root, "node_modules"), join(other, "node_modules"), { recursive: true, verbatimSymlinks: true });
    await step("Building the npm package", () => runQuietly("cargo", ["xtask", "npm"]));
    await step("Building the npm package in another folder, from nothing", () =>
      runQuietly(builder, ["npm"], { folder: other, changes: settings(scratch, other) }),
    );
    const files = packedFiles(join(root, "pkg"));
    assertEqual(files, packedFiles(join(other, "pkg")), other);
    console.log(`all ${files.length} files of the npm package are the same in both builds`);
    return 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

/** Returns settings that differ between machines, and must not change the build. @param {string} scratch @param {string} folder */
function settings(scratch, folder) {
  // The same crates under another path: it is in the messages of panics.
  const home = join(scratch, "cargo");
  mkdirSync(home);
  const real = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  for (const name of readdirSync(real)) {
    symlinkSync(join(real, name), join(home, name));
  }
  return {
    CARGO_HOME: home,
    CARGO_MANIFEST_DIR: join(folder, "xtask"),
    CARGO_TARGET_DIR: join(scratch, "target"),
    TZ: "Pacific/Chatham",
    LC_ALL: "C",
    USER: "else",
  };
}

/** @param {string[]} files @param {string[]} others @param {string} folder of the other build */
function assertEqual(files, others, folder) {
  const differing = [...new Set([...files, ...others])].filter(
    (file) =>
      !files.includes(file) ||
      !others.includes(file) ||
      !readFileSync(join(root, "pkg", file)).equals(readFileSync(join(folder, "pkg", file))),
  );
  if (differing.length > 0) {
    throw new Complaint(`not reproducible: ${differing.join(", ")}`);
  }
}
