// `npm run release`: sets the version everywhere, checks that a commit can be released, and makes what is published.

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Complaint, commonOptions, output, readArguments, root, runQuietly, script, step } from "./command.mjs";
import { packPackage, setUp } from "./setup.mjs";

const help = `usage: npm run release -- [VERSION | --check [--tag TAG] | --build]

  npm run release -- 0.2.0        sets the version, and dates the section of CHANGELOG.md
  npm run release -- --check      fails if a file has another version than Cargo.toml
  npm run release -- --check --tag v0.2.0
                                  also fails if the commit cannot be released under this tag
  npm run release -- --build      makes what is published, in build/release`;

/**
 * A file, and the text before the version. Some places are gone when the package has been published.
 *
 * @typedef {{ file: string, before: RegExp, isTemporary?: boolean }} Place
 */

/** The version stands in `[workspace.package]` of Cargo.toml. Each other place follows. @type {Place} */
const source = { file: "Cargo.toml", before: /^\[workspace\.package\]\n(?:#.*\n)*version = "/m };

/** @type {Place[]} */
const followers = [
  { file: "Cargo.toml", before: /^cronozen-(?:gateway|webhook) = \{ path = "[^"]+", version = "/m },
  { file: "Cargo.lock", before: /^name = "cronozen-[^"]+"\nversion = "/m },
  { file: "fuzz/Cargo.lock", before: /^name = "cronozen-(?:gateway|webhook)"\nversion = "/m },
  { file: "pkg/package.json", before: /^ {2}"version": "/m },
  { file: "package-lock.json", before: /^ {6}"name": "cronozen-edge",\n {6}"version": "/m },
  { file: "benches/verifier/package-lock.json", before: /^ {6}"name": "cronozen-edge",\n {6}"version": "/m },
  { file: "examples/starter/package.json", before: /"cronozen-edge": "\^/ },
  { file: "README.md", before: /cronozen-edge-(?=\d+\.\d+\.\d+\S*\.tgz)/, isTemporary: true },
  { file: "docs/deploy.md", before: /cronozen-edge-(?=\d+\.\d+\.\d+\S*\.tgz)/, isTemporary: true },
  { file: "docs/reference.md", before: /"status":"ok","version":"/ },
];

/** As in semver.org, without build metadata. */
const versionPattern = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?$/;

/** A version in a file. `.tgz` and a quotation mark end it. */
const written = String.raw`(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+?)?)(?=\.tgz|")`;

const unreleased = "## [Unreleased]";

await script(async () => {
  const options = /** @type {const} */ ({
    ...commonOptions,
    check: { type: "boolean" },
    tag: { type: "string" },
    build: { type: "boolean" },
  });
  const { values, positionals } = readArguments(help, () => parseArgs({ allowPositionals: true, options }));
  const [version] = positionals;
  if (values.check) {
    check(values.tag);
  } else if (values.build) {
    const done = await setUp();
    if (done !== undefined) {
      return done;
    }
    await build();
  } else if (version !== undefined && positionals.length === 1) {
    setVersion(version);
  } else {
    throw new Complaint(help);
  }
  return 0;
});

/** @param {string} file */
function read(file) {
  return readFileSync(join(root, file), "utf8");
}

/** @param {Place} place */
function patternOf({ before }) {
  return new RegExp(`(${before.source})${written}`, `g${before.flags}`);
}

/** The versions in a place. @param {Place} place */
function versionsIn(place) {
  const versions = [...read(place.file).matchAll(patternOf(place))].map(([, , version = ""]) => version);
  if (versions.length === 0 && !place.isTemporary) {
    throw new Complaint(`no version where ${place.file} had one: update scripts/release.mjs`);
  }
  return versions;
}

function currentVersion() {
  return versionsIn(source)[0] ?? "";
}

/** @param {string} version */
function setVersion(version) {
  const current = currentVersion();
  if (!versionPattern.test(version)) {
    throw new Complaint(`not a version: ${version}. Expected one such as 1.2.3 or 1.2.3-rc.1`);
  }
  const changelog = read("CHANGELOG.md");
  if (changelog.includes(`## [${version}]`)) {
    throw new Complaint(`CHANGELOG.md has a section of ${version} already: choose a later version`);
  }
  const [, next = ""] = changelog.split(`${unreleased}\n`);
  if (!/\S/.test(next.split("\n## ")[0] ?? "")) {
    throw new Complaint(`CHANGELOG.md has nothing under ${unreleased}: write down what has changed`);
  }
  for (const place of [source, ...followers]) {
    versionsIn(place);
    writeFileSync(join(root, place.file), read(place.file).replaceAll(patternOf(place), `$1${version}`));
  }
  const today = new Date().toISOString().slice(0, 10);
  const dated = changelog.replace(unreleased, `${unreleased}\n\n## [${version}] - ${today}`);
  writeFileSync(join(root, "CHANGELOG.md"), dated);
  console.log(`${current} -> ${version}. Next:

  git diff                                  read it, the new section of CHANGELOG.md above all
  git commit --all --message "Release ${version}"
                                            on a branch; merge it when its checks have passed
  git tag --sign v${version} && git push origin v${version}
                                            on the merged commit: this starts the release`);
}

/** @param {string | undefined} tag */
function check(tag) {
  const version = currentVersion();
  const wrong = followers.flatMap((place) =>
    versionsIn(place)
      .filter((one) => one !== version)
      .map((one) => `${place.file} has version ${one}, and Cargo.toml ${version}: run npm run release -- VERSION`),
  );
  if (tag !== undefined) {
    wrong.push(...obstaclesTo(tag, version));
  }
  if (wrong.length > 0) {
    throw new Complaint(wrong.join("\n"));
  }
  console.log(tag === undefined ? `every file has version ${version}` : `${tag} can be released`);
}

/** The obstacles to a release of this commit. @param {string} tag @param {string} version @returns {string[]} */
function obstaclesTo(tag, version) {
  const wrong = [];
  if (tag !== `v${version}`) {
    wrong.push(`the tag is ${tag}, and the version ${version}: the tag of this commit must be v${version}`);
  }
  if (notesOf(version) === "") {
    wrong.push(`CHANGELOG.md has no section [${version}] with a date and a text: run npm run release -- VERSION`);
  }
  const changed = output("git", ["status", "--porcelain"]);
  if (changed !== "") {
    wrong.push(`the tree is not clean: commit or remove\n${changed ?? "git status has failed"}`);
  }
  // Only rulesets of GitHub keep others from these branches. An older major version has one of its own.
  const branches = output("git", ["branch", "--remotes", "--contains", "HEAD", "--format=%(refname)"]) ?? "";
  if (!/^refs\/remotes\/origin\/(?:main|\d+\.x)$/m.test(branches)) {
    wrong.push("the commit is not on origin's main branch, or one such as 1.x: merge it, then run git fetch");
  }
  // npm refuses a provenance whose repository is not that of the package. On GitHub, the release runs in it.
  const { url } = JSON.parse(read("pkg/package.json")).repository ?? {};
  const [, named = "OWNER/NAME"] = /^git\+https:\/\/github\.com\/([\w.-]+\/[\w.-]+)\.git$/.exec(url) ?? [];
  const repository = `https://github.com/${process.env.GITHUB_REPOSITORY ?? named}`;
  if (url !== `git+${repository}.git`) {
    wrong.push(`pkg/package.json must have "repository": { "type": "git", "url": "git+${repository}.git" }`);
  }
  if (!read("crates/webhook/Cargo.toml").includes(`\nrepository = "${repository}"\n`)) {
    wrong.push(`crates/webhook/Cargo.toml must have repository = "${repository}"`);
  }
  return wrong;
}

/** The text of a version's section in CHANGELOG.md; empty if there is none. @param {string} version */
function notesOf(version) {
  const [, section = ""] = read("CHANGELOG.md").split(`\n## [${version}] - `);
  const [heading = "", ...lines] = (section.split("\n## ")[0] ?? "").split("\n");
  return /^\d{4}-\d\d-\d\d$/.test(heading) ? lines.join("\n").trim() : "";
}

async function build() {
  const folder = join(root, "build", "release");
  const version = currentVersion();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await packPackage();
  copyFileSync(
    join(root, "build", "package", `cronozen-edge-${version}.tgz`),
    join(folder, `cronozen-edge-${version}.tgz`),
  );
  const args = ["package", "--locked", "--package", "cronozen-webhook", "--target-dir", join(root, "build", "crate")];
  // A dry run may have changes. A release has none: --check refuses them.
  await step("Packing the crate, and building it from there", () => runQuietly("cargo", [...args, "--allow-dirty"]));
  const crate = `cronozen-webhook-${version}.crate`;
  copyFileSync(join(root, "build", "crate", "package", crate), join(folder, crate));
  copyFileSync(join(root, "pkg", "sbom.cdx.json"), join(folder, `cronozen-edge-${version}.cdx.json`));
  const names = readdirSync(folder).sort();
  const sums = names.map((name) => `${sha256(readFileSync(join(folder, name)))}  ${name}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
  // Not one of the checked files: the release shows it as its text.
  writeFileSync(join(folder, "NOTES.md"), `${notesOf(version) || "Not released yet."}\n`);
  console.log(`\nbuild/release\n${sums.join("")}`);
}

/** @param {Uint8Array} bytes */
function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
