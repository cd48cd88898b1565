// GitHub's workflows: they have few rights, and publish what was built, once. Their commands run here with nothing outside.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { output, root } from "../../scripts/command.mjs";

const folder = join(root, ".github", "workflows");
const workflows = readdirSync(folder).map((name) => {
  const text = readFileSync(join(folder, name), "utf8");
  return { ...parse(text), name, text };
});
const releasing = workflows.find(({ name }) => name === "release.yml") ?? assert.fail();
const jobs = workflows.flatMap(({ name, jobs }) =>
  Object.entries(jobs).map(([job, { steps, ...rest }]) => ({ job: `${name} ${job}`, steps, ...rest })),
);

test("actions are pinned by commit, with their version beside it", () => {
  let pinned = 0;
  for (const { name, text } of workflows) {
    for (const [line] of text.matchAll(/^.*\buses:.*$/gm)) {
      assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${name}: ${line}`);
      pinned += 1;
    }
  }
  assert.equal(pinned, jobs.flatMap(({ steps }) => steps).filter(({ uses }) => uses !== undefined).length);
});

test("a workflow can read the code and no more, but for the jobs that publish", () => {
  for (const { name, permissions } of workflows) {
    assert.ok(["{}", '{"contents":"read"}'].includes(JSON.stringify(permissions)), name);
  }
  const more = jobs.filter(({ permissions }) => JSON.stringify(permissions ?? {}).includes("write"));
  assert.deepEqual(Object.fromEntries(more.map(({ job, permissions }) => [job, permissions])), {
    "release.yml attest": { attestations: "write", "id-token": "write" },
    "release.yml publish-npm": { "id-token": "write" },
    "release.yml publish-crate": { contents: "read", "id-token": "write" },
    "release.yml github-release": { contents: "write" },
  });
  for (const { job, steps, environment, "timeout-minutes": minutes } of jobs) {
    assert.equal(environment, / (attest|publish-)/.test(job) ? "release" : undefined, job);
    assert.ok(minutes <= 90, `${job} has a time-out`);
    for (const { uses, with: inputs } of steps) {
      assert.ok(!uses?.startsWith("actions/checkout@") || inputs?.["persist-credentials"] === false, job);
    }
  }
});

test("nothing is published without the checks, from a branch, or with a stored secret", () => {
  assert.deepEqual(releasing.on.push, { tags: ["v*"] });
  assert.deepEqual(releasing.jobs.attest.needs, ["check", "build"]);
  assert.equal(releasing.jobs.attest.if, "github.event_name == 'push'");
  // The script looks for the commit on the branches.
  assert.equal(releasing.jobs.check.steps[0].with["fetch-depth"], 0);
  assert.deepEqual(releasing.jobs["publish-npm"].needs, ["build", "attest"]);
  assert.deepEqual(releasing.jobs["publish-crate"].needs, ["build", "attest"]);
  assert.deepEqual(releasing.jobs["github-release"].needs, ["build", "publish-npm", "publish-crate"]);
  for (const { name, text } of workflows) {
    assert.doesNotMatch(text, /secrets\.|pull_request_target|workflow_run/, name);
  }
});

test("no text from outside becomes part of a command", () => {
  for (const { job, steps } of jobs) {
    for (const { run } of steps) {
      assert.ok(run === undefined || !run.includes("${{"), `${job}: ${run}`);
    }
  }
});

test("GitHub runs the checks of .ci/run, with the same command", () => {
  const runs = (/** @type {string} */ name) =>
    jobs.find(({ job }) => job === name)?.steps.flatMap((/** @type {any} */ { run }) => run ?? []);
  assert.deepEqual(runs("ci.yml check"), [".ci/run"]);
  assert.equal(runs("release.yml check").at(-1), ".ci/run");
});

test("vulnerabilities that became known are looked for each week, and before a release", () => {
  assert.equal(workflows.find(({ name }) => name === "supply.yml")?.on.schedule.length, 1);
  for (const job of ["supply.yml check", "release.yml check"]) {
    const steps = jobs.find(({ job: name }) => name === job)?.steps ?? assert.fail(job);
    assert.ok(
      steps.some((/** @type {any} */ { run }) => run === "npm run supply -- --online"),
      job,
    );
  }
});

test("Dependabot looks at every lock file, and at the starter, which has none", () => {
  const { updates } = parse(readFileSync(join(root, ".github", "dependabot.yml"), "utf8"));
  for (const [ecosystem, lock, others] of /** @type {const} */ ([
    ["cargo", "Cargo.lock", []],
    ["npm", "package-lock.json", ["/examples/starter"]],
  ])) {
    const locks = (output("git", ["ls-files", "--", lock, `**/${lock}`]) ?? "").split("\n");
    const folders = locks.map((path) => `/${dirname(path)}`.replace(/\.$/, ""));
    const { directories } = updates.find((/** @type {any} */ update) => update["package-ecosystem"] === ecosystem);
    assert.deepEqual(directories.sort(), [...folders, ...others].sort());
  }
});

/** The commands have options of GNU. */
const onLinux = { skip: process.platform !== "linux" && "the commands are those of GitHub's Linux" };

/** The content of each file that is published. */
const built = Buffer.from("built");

/** @param {string} algorithm @param {"hex" | "base64"} form */
const hash = (algorithm, form) => createHash(algorithm).update(built).digest(form);

const sums = `${hash("sha256", "hex")}  cronozen-edge-1.2.3.tgz\n`;

/** Stands for each command that asks or changes something outside. It prints what it would change. */
const stub = `#!/bin/sh
case "$(basename "$0") $*" in
  "npm view cronozen-edge dist-tags.latest") test -n "$LATEST" && echo "$LATEST" ;;
  "npm view cronozen-edge@1.2.3 dist.integrity") test -n "$PUBLISHED" && echo "$PUBLISHED" ;;
  "npm view "*) exit 1 ;;
  curl*) echo '{"name":"cronozen-webhook","vers":"1.2.2","cksum":"00"}'; test -n "$PUBLISHED" && echo "$PUBLISHED" ;;
  *) echo "$(basename "$0") $*" ;;
