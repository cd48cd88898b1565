// The package's files and their sizes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { root } from "../../scripts/command.mjs";
import { packedFiles, packedSize } from "../../scripts/packed.mjs";

const folder = join(root, "pkg");
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The goals, in bytes after `gzip -9`, a KB of 1,024: growth beyond them is a decision, not an accident. */
const limits = {
  "dist/verifier.wasm": 16 * 1024,
  // Detailed error messages are 0.6 KB of it.
  "dist/index.js": 23 * 1024,
  "dist/index.cjs": 23 * 1024,
  "dist/no-wasm.js": 34 * 1024,
  "dist/edge.js": 6000,
  // Half of it is left out of a Worker that does not import `deadLetters`.
  "dist/consumer.js": 14_500,
  // jose is 7 KB of it.
  "dist/console.js": 18_000,
  // The page, of which the browser loads 80 KB, and the view for diagnoses, 83 KB.
  "dist/console-assets.js": 170_000,
  "dist/alerts.js": 12_000,
  // Half of it is the parser of arguments.
  "dist/cli.js": 50_000,
  // For a page or a command that is used now and then, not for a Worker that receives deliveries.
  "dist/diagnosis.js": 76 * 1024,
  // Without optimisation at link time it has 108,000. The limit on failures is 0.5 KB of it.
  "dist/worker/index_bg.wasm": 91 * 1024,
};

/** The bytes of the tarball: growth beyond them is a decision. */
const tarballLimit = 1.3 * 1024 * 1024;

/** @param {string} file */
const withMap = (file) => [file, `${file}.map`];

test("the package holds what is needed and nothing else", () => {
  const isOfStarter = (/** @type {string} */ path) => path.startsWith("dist/starter/");
  // tests/cli/init.test.mjs looks at what becomes of them.
  assert.ok(packedFiles(folder).some(isOfStarter));
  const others = packedFiles(folder).filter((/** @type {string} */ path) => !isOfStarter(path));
  assert.deepEqual(others, [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "THIRD-PARTY-NOTICES",
    "dist/alerts.d.ts",
    ...withMap("dist/alerts.js"),
    "dist/ancestors.js",
    ...withMap("dist/cli.js"),
    "dist/console-assets.js",
    "dist/console.d.ts",
    ...withMap("dist/console.js"),
    "dist/consumer.d.ts",
    ...withMap("dist/consumer.js"),
    "dist/diagnosis.d.ts",
    ...withMap("dist/diagnosis.js"),
    ...withMap("dist/edge.js"),
    ...withMap("dist/index.cjs"),
    "dist/index.d.cts",
    "dist/index.d.ts",
    ...withMap("dist/index.js"),
    ...withMap("dist/no-wasm.cjs"),
    ...withMap("dist/no-wasm.js"),
    "dist/verifier.wasm",
    "dist/worker/activity-buffer.js",
    "dist/worker/activity-counts.js",
    "dist/worker/activity-hours.js",
    "dist/worker/activity-pages.js",
    "dist/worker/activity-records.js",
    "dist/worker/activity-sources.js",
    "dist/worker/activity-store.js",
    "dist/worker/activity.js",
    "dist/worker/calls.js",
    "dist/worker/guard.js",
    "dist/worker/index.js",
    "dist/worker/index_bg.wasm",
    "dist/worker/log.js",
    "dist/worker/worker.d.ts",
    "dist/worker/worker.js",
    "package.json",
    "sbom.cdx.json",
  ]);
});

test(`the tarball has at most ${Math.floor(tarballLimit)} bytes`, (context) => {
  const size = packedSize(folder);
  context.diagnostic(`${size} bytes`);
  assert.ok(size <= tarballLimit, `${size}`);
});

test("no file names a path of the machine that built it", () => {
  for (const path of packedFiles(folder)) {
    const text = readFileSync(join(folder, path), "latin1");
    for (const local of [root.replace(/\/$/, ""), homedir(), ".cargo"]) {
      assert.ok(!text.includes(local), `${path} names ${local}`);
    }
  }
});

/** Runs code in the package's folder, with source maps. @param {string} code */
function printed(code) {
  const args = ["--enable-source-maps", "--eval", code];
  return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
}

for (const file of ["index.js", "index.cjs", "no-wasm.js", "no-wasm.cjs"]) {
  test(`the stack of an error in ${file} shows functions and lines of the sources`, () => {
    const code = `
      import(${JSON.stringify(join(folder, "dist", file))}).then((cronozen) => {
        const { Verifier } = cronozen.default ?? cronozen;
        try {
          new Verifier("whsec_test").check({ eventId: "evt_1" }, "");
        } catch (error) {
          console.log(error.stack);
        }
      });`;
    const stack = printed(code);
    const [, line = ""] = /at bodyOf \(.+\/pkg\/src\/body\.ts:(\d+):\d+\)/.exec(stack) ?? assert.fail(stack);
    const sources = readFileSync(join(folder, "src", "body.ts"), "utf8").split("\n");
    assert.match(sources[Number(line) - 1] ?? "", /throw new TypeError\(/);
    assert.match(stack, /check \(.+\/pkg\/src\/verifier\.ts:/);
  });
}

test("the stack of an error in consumer.js shows functions and lines of the sources", () => {
  const file = JSON.stringify(join(folder, "dist", "consumer.js"));
  const code = `import(${file}).then(({ consume }) => consume({})).catch((error) => console.log(error.stack))`;
  assert.match(printed(code), /at routesOf \(.+\/pkg\/src\/consumer\/handlers\.ts:\d+:\d+\)/);
});

test("it has no dependencies", () => {
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies", "bundleDependencies"]) {
    assert.equal(manifest[kind], undefined, kind);
  }
});

test("it has the crate's version", () => {
  const [, version] = /^version = "(.+)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8")) ?? [];
  assert.equal(manifest.version, version);
});

test("every exported file exists", () => {
  /** @param {unknown} target @returns {string[]} */
  const files = (target) => (typeof target === "string" ? [target] : Object.values(Object(target)).flatMap(files));
  const targets = [
    ...files(manifest.exports),
    manifest.bin["cronozen-edge"],
    manifest.main,
    manifest.module,
    manifest.types,
  ];
  assert.ok(targets.length > 10);
  for (const target of targets) {
    assert.ok(existsSync(join(folder, target)), target);
  }
  assert.deepEqual(Object.keys(manifest.exports["."]), ["workerd", "edge-light", "fastly", "require", "default"]);
});

test("the gateway is the Worker's build, byte for byte", () => {
  const build = join(root, "build", "worker");
  const names = readdirSync(build, { recursive: true, encoding: "utf8" }).filter((name) => /\.(js|wasm)$/.test(name));
  assert.ok(names.length >= 5);
  for (const name of names) {
    assert.ok(readFileSync(join(build, name)).equals(readFileSync(join(folder, "dist", "worker", name))), name);
  }
});

test("no file exceeds its limit", (context) => {
  for (const [file, limit] of Object.entries(limits)) {
    const size = gzipSync(readFileSync(join(folder, file)), { level: 9 }).length;
    context.diagnostic(`${file}: ${size} bytes of ${limit} after gzip`);
    assert.ok(size <= limit, `${file} has ${size} bytes after gzip, more than ${limit}`);
  }
});
