// What comes out of the bench: on the terminal, as JSON, and in docs/benchmarks.md.

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { output, root } from "../../scripts/command.mjs";
import { machine, writeSection } from "../report.mjs";
import { goalsTable, judged } from "./goals.mjs";
import { runtimeTable } from "./tables.mjs";

/**
 * @typedef {object} Run
 * @property {import("./types.js").Runtime[]} runtimes
 * @property {import("./types.js").Timed[]} results
 * @property {readonly number[]} sizes
 * @property {number} rounds
 * @property {number} deliveries how many kinds all contenders agreed on
 */

/** @type {Record<string, string>} */
const titles = { node: "Node", workerd: "workerd", deno: "Deno", bun: "Bun" };

const plotFile = "benchmarks-verifier.svg";

/** As Markdown. @param {Run} run */
export function text({ runtimes, results, sizes, rounds, deliveries }) {
  const goals = judged(results, sizes);
  const missed = goals.filter(({ met }) => !met).length;
  const hosts = hostsOf(runtimes);
  return [
    `${machine()}. ${versions(runtimes).join(", ")}.`,
    `Microseconds a verification: the median of ${rounds} interleaved rounds, ± half the distance of the quartiles, and
how many times the time of ours that is, round by round. Ours is \`matches\`, or \`verify\` for those that parse the
body's JSON as well; the body is one event with one long text. Before, all contenders had agreed on ${deliveries} kinds of
deliveries, good and bad, of every size. The native limit is the HMAC alone, in Rust, with the key's state kept.`,
    ...hosts.map(({ name, title }) => `### ${title}\n\n${runtimeTable(results, name, sizes)}`),
    ...(goals.length > 0
      ? [
          `### Goals of the verifier\n\n${goals.length - missed} of ${goals.length} are met.\n\n${goalsTable(goals, sizes)}`,
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

/** Those that peers run in, too. @param {readonly { name: string }[]} runtimes */
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
