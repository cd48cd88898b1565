// `npm test`: every check but those of the package's runtimes, in the order of their cost.

import { Complaint, run, script, step, words } from "./command.mjs";
import { setUp } from "./setup.mjs";

/** A terminal gets colours, a log does not. */
const colors = process.stdout.isTTY ? [] : ["--colors=off"];
const clippy = ["clippy", "--quiet", "--locked"];
const denyWarnings = ["--", "--deny", "warnings"];
const wasm = ["--lib", "--target", "wasm32-unknown-unknown"];

/** @param {string} name */
const packages = (name) => ["--package", name];

/** For a whole file of tests, on a busy machine. */
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
  ["format and lint of JavaScript", "biome", ["ci", ...colors]],
  ["types of the npm package", "tsc", ["--project", "pkg/src"]],
  ["clippy, host", "cargo", [...clippy, "--workspace", "--all-targets", ...denyWarnings]],
  [
    "clippy, WebAssembly",
    "cargo",
    [
      ...clippy,
      ...wasm,
      ...["cronozen-edge", "cronozen-webhook-wasm", "consumer-rust"].flatMap(packages),
      ...denyWarnings,
    ],
  ],
  ["clippy, Worker that traps", "cargo", [...clippy, ...wasm, "--features", "test-trap", ...denyWarnings]],
  ["documentation of the crates", "cargo", ["doc", "--quiet", "--locked", "--no-deps"]],
  ["tests on the host", "cargo", ["test", "--locked", "--workspace"]],
  ["simulation", "cargo", ["xtask", "simulate"]],
  ["build of the npm package and the Worker", "cargo", ["xtask", "npm"]],
  // They need the declarations that the package's build generates.
  ["types of the scripts and tests", "tsc", ["--project", "."]],
  ["types of the Workers", "tsc", ["--project", "src/js"]],
  ["build of the Worker that traps", "cargo", ["xtask", "worker", "--test-trap"]],
  ["build of the consumer in Rust", "cargo", ["xtask", "consumer-rust"]],
  ["tests of the npm package", "node", [...nodeTest, "tests/package/*.test.mjs"]],
  ["tests in workerd and of the scripts", "node", [...nodeTest, "tests/{worker,scripts}/*.test.mjs"]],
  ["tests of the consumers", "node", [...nodeTest, "tests/consumer/*.test.mjs"]],
  ["deployment of the gateway, dry", "wrangler", dryDeployment("wrangler.toml", "build/dry-run")],
  // From the folder of the settings.
  ...["consumer", "consumer-rust"].map(
    (name) =>
      /** @type {Check} */ ([
        `deployment of ${name}, dry`,
        "wrangler",
        dryDeployment(`examples/${name}/wrangler.toml`, `../../build/dry-run-${name}`),
      ]),
  ),
];

await script(async () => {
  const wanted = words("npm test -- [a part of a check's name ...]");
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  const chosen = checks.filter(([title]) => wanted.length === 0 || wanted.some((word) => title.includes(word)));
  if (chosen.length === 0) {
    throw new Complaint(`no check is named so; there are: ${checks.map(([title]) => title).join("; ")}`);
  }
  for (const [title, command, args] of chosen) {
    await step(title, () => run(command, args));
  }
  console.log(`\nall ${chosen.length} checks passed`);
  return 0;
});
