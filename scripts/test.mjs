// `npm test`: every check except those in the package's runtimes, the cheapest first.

import { Complaint, readWords, run, script, section } from "./command.mjs";
import { setUp } from "./setup.mjs";

/** A terminal gets colours, a log does not. */
const colors = process.stdout.isTTY ? [] : ["--colors=off"];
const clippy = ["clippy", "--quiet", "--locked"];
const denyWarnings = ["--", "--deny", "warnings"];
const wasm = ["--lib", "--target", "wasm32-unknown-unknown"];

/** The fuzz targets are a workspace of their own. */
const fuzz = ["--manifest-path", "fuzz/Cargo.toml"];

/** @param {string} name */
const packages = (name) => ["--package", name];

/** The time-out is for a whole file of tests, on a busy machine. */
const nodeTest = ["--test", "--test-timeout=240000"];

/** @param {string} config @param {string} folder */
function dryDeployment(config, folder) {
  return ["deploy", "--dry-run", "--config", config, "--outdir", folder];
}

/**
 * @typedef {[title: string, command: string, args: string[]]} Check
 * @type {Check[]}
 */
const checks = [
  ["format of Rust", "cargo", ["fmt", "--all", "--check"]],
  ["format of the fuzz targets", "cargo", ["fmt", ...fuzz, "--check"]],
  ["format and lint of JavaScript", "biome", ["ci", ...colors]],
  ["types of the npm package", "tsc", ["--project", "pkg/src"]],
  ["clippy, host", "cargo", [...clippy, "--workspace", "--all-targets", ...denyWarnings]],
  [
    "clippy, WebAssembly",
    "cargo",
    [
      ...clippy,
      ...wasm,
      ...["cronozen-edge", "cronozen-webhook-wasm", "cronozen-diagnosis-wasm", "consumer-rust"].flatMap(packages),
      ...denyWarnings,
    ],
  ],
  ["clippy, Worker that traps", "cargo", [...clippy, ...wasm, "--features", "test-trap", ...denyWarnings]],
  ["clippy, fuzz targets", "cargo", [...clippy, ...fuzz, "--target-dir", "target", "--all-targets", ...denyWarnings]],
  ["documentation of the crates", "cargo", ["doc", "--quiet", "--locked", "--no-deps"]],
  ["tests on the host", "cargo", ["test", "--locked", "--workspace"]],
  [
    "crate as it is published",
    "cargo",
    ["package", "--quiet", "--locked", "--allow-dirty", ...packages("cronozen-webhook")],
  ],
  ["simulation", "cargo", ["xtask", "simulate"]],
  ["timing of the verifier on the host", "cargo", ["run", "--quiet", "--locked", "--release", ...packages("timing")]],
  ["build of the npm package and the Worker", "cargo", ["xtask", "npm"]],
  // They need the declarations that the package's build generates.
  ["types of the scripts and tests", "tsc", ["--project", "."]],
  ["types of the tests in Chromium", "tsc", ["--project", "tests/browser"]],
  ["types of the Workers", "tsc", ["--project", "src/js"]],
  ["types of the command line", "tsc", ["--project", "pkg/src/cli"]],
  ["types of the console's page", "tsc", ["--project", "pkg/src/console/page"]],
  ["build of the Worker that traps", "cargo", ["xtask", "worker", "--test-trap"]],
  ["build of the consumer in Rust", "cargo", ["xtask", "consumer-rust"]],
  ["tests of the npm package", "node", [...nodeTest, "tests/package/*.test.mjs"]],
  ["tests in workerd, of the scripts and of the soak", "node", [...nodeTest, "tests/{worker,scripts,soak}/*.test.mjs"]],
  ["tests of the command line", "node", [...nodeTest, "tests/cli/*.test.mjs"]],
  ["tests of the consumers and the console", "node", [...nodeTest, "tests/{alerts,consumer,console}/*.test.mjs"]],
  ["tests of two versions side by side", "node", [...nodeTest, "tests/compatibility/*.test.mjs"]],
  ["tests of the console in Chromium", "node", [...nodeTest, "tests/browser/*.test.mjs"]],
  ["dry run of the deployment of the gateway", "wrangler", dryDeployment("wrangler.toml", "build/dry-run")],
  // The output folder is relative to the folder of the settings.
  ...["starter", "consumer-rust"].map(
    (name) =>
      /** @type {Check} */ ([
        `dry run of the deployment of ${name}`,
        "wrangler",
        dryDeployment(`examples/${name}/wrangler.toml`, `../../build/dry-run-${name}`),
      ]),
  ),
];

const help = `usage: npm test -- [--verbose] [part of a check's name ...]

${checks.map(([title]) => `  ${title}`).join("\n")}`;

await script(async () => {
  const wanted = readWords(help);
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  const chosen = checks.filter(([title]) => wanted.length === 0 || wanted.some((word) => title.includes(word)));
  if (chosen.length === 0) {
    throw new Complaint(`no check has a name that contains: ${wanted.join(" ")}\n\n${help}`);
  }
  for (const [title, command, args] of chosen) {
    await section(title, () => run(command, args));
  }
  console.log(`\nall ${chosen.length} checks passed`);
  return 0;
});
