// `npm run supply`: checks where our dependencies come from, their licences, and what is known against them.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import {
  Complaint,
  commonOptions,
  output,
  readArguments,
  red,
  root,
  run,
  runQuietly,
  script,
  section,
  step,
} from "./command.mjs";
import { setUp } from "./setup.mjs";

/** The version of cargo-deny that is installed and tested. */
const version = "0.20.2";
const tools = join(root, "target", "tools");

/** The folder of the database of advisories, as deny.toml names it. */
const databases = join(root, "target", "advisory-dbs");

/** The checks that could not be made. @type {string[]} */
const unchecked = [];

/** The last check of the crates against advisories, for where the database cannot be had. */
const record = join(root, "tests", "supply", "advisories.json");

const help = `usage: npm run supply -- [--online] [--advisories FOLDER] [--record] [--verbose]

Checks licences, sources and duplicates of all crates, and what is known against them, with cargo-deny.
--online: also asks the npm registry for vulnerabilities and signatures. What cannot be checked is then an error.
--advisories: a clone of github.com/RustSec/advisory-db, where GitHub is not reachable.
--record: writes which lock files were checked against which advisories into tests/supply/advisories.json.`;

await script(async () => {
  const options = /** @type {const} */ ({
    ...commonOptions,
    online: { type: "boolean", default: false },
    advisories: { type: "string" },
    record: { type: "boolean", default: false },
  });
  const asked = readArguments(help, () => parseArgs({ options })).values;
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  await installDeny();
  await section("cargo-deny finds what the policy forbids", () => run("node", ["--test", "tests/supply/*.test.mjs"]));
  for (const workspace of workspaces()) {
    await section(`licences, sources and duplicates of ${workspace}`, () =>
      deny(workspace, "licenses", "sources", "bans"),
    );
  }
  await section("advisories on the crates", () => checkAdvisories(asked));
  if (asked.online) {
    await section("vulnerabilities of the npm packages", () => run("npm", ["audit"]));
    await section("signatures of the npm packages", () => run("npm", ["audit", "signatures"]));
  } else {
    unchecked.push("vulnerabilities and signatures of the npm packages: --online asks the registry");
  }
  for (const reason of unchecked) {
    console.log(red(`NOT CHECKED: ${reason}`));
  }
  if (asked.online && unchecked.length > 0) {
    throw new Complaint("a check was left out: see above");
  }
  return 0;
});

/** Installs cargo-deny, unless this version is there. */
async function installDeny() {
  process.env.PATH = [join(tools, "bin"), process.env.PATH].join(delimiter);
  if (output("cargo-deny", ["--version"]) === `cargo-deny ${version}`) {
    return;
  }
  const args = ["install", "cargo-deny", "--locked", "--version", version, "--root", tools];
  await step(`Installing cargo-deny ${version} (takes two minutes)`, () => runQuietly("cargo", args));
}

/** Returns the manifests of the workspaces: each has a lock file of its own. */
function workspaces() {
  const locks = output("git", ["ls-files", "--", "Cargo.lock", "**/Cargo.lock"]) ?? "";
  return locks.split("\n").map((lock) => lock.replace(/lock$/, "toml"));
}

/** @param {string} workspace @param {string[]} checks */
async function deny(workspace, ...checks) {
  const lenient = ["--allow=license-exception-not-encountered"];
  if (workspace !== "Cargo.toml") {
    // Only the root's workspace needs every licence.
    lenient.push("--allow=license-not-encountered", "--allow=unmatched-skip");
  }
  await run("cargo-deny", [...denyOptions(workspace), "check", ...lenient, ...checks]);
}

/** @param {string} workspace */
function denyOptions(workspace) {
  return ["--locked", "--manifest-path", workspace, "--config", "deny.toml"];
}

/**
 * Checks against the newest database that can be had, and says how old it is.
 *
 * @param {{ advisories?: string | undefined, record: boolean }} options
 */
async function checkAdvisories({ advisories, record: isRecorded }) {
  if (advisories !== undefined) {
    // git replaces the address.
    Object.assign(process.env, {
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: `url.${pathToFileURL(advisories)}.insteadOf`,
      GIT_CONFIG_VALUE_0: "https://github.com/RustSec/advisory-db",
    });
  }
  const isFetched = output("cargo-deny", [...denyOptions("Cargo.toml"), "fetch", "db"]) !== undefined;
  const [name] = existsSync(databases) ? readdirSync(databases).filter((entry) => entry !== "db.lock") : [];
  if (name === undefined) {
    compareWithRecord();
    return;
  }
  const database = join(databases, name);
  const [commit = "", date = ""] = (output("git", ["-C", database, "log", "-1", "--format=%H %cs"]) ?? "").split(" ");
  console.log(`  the database is of ${date}: RustSec/advisory-db at ${commit}`);
  if (!isFetched) {
    unchecked.push(`advisories on crates after ${date}: the database of RustSec cannot be fetched`);
  }
  for (const workspace of workspaces()) {
    await run("cargo-deny", [...denyOptions(workspace), "--offline", "check", "advisories"]);
  }
  if (isRecorded) {
    writeFileSync(record, `${JSON.stringify({ commit, date, locks: hashLocks() }, undefined, 2)}\n`);
  }
}

/** Says what the last recorded check is worth. A lock file that has changed since has to be checked again. */
function compareWithRecord() {
  const { date, locks } = JSON.parse(readFileSync(record, "utf8"));
  const changed = Object.entries(hashLocks()).filter(([lock, hash]) => locks[lock] !== hash);
  unchecked.push(`advisories on crates after ${date}: the database of RustSec cannot be fetched`);
  if (changed.length > 0) {
    const names = changed.map(([lock]) => lock).join(", ");
    throw new Complaint(`${names}: changed since the last check against advisories. Check again with --record`);
  }
  console.log(`  the lock files have not changed since they were checked against the advisories of ${date}`);
}

/** @returns {Record<string, string>} a hash of the crates of others in each Cargo.lock */
function hashLocks() {
  const locks = workspaces().map((manifest) => manifest.replace(/toml$/, "lock"));
  return Object.fromEntries(
    locks.map((lock) => {
      const entries = readFileSync(join(root, lock), "utf8").split("\n\n");
      const others = entries.filter((entry) => entry.includes("\nsource = "));
      return [lock, createHash("sha256").update(others.join("\n\n")).digest("hex")];
    }),
  );
}
