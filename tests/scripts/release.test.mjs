// A release: the version is the same everywhere, and a commit that is not ready is refused.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { output } from "../../scripts/command.mjs";
import { copySources } from "../../scripts/sources.mjs";

/** A copy of the project's sources. */
const copy = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
before(() => {
  copySources(copy);
  git("init", "--quiet");
  commit();
});
after(() => rmSync(copy, { recursive: true }));

/** @param {...string} args */
function git(...args) {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
  execFileSync("git", [...identity, ...args], { cwd: copy });
}

function commit() {
  git("add", "--all");
  git("commit", "--quiet", "--no-verify", "--message=test");
}

/** @param {string} file @param {string | RegExp} text @param {string} other */
function change(file, text, other) {
  const path = join(copy, file);
  const before = readFileSync(path, "utf8");
  const changed = before.replace(text, other);
  assert.notEqual(changed, before, `${file} has no ${text}`);
  writeFileSync(path, changed);
}

/** The variables of GitHub; none on a maintainer's machine. @type {Record<string, string>} */
let variables = {};

/** Runs the script in the copy. Returns its complaint, empty if there is none. @param {...string} args */
function release(...args) {
  const { GITHUB_REPOSITORY: _, ...others } = process.env;
  const env = { ...others, ...variables };
  const script = join(copy, "scripts", "release.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: copy, env, encoding: "utf8" });
  assert.equal(status === 0, stderr === "", stderr);
  return stderr;
}

test("every file has the version of Cargo.toml", () => {
  assert.equal(
    output(process.execPath, ["scripts/release.mjs", "--check"])?.startsWith("every file has version "),
    true,
  );
});

test("a release that is not ready is refused with each reason, and a ready one is not", () => {
  for (const wrong of ["1", "v1.2.3", "1.2.3+build", "latest"]) {
    assert.match(release(wrong), /^not a version/, wrong);
  }
  // Something is there to be released, also just after a release.
  change("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- A test.\n");
  assert.equal(release("97.98.99-rc.1"), "");
  assert.equal(release("--check"), "");
  const text = readFileSync(join(copy, "CHANGELOG.md"), "utf8");
  assert.match(text, /\n## \[Unreleased\]\n\n## \[97\.98\.99-rc\.1\] - \d{4}-\d\d-\d\d\n\n- A test\.\n/);
  // Cargo accepts the lock files that it has not written.
  const locks = (output("git", ["ls-files", "--", "Cargo.lock", "**/Cargo.lock"]) ?? "").split("\n");
  assert.ok(locks.includes("fuzz/Cargo.lock"));
  for (const lock of locks) {
    const args = ["metadata", "--locked", "--format-version=1", "--manifest-path", lock.replace(/lock$/, "toml")];
    execFileSync("cargo", args, { cwd: copy, stdio: "ignore" });
  }
  assert.match(release("97.98.99-rc.1"), /has a section of 97\.98\.99-rc\.1 already/);
  assert.match(release("97.98.100"), /has nothing under ## \[Unreleased\]/);

  const obstacles = release("--check", "--tag", "v97.98.99");
  for (const reason of [/the tag is v97\.98\.99,/, /the tree is not clean/, /is not on origin's main branch/]) {
    assert.match(obstacles, reason);
  }
  const url = "https://github.com/someone/cronozen-edge";
  const tag = "v97.98.99-rc.1";
  setRepository(url);
  commit();
  for (const [branch, refusal] of /** @type {const} */ ([
    ["main", ""],
    ["1.x", ""],
    ["feature.x", "the commit is not on origin's main branch, or one such as 1.x: merge it, then run git fetch\n"],
  ])) {
    git("update-ref", `refs/remotes/origin/${branch}`, "HEAD");
    assert.equal(release("--check", "--tag", tag), refusal, branch);
    git("update-ref", "-d", `refs/remotes/origin/${branch}`);
  }
  git("update-ref", "refs/remotes/origin/main", "HEAD");
  variables = { GITHUB_REPOSITORY: "someone/cronozen-edge" };
  assert.equal(release("--check", "--tag", tag), "");
  variables = { GITHUB_REPOSITORY: "someone/else" };
  assert.match(
    release("--check", "--tag", tag),
    /^pkg\/package\.json must .+\ncrates\/webhook\/Cargo\.toml must .+\n$/,
  );
  variables = {};

  for (const [file, found, other, reason] of /** @type {[string, string | RegExp, string, RegExp][]} */ ([
    ["CHANGELOG.md", /(?<=97\.98\.99-rc\.1\]) - .+/, "", /no section \[97\.98\.99-rc\.1\]/],
    ["CHANGELOG.md", /(?<=## \[97.+\n)\n- A test\.\n.*/s, "", /no section \[97\.98\.99-rc\.1\]/],
    ["pkg/package.json", `git+${url}.git`, url, /pkg\/package\.json must have "repository"/],
    ["crates/webhook/Cargo.toml", url, `${url}x`, /crates\/webhook\/Cargo\.toml must have repository/],
    ["README.md", "97.98.99-rc.1.tgz", "97.98.98.tgz", /README\.md has version 97\.98\.98/],
    ["Cargo.lock", '"97.98.99-rc.1"', '"97.98.98"', /^Cargo\.lock has version 97\.98\.98/],
    ["fuzz/Cargo.lock", '"97.98.99-rc.1"', '"97.98.98"', /^fuzz\/Cargo\.lock has version 97\.98\.98/],
    ["Cargo.toml", /(?<=crates\/webhook", version = )"[^"]+"/, '"97.98.98"', /Cargo\.toml has version 97\.98\.98/],
    ["pkg/package.json", /(?<="version": )"[^"]+"/, '"97.98.98"', /pkg\/package\.json has version 97\.98\.98/],
    ["package-lock.json", '"97.98.99-rc.1"', '"97.98.98"', /package-lock\.json has version 97\.98\.98/],
    ["examples/starter/package.json", "^97.98.99-rc.1", "^97.98.98", /starter\/package\.json has version 97\.98\.98/],
    ["docs/deploy.md", "97.98.99-rc.1.tgz", "97.98.98.tgz", /deploy\.md has version 97\.98\.98/],
    ["docs/reference.md", "97.98.99-rc.1", "97.98.98", /reference\.md has version 97\.98\.98/],
  ])) {
    change(file, found, other);
    commit();
    assert.match(release("--check", "--tag", tag), reason);
    git("reset", "--quiet", "--hard", "HEAD~1");
  }
  // When the package is published, these pages name it without a version.
  for (const page of ["README.md", "docs/deploy.md"]) {
    change(page, `--package ./cronozen-edge-97.98.99-rc.1.tgz cronozen-edge`, "cronozen-edge");
  }
  assert.equal(release("--check"), "");
  git("reset", "--quiet", "--hard");
  writeFileSync(join(copy, "new-file"), "");
  assert.match(release("--check", "--tag", tag), /^the tree is not clean.*new-file/s);
});

/** Writes the repository's address where a release needs it. @param {string} url */
function setRepository(url) {
  const manifest = JSON.parse(readFileSync(join(copy, "pkg/package.json"), "utf8"));
  manifest.repository = { type: "git", url: `git+${url}.git` };
  writeFileSync(join(copy, "pkg/package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const crate = readFileSync(join(copy, "crates/webhook/Cargo.toml"), "utf8").replace(/^repository = .*\n/m, "");
  writeFileSync(join(copy, "crates/webhook/Cargo.toml"), crate.replace(/(?=^readme = )/m, `repository = "${url}"\n`));
}

test("the crate holds its source, its README and both licences, and no test", () => {
  const args = ["package", "--locked", "--allow-dirty", "--list", "--package", "cronozen-webhook"];
  const files = (output("cargo", args) ?? "").split("\n");
  const others = files.filter((file) => !/^src\/.+\.rs$/.test(file) && file !== ".cargo_vcs_info.json");
  const metadata = ["Cargo.lock", "Cargo.toml", "Cargo.toml.orig"];
  assert.deepEqual(others.sort(), [...metadata, "LICENSE-APACHE", "LICENSE-MIT", "README.md"]);
  assert.ok(files.includes("src/lib.rs"));
});
