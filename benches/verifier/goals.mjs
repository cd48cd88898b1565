// The goals, and the measured value of each. A ratio is taken round by round, then its median.

import { figure, median, table } from "../report.mjs";
import { ratio, samplesOf, sizeName } from "./tables.mjs";

/**
 * @typedef {import("./types.js").Timed} Timed
 * @typedef {[runtime: string, names: string[], form: "bytes" | "string"]} Subject the first name that was measured
 */

/**
 * @typedef {object} Goal
 * @property {string} title
 * @property {Subject} ours
 * @property {Subject} other
 * @property {"at most" | "at least"} sense bounds our time divided by the other's, or the other's divided by ours
 * @property {boolean} [best] true if the other is the quickest of its names, not the first
 * @property {Record<number, number> | number} bounds by size, or for every size
 */

const [b256, kib1, kib4, kib64, mib1] = [256, 1024, 4096, 65_536, 1_048_576];

const matches = ["cronozen-edge matches"];
const matchesAsync = ["cronozen-edge matchesAsync", ...matches];
/** The verifier with WebAssembly alone. The usual one also uses the runtime's own crypto. */
const wasm = ["cronozen-edge wasm matches", ...matches];
const createHmac = "node:crypto createHmac";
const octokit = "@octokit/webhooks-methods verify";
const subtle = "Web Crypto subtle.verify";

const stripe = { [b256]: 5, [kib1]: 4, [kib4]: 3, [kib64]: 2 };

/** The goals for verification alone: peers that can also parse the body do not do it here. @type {Goal[]} */
const goals = [
  {
    title: "Node: ours against the native limit",
    ours: ["node", matches, "bytes"],
    other: ["native", ["Rust hmac"], "bytes"],
    sense: "at most",
    bounds: { [b256]: 3.6, [kib1]: 2.2, [kib4]: 1.4, [kib64]: 1.1 },
  },
  inNode("svix verify", matches, "string", 9),
  inNode("standardwebhooks jsonParse: false", matches, "string", 9),
  inNode("stripe verifyHeader", matches, "bytes", stripe),
  inNode(octokit, matches, "string", { [b256]: 3.5, [kib1]: 2.4, [kib4]: 1.5, [kib64]: 1.05 }),
  inNode(createHmac, matches, "bytes", { [b256]: 2.5, [kib1]: 1.9, [kib4]: 1.3, [kib64]: 1 }),
  {
    title: "workerd: cached subtle against ours",
    ours: ["workerd", matchesAsync, "bytes"],
    other: ["workerd", [subtle], "bytes"],
    sense: "at least",
    bounds: { [b256]: 2, [kib1]: 0.95, [kib4]: 0.95, [kib64]: 0.95, [mib1]: 0.95 },
  },
  {
    title: "workerd: svix against ours",
    ours: ["workerd", matchesAsync, "string"],
    other: ["workerd", ["svix verify"], "string"],
    sense: "at least",
    bounds: 5,
  },
  bestNative("bun", "Bun"),
  bestNative("deno", "Deno"),
  {
    title: "Node: WebAssembly against native Rust without SHA instructions",
    ours: ["node", wasm, "bytes"],
    other: ["native without SHA instructions", ["Rust hmac"], "bytes"],
    sense: "at most",
    bounds: 1,
  },
];

/**
 * @param {string} peer
 * @param {string[]} ours
 * @param {"bytes" | "string"} form
 * @param {Goal["bounds"]} bounds
 * @returns {Goal}
 */
function inNode(peer, ours, form, bounds) {
  return {
    title: `Node: ${peer} against ours`,
    ours: ["node", ours, form],
    other: ["node", [peer], form],
    sense: "at least",
    bounds,
  };
}

/** @param {string} runtime @param {string} title @returns {Goal} */
function bestNative(runtime, title) {
  return {
    title: `${title}: the best native call against ours`,
    ours: [runtime, matches, "bytes"],
    other: [runtime, [createHmac, subtle], "bytes"],
    best: true,
    sense: "at least",
    bounds: 0.9,
  };
}

/**
 * @param {readonly Timed[]} results
 * @param {readonly number[]} sizes
 */
export function judged(results, sizes) {
  return goals.flatMap((goal) =>
    sizes.flatMap((size) => {
      const bound = typeof goal.bounds === "number" ? goal.bounds : goal.bounds[size];
      const value = measured(goal, results, size);
      if (bound === undefined || Number.isNaN(value)) {
        return [];
      }
      const met = goal.sense === "at most" ? value <= bound : value >= bound;
      return [{ goal: goal.title, size, value, sense: goal.sense, bound, met }];
    }),
  );
}

/**
 * @param {Goal} goal
 * @param {readonly Timed[]} results
 * @param {number} size
 */
function measured({ ours, other, sense, best = false }, results, size) {
  const own = samples(results, ours, size, false);
  const others = samples(results, other, size, best);
  return sense === "at most" ? ratio(own, others) : ratio(others, own);
}

/** @param {readonly Timed[]} results @param {Subject} subject @param {number} size @param {boolean} best */
function samples(results, [runtime, names, form], size, best) {
  const found = names.map((name) => samplesOf(results, runtime, name, form, size)).filter(({ length }) => length > 0);
  return (best ? found.toSorted((one, two) => median(one) - median(two)) : found)[0] ?? [];
}

/** @param {ReturnType<typeof judged>} list @param {readonly number[]} sizes */
export function goalsTable(list, sizes) {
  const titles = [...new Set(list.map(({ goal }) => goal))];
  const rows = titles.map((title) => {
    const cells = sizes.map((size) => {
      const found = list.find((one) => one.goal === title && one.size === size);
      if (found === undefined) {
        return "";
      }
      const sign = found.sense === "at most" ? "≤" : "≥";
      return `${figure(found.value)}× ${sign} ${found.bound}: ${found.met ? "met" : "**missed**"}`;
    });
    return [title, ...cells];
  });
  return table(["goal", ...sizes.map(sizeName)], rows);
}