esac
`;

/**
 * Runs a step of a job that publishes, as GitHub does. Returns if it passes, and what it prints.
 *
 * @param {{ run: string }} step
 * @param {Record<string, string>} env
 */
function runStep({ run }, env) {
  const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  try {
    for (const name of ["npm", "cargo", "curl", "gh"]) {
      writeFileSync(join(folder, name), stub, { mode: 0o755 });
    }
    mkdirSync(join(folder, "target", "package"), { recursive: true });
    for (const file of ["cronozen-edge-1.2.3.tgz", "target/package/cronozen-webhook-1.2.3.crate"]) {
      writeFileSync(join(folder, file), built);
    }
    writeFileSync(join(folder, "SHA256SUMS"), sums);
    const { status, stdout } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", run], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env.PATH}`, ...env },
    });
    return { passes: status === 0, printed: stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the last step of a job. @param {string} job @param {Record<string, string>} env */
const publish = (job, env) => runStep(releasing.jobs[job].steps.at(-1), env);

test("the highest version becomes `latest`, a fix of an older one and a pre-release do not", onLinux, () => {
  for (const [version, latest, tag, latestAfter, kind] of /** @type {const} */ ([
    ["1.2.3", "0.0.0", "latest", "1.2.3", "--latest"],
    // npm may answer from before the publication.
    ["1.10.0", "1.9.0", "latest", "1.9.0", "--latest"],
    ["1.2.3", "1.2.3", "latest", "1.2.3", "--latest"],
    // A higher version was released before this one's release on GitHub.
    ["1.2.3", "1.2.2", "latest", "1.2.4", "--latest=false"],
    ["1.2.3", "2.0.0", "latest-1", "2.0.0", "--latest=false"],
    ["0.9.0", "0.10.0", "latest-0", "0.10.0", "--latest=false"],
    ["2.0.0-rc.1", "1.2.3", "next", "1.2.3", "--prerelease"],
  ])) {
    const ref = { GITHUB_REF_NAME: `v${version}` };
    assert.deepEqual(publish("publish-npm", { ...ref, LATEST: latest }), {
      passes: true,
      printed: `npm publish ./cronozen-edge-1.2.3.tgz --provenance --access public --tag ${tag}\n`,
    });
    const { printed } = publish("github-release", { ...ref, GITHUB_REPOSITORY: "a/b", LATEST: latestAfter });
    assert.match(printed, new RegExp(`^gh release create v${version} --repo a/b --verify-tag ${kind} `));
    assert.match(printed, / SHA256SUMS cronozen-edge-1\.2\.3\.tgz\n$/);
  }
  const unanswered = publish("publish-npm", { GITHUB_REF_NAME: "v1.2.3" });
  assert.deepEqual(unanswered, { passes: false, printed: "" });
});

test("a version that is there is not published again, but one with other content is no reason to pass", onLinux, () => {
  const ref = { GITHUB_REF_NAME: "v1.2.3", LATEST: "1.2.3" };
  const there = publish("publish-npm", { ...ref, PUBLISHED: `sha512-${hash("sha512", "base64")}` });
  assert.deepEqual(there, { passes: true, printed: "" });
  // The registry refuses it then.
  assert.match(publish("publish-npm", { ...ref, PUBLISHED: "sha512-other" }).printed, /^npm publish /);

  /** A line of the registry's index. @param {string} version @param {string} cksum */
  const indexed = (version, cksum) =>
    JSON.stringify({ name: "cronozen-webhook", vers: version, deps: [], cksum, features: {}, yanked: false });
  const sum = hash("sha256", "hex");
  const line = indexed("1.2.3", sum);
  assert.deepEqual(publish("publish-crate", { ...ref, PUBLISHED: line }), {
    passes: true,
    printed: `${line}\n`,
  });
  for (const other of ["", indexed("1.2.3", "00"), indexed("1.2.4", sum)]) {
    const { printed } = publish("publish-crate", { ...ref, PUBLISHED: other });
    assert.equal(printed, "cargo publish --locked --package cronozen-webhook --no-verify\n");
  }
});

test("each job after the build takes the files that were built, and no others", onLinux, () => {
  const { build, check: _, ...later } = releasing.jobs;
  assert.deepEqual(Object.keys(build.outputs), ["artifact", "sums"]);
  const { with: upload } = build.steps.find((/** @type {any} */ { id }) => id === "upload");
  assert.ok(upload["retention-days"] > 30, "an approval may wait for 30 days");
  for (const [job, { steps }] of Object.entries(later)) {
    const [download, ...others] = steps.filter((/** @type {any} */ step) => step.uses?.includes("/download-artifact@"));
    assert.deepEqual(others, [], job);
    assert.match(download.with["artifact-ids"], /^\$\{\{ needs\.build\.outputs\.artifact \}\}$/, job);
    const step = steps.find((/** @type {any} */ { name }) => name === "The files are those that were built");
    assert.match(step.env.SUMS, /^\$\{\{ needs\.build\.outputs\.sums \}\}$/, job);
    assert.equal(step["working-directory"], download.with.path, job);
    const right = createHash("sha256").update(sums).digest("hex");
    for (const [SUMS, passes] of /** @type {const} */ ([
      [right, true],
      [right.replace(/./, (digit) => (digit === "0" ? "1" : "0")), false],
      ["", false],
    ])) {
      assert.equal(runStep(step, { SUMS }).passes, passes, `${job}: ${SUMS}`);
    }
  }
});
