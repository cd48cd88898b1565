// `npm run bench`: times the verifier against its peers, in every runtime.

import { parseArgs } from "node:util";
import { Complaint, run, script, step } from "../../scripts/command.mjs";
import { installPeers, installRuntimes, setUp } from "../../scripts/setup.mjs";

const usage = "npm run bench -- [--quick | --check] [--json FILE] [node | workerd | deno | bun | native ...]";

/** Medians of fewer rounds would be chance. */
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
  // What follows imports what has been installed only now.
  const { installedRuntimes, runtimeNames } = await import("./runtimes.mjs");
  const unknown = wanted.find((name) => !runtimeNames.includes(name));
  if (unknown !== undefined) {
    throw new Complaint(`usage: ${usage}`);
  }
  const names = wanted.length > 0 ? wanted : values.check ? ["node"] : runtimeNames;
  if (names.some((name) => installedRuntimes.includes(name))) {
    await installRuntimes();
  }
  await step("building the npm package", () => run("cargo", ["xtask", "npm"]));
  await withRuntimes(names, (runtimes) =>
    values.check ? check(runtimes) : bench(runtimes, values, wanted.length === 0),
  );
  return 0;
});

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: { type: "boolean" }, check: { type: "boolean" }, json: { type: "string" } },
    });
    return { values, wanted: positionals };
  } catch {
    throw new Complaint(`usage: ${usage}`);
  }
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
  await step("types of the bench", () => run("tsc", ["--project", "benches/verifier"]));
  const entries = entriesOf(runtimes);
  await step("agreement of the contenders", () => agree(entries, checkedSizes));
  checkRatios(await step("timing", () => measure(entries.filter(isChecked), checkedSizes, checkRounds)));
}

/** @param {Runtime[]} runtimes @param {{ quick?: boolean, json?: string }} options @param {boolean} whole */
async function bench(runtimes, options, whole) {
  const { agree } = await import("./agreement.mjs");
  const { entriesOf, measure } = await import("./measure.mjs");
  const { text, writeDocument, writeJson } = await import("./results.mjs");
  const { sizes, rounds } = options.quick ? quick : full;
  const entries = entriesOf(runtimes);
  const deliveries = await step("agreement of the contenders", () => agree(entries, sizes));
  const results = await step("timing", () => measure(entries, sizes, rounds));
  const outcome = { runtimes, results, sizes, rounds, deliveries };
  console.log(`\n${text(outcome)}`);
  if (options.json !== undefined) {
    await writeJson(options.json, outcome);
  }
  // A part of a run does not replace a whole one.
  if (!options.quick && whole) {
    await writeDocument(outcome);
    console.log("\nwritten to docs/benchmarks.md");
  }
}
