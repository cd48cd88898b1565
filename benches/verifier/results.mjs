// The output of the bench: on the terminal, as JSON, and in docs/benchmarks.md.

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { output, root } from "../../scripts/command.mjs";
import { machine, writeSection } from "../report.mjs";
import { goalsTable, judged } from "./goals.mjs";
import { runtimeTable, sizeName, summaryTable } from "./tables.mjs";

/**
 * @typedef {object} Run
 * @property {import("./types.js").Runtime[]} runtimes
 * @property {import("./types.js").Timed[]} results
 * @property {readonly number[]} sizes
 * @property {number} rounds
 * @property {number} deliveries the number of kinds that all contenders agreed on
 */

/** @type {Record<string, string>} */
const titles = { node: "Node", workerd: "workerd", deno: "Deno", bun: "Bun" };

/** The size of the short table, in bytes: about an event's. */
const summarySize = 256;

const plotFile = "benchmarks-verifier.svg";

/** Returns the results as Markdown. @param {Run} run */
export function text({ runtimes, results, sizes, rounds, deliveries }) {
  const goals = judged(results, sizes);
  const missed = goals.filter(({ met }) => !met).length;
  const hosts = hostsOf(runtimes);
  return [
    `${machine()}. ${versions(runtimes).join(", ")}.`,
    summaryTable(results, hosts, summarySize),
    `Microseconds for one verification of ${sizeName(summarySize)}: the median of ${rounds} interleaved rounds, and the ratio to our time. Ours is
\`matches\`, which verifies the signature, or \`verify\` beside those that also parse the JSON. \`no-wasm\` is the build
without WebAssembly. The ratio is the median of the rounds' ratios, so it is not the quotient of two medians. The body is
one event with one long text. Before the rounds, all contenders agreed on ${deliveries} kinds of deliveries, good and bad, of every
size. In the tables below, the last two rows are the HMAC alone, in Rust, with the key's state kept: the native limit.`,
    ...hosts.map(
      ({ name, title }) =>
        `<details>\n<summary>${title}: every contender and size (± half the distance of the quartiles)</summary>\n\n${runtimeTable(results, name, sizes)}\n</details>`,
    ),
    ...(goals.length > 0
      ? [
          `### Goals of the verifier\n\n${goals.length - missed} of ${goals.length} are met. A goal is a ratio, so that it holds on other machines. Ours is \`matches\`, in workerd \`matchesAsync\`.\n\n<details>\n<summary>All goals</summary>\n\n${goalsTable(goals, sizes)}\n</details>`,
        ]
      : []),
  ].join("\n\n");
}

/** @param {Run} run */
export async function writeDocument(run) {
  const { plot } = await import("./plot.mjs");
  await writeFile(join(root, "docs", plotFile), plot(run.results, hostsOf(run.runtimes), run.sizes));
  const image = `![Time for one verification against the body's size, in each runtime](${plotFile})`;
  await writeSection("verifier", `${image}\n\n${text(run)}`);
}

/** @param {string} file @param {Run} run */
export async function writeJson(file, { runtimes, results, sizes, rounds }) {
  const times = results.map(({ runtime, contender: { name, parses }, form, samples }) => {
    return { runtime: runtime.name, contender: name, form, parses, microseconds: Object.fromEntries(samples) };
  });
  const run = { machine: machine(), versions: versions(runtimes), sizes, rounds, times, goals: judged(results, sizes) };
  await writeFile(file, `${JSON.stringify(run, null, 2)}\n`);
}

/** Returns the runtimes that peers run in, too. @param {readonly { name: string }[]} runtimes */
function hostsOf(runtimes) {
  return runtimes.flatMap(({ name }) => (titles[name] === undefined ? [] : [{ name, title: titles[name] }]));
}

/** @param {readonly import("./types.js").Runtime[]} runtimes */
function versions(runtimes) {
  const { devDependencies } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
  const { version } = JSON.parse(readFileSync(join(root, "pkg", "package.json"), "utf8"));
  const { echarts, ...peers } = { ...devDependencies, "cronozen-edge": version };
  const native = output("cargo", ["tree", "--locked", "--package", "native-limit", "--depth", "1", "--prefix", "none"]);
  return [
    ...runtimes.flatMap(({ name, version }) => (titles[name] === undefined ? [] : [`${titles[name]} ${version}`])),
    ...[output("rustc", ["--version"])?.split(" (")[0] ?? "", ...(native?.matchAll(/^(?:hmac|sha2) v\S+/gm) ?? [])],
    ...Object.entries(peers).map(([name, pinned]) => `${name} ${pinned}`),
  ];
}
