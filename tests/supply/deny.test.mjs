// cargo-deny with the policy of deny.toml, on projects that break it. `npm run supply` runs this file, after it has
// installed the tool. The advisory is made up, and is served from a repository on this disk.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "../../scripts/command.mjs";

/** @type {string[]} */
const folders = [];
after(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true });
  }
});

/** A crate without dependencies that the gateway needs, so it has been downloaded already. */
const [entry = "", , version = ""] =
  /\[\[package\]\]\nname = "(slab)"\nversion = "(.+)"\n.+\nchecksum = .+\n/.exec(
    readFileSync(join(root, "Cargo.lock"), "utf8"),
  ) ?? assert.fail("Cargo.lock has no slab");

/** @param {Record<string, string>} files @returns {string} a new folder with them */
function folderOf(files) {
  const folder = mkdtempSync(join(tmpdir(), "deny-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** A project that depends on slab. @param {{ licence?: string, requirement?: string, others?: string }} [options] */
function projectOf({ licence = "MIT", requirement = `"=${version}"`, others = "" } = {}) {
  return folderOf({
    "Cargo.toml": `[package]
name = "project"
version = "1.0.0"
edition = "2024"
license = "${licence}"
[dependencies]
slab = ${requirement}
${others}`,
    "Cargo.lock": `version = 4\n\n[[package]]\nname = "project"\nversion = "1.0.0"\ndependencies = ["slab"]\n\n${entry}`,
    "src/lib.rs": "",
  });
}

/** @param {string} folder @param {...string} args */
function git(folder, ...args) {
  const user = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "commit.gpgsign=false"];
  return execFileSync("git", ["-C", folder, ...user, ...args], { encoding: "utf8" }).trim();
}

/** @param {Record<string, string>} files @returns {string} a new repository with them */
function repositoryOf(files) {
  const folder = folderOf(files);
  git(folder, "init", "--quiet", "--initial-branch=main");
  git(folder, "add", "--all");
  git(folder, "commit", "--quiet", "--message=Add all");
  return folder;
}

/** A database with one advisory, on slab. @param {string} patched the requirement of the versions without the fault */
function databaseOf(patched) {
  return repositoryOf({
    "crates/slab/RUSTSEC-2000-0001.md": `\`\`\`toml
[advisory]
id = "RUSTSEC-2000-0001"
package = "slab"
date = "2000-01-01"
[versions]
patched = ["${patched}"]
\`\`\`

# A made-up fault

For a test.
`,
  });
}

/** Runs cargo-deny in a project, with this database in the place of RustSec's. @param {string} folder @param {string} check @param {string} [database] */
function deny(folder, check, database = folder) {
  const args = [
    "--config",
    join(root, "deny.toml"),
    "--color=never",
    "check",
    "--allow=license-not-encountered",
    check,
  ];
  const { status, stderr, stdout } = spawnSync("cargo-deny", args, {
    cwd: folder,
    encoding: "utf8",
    env: {
      ...process.env,
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: `url.${pathToFileURL(database)}.insteadOf`,
      GIT_CONFIG_VALUE_0: "https://github.com/RustSec/advisory-db",
    },
  });
  return { status, printed: stderr + stdout };
}

/** @param {{ status: number | null, printed: string }} result @param {RegExp} reason */
function assertFails({ status, printed }, reason) {
  assert.notEqual(status, 0, printed);
  assert.match(printed, reason);
}

test("a vulnerable crate is found", () => {
  assertFails(deny(projectOf(), "advisories", databaseOf(`>${version}`)), /error\[vulnerability\].+RUSTSEC-2000-0001/s);
});

test("a crate with a corrected fault passes", () => {
  const { status, printed } = deny(projectOf(), "advisories", databaseOf(`>=${version}`));
  assert.equal(status, 0, printed);
  assert.match(printed, /advisories ok/);
});

test("advisories that cannot be fetched do not pass", () => {
  assertFails(deny(projectOf(), "advisories", "/nonexistent"), /failed to fetch advisory database/);
});

test("a licence that is not allowed is found", () => {
  assertFails(deny(projectOf({ licence: "GPL-3.0-only" }), "licenses"), /error\[rejected\]/);
  const { status, printed } = deny(projectOf(), "licenses");
  assert.equal(status, 0, printed);
});

/** A crate without a registry. @param {string} number @param {string} licence */
function crateOf(number, licence) {
  return folderOf({
    "Cargo.toml": `[package]\nname = "helper"\nversion = "${number}"\nedition = "2024"\nlicense = "${licence}"\n`,
    "src/lib.rs": "",
  });
}

test("dependencies of tests are checked, too", () => {
  const [first, second, other] = [crateOf("1.0.0", "MIT"), crateOf("2.0.0", "MIT"), crateOf("1.0.0", "GPL-3.0-only")];
  const helper = `[dev-dependencies]\nhelper = { path = "${other}" }\n`;
  assertFails(deny(projectOf({ others: helper }), "licenses"), /error\[rejected\].+GPL-3\.0-only/s);
  const both = `[dev-dependencies]
first = { package = "helper", path = "${first}" }
second = { package = "helper", path = "${second}" }
`;
  assertFails(deny(projectOf({ others: both }), "bans"), /error\[duplicate\].+helper/s);
});

test("a dependency on any version is found", () => {
  assertFails(deny(projectOf({ requirement: '"*"' }), "bans"), /error\[wildcard\]/);
});

test("a crate from a git repository is found", () => {
  const source = repositoryOf({
    "Cargo.toml": '[package]\nname = "slab"\nversion = "1.0.0"\nedition = "2024"\nlicense = "MIT"\n',
    "src/lib.rs": "",
  });
  const url = `${pathToFileURL(source)}`;
  const project = projectOf({ requirement: `{ git = "${url}" }` });
  const lock = readFileSync(join(project, "Cargo.lock"), "utf8").replace(entry, "");
  const from = `git+${url}#${git(source, "rev-parse", "HEAD")}`;
  writeFileSync(
    join(project, "Cargo.lock"),
    `${lock}[[package]]\nname = "slab"\nversion = "1.0.0"\nsource = "${from}"\n`,
  );
  assertFails(deny(project, "sources"), /error\[source-not-allowed\]/);
});
