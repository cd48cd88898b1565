// `npm run bench`: times the verifier against its peers, in every runtime.

import { parseArgs } from "node:util";
import { Complaint, commonOptions, readArguments, runQuietly, script, step } from "../../scripts/command.mjs";
import { installPeers, installRuntimes, setUp } from "../../scripts/setup.mjs";

const usage = `usage: npm run bench -- [options] [node | workerd | deno | bun | native ...]

  --quick      fewer sizes and rounds; does not write docs/benchmarks.md
  --check      fails if the verifier has become slow
  --json FILE  also writes every sample to FILE
  --verbose    shows the output of every command

Without a runtime, all are timed, and docs/benchmarks.md is written.`;

/** Medians of fewer rounds would depend on chance. */
const full = { sizes: [256, 1024, 4096, 65_536, 2 ** 20], rounds: 31 };
const quick = { sizes: [256, 4096, 65_536], rounds: 5 };
const checkRounds = 21;

await script(async () => {
  const { values, wanted } = options();
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  await installPeers();
  // These modules import packages that have just been installed.
  const { installedRuntimes, runtimeNames } = await import("./runtimes.mjs");
  const unknown = wanted.find((name) => !runtimeNames.includes(name));
  if (unknown !== undefined) {
    throw new Complaint(`unknown runtime ${unknown}: choose from ${runtimeNames.join(", ")}`);
  }
  const names = wanted.length > 0 ? wanted : values.check ? ["node"] : runtimeNames;
  if (names.some((name) => installedRuntimes.includes(name))) {
    await installRuntimes();
  }
  await step("Building the npm package", () => runQuietly("cargo", ["xtask", "npm"]));
  await withRuntimes(names, (runtimes) =>
    values.check ? check(runtimes) : bench(runtimes, values, wanted.length === 0),
  );
  return 0;
});

function options() {
  const { values, positionals } = readArguments(usage, () =>
    parseArgs({
      allowPositionals: true,
      options: {
        ...commonOptions,
        quick: { type: "boolean" },
        check: { type: "boolean" },
        json: { type: "string" },
      },
    }),
  );
  return { values, wanted: positionals };
}

/**
 * @typedef {import("./types.js").Runtime} Runtime
 *
 * @param {readonly string[]} names
 * @param {(runtimes: Runtime[]) => Promise<void>} work
 */
async function withRuntimes(names, work) {
  const { start } = await import("./runtimes.mjs");
  /** @type {Runtime[]} */
  const runtimes = [];
  try {
    for (const name of names) {
      runtimes.push(...(await start(name)));
    }
    await work(runtimes);
  } finally {
    await Promise.all(runtimes.map((runtime) => runtime.stop()));
  }
}

/** @param {Runtime[]} runtimes */
async function check(runtimes) {
  const { agree } = await import("./agreement.mjs");
  const { checkRatios, checkedSizes, isChecked } = await import("./check.mjs");
  const { entriesOf, measure } = await import("./measure.mjs");
  await step("Checking the types of the bench", () => runQuietly("tsc", ["--project", "benches/verifier"]));
  const entries = entriesOf(runtimes);
  await step("Checking that all contenders agree", () => agree(entries, checkedSizes));
  checkRatios(await step("Timing", () => measure(entries.filter(isChecked), checkedSizes, checkRounds)));
}

/** @param {Runtime[]} runtimes @param {{ quick?: boolean, json?: string }} options @param {boolean} whole */
async function bench(runtimes, options, whole) {
  const { agree } = await import("./agreement.mjs");
  const { entriesOf, measure } = await import("./measure.mjs");
  const { text, writeDocument, writeJson } = await import("./results.mjs");
  const { sizes, rounds } = options.quick ? quick : full;
  const entries = entriesOf(runtimes);
  const deliveries = await step("Checking that all contenders agree", () => agree(entries, sizes));
  const results = await step("Timing", () => measure(entries, sizes, rounds));
  const outcome = { runtimes, results, sizes, rounds, deliveries };
  console.log(`\n${text(outcome)}`);
  if (options.json !== undefined) {
    await writeJson(options.json, outcome);
  }
  // The results of a partial run do not replace those of a whole one.
  if (!options.quick && whole) {
    await writeDocument(outcome);
    console.log("\nwritten to docs/benchmarks.md");
  }
}
