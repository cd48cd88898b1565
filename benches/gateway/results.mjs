// Runs all measurements, one after the other.

import { join } from "node:path";
import { Complaint, root, step } from "../../scripts/command.mjs";
import { machine } from "../report.mjs";
import { agree } from "./agreement.mjs";
import { attackCosts } from "./attack.mjs";
import { answersOnly, built, modes, readsOnly, typescript, withActivity, withAll } from "./contenders.mjs";
import { costByRows } from "./growth/rows.mjs";
import { inNode, inWorkerd } from "./growth/verification.mjs";
import { memoryAlong } from "./memory.mjs";
import { measure } from "./rounds.mjs";
import { activeStartUps, firstAnswers } from "./start.mjs";

/** Medians of fewer rounds would depend on chance. */
export const full = {
  modes: "kv,strict,object",
  gateway: { launches: 4, rounds: 4, slice: 1500, warmUp: 5000 },
  attack: { launches: 3, rounds: 4, slice: 600, warmUp: 2000 },
  memory: 200_000,
  starts: 21,
  startUps: 5,
  growth: { rounds: 11, sizeRounds: 31, rows: [1, 10_000, 1_000_000] },
};

/** Only enough to see that the bench works. */
export const quick = {
  modes: "kv,strict",
  gateway: { launches: 2, rounds: 3, slice: 600, warmUp: 2000 },
  attack: { launches: 1, rounds: 4, slice: 500, warmUp: 1500 },
  memory: 8000,
  starts: 5,
  startUps: 1,
  growth: { rounds: 2, sizeRounds: 3, rows: [1, 10_000] },
};

/** Returns the baselines, ours, and then any other builds. @param {readonly string[]} others folders */
export async function contendersWith(others) {
  const ours = built("ours", join(root, "build", "worker"));
  return [readsOnly(), await typescript(), ours, withActivity(ours), ...others.map((folder) => built(folder, folder))];
}

/** @param {string} name */
export function settingsOf(name) {
  const settings = modes[name];
  if (settings === undefined) {
    throw new Complaint(`unknown mode ${name}: choose from ${Object.keys(modes).join(", ")}`);
  }
  return settings;
}

/**
 * Measures the cost of a request in each mode.
 *
 * @param {import("./contenders.mjs").Contender[]} contenders
 * @param {readonly string[]} wanted names of modes
 * @param {import("./rounds.mjs").Extent} extent
 */
export async function gatewayResults(contenders, wanted, extent) {
  /** @type {Record<string, import("./rounds.mjs").Measured[]>} */
  const results = {};
  let cases = 0;
  for (const mode of wanted) {
    const settings = settingsOf(mode);
    await step(`${mode}: checking that all gateways do the same`, async () => {
      cases = await agree(contenders, settings);
    });
    await step(`${mode}: timing`, async () => {
      results[mode] = await measure(contenders, settings, extent);
    });
  }
  return { machine: machine(), cases, modes: results };
}

/**
 * Measures memory and starts of ours and of the gateway in TypeScript.
 *
 * @param {import("./contenders.mjs").Contender[]} contenders
 * @param {typeof full} extent
 */
export async function processResults([, peer, ours, active], extent) {
  if (peer === undefined || ours === undefined || active === undefined) {
    throw new Error("expected at least four contenders");
  }
  const settings = settingsOf("kv");
  return {
    memory: await step("Memory", () => memoryAlong(active, settings, extent.memory)),
    firstAnswers: await step("First answers", () => firstAnswers([peer, ours], settings, extent.starts)),
    activeStartUps: await step("wrangler check startup", async () => activeStartUps(ours, extent.startUps)),
  };
}

/**
 * Measures what a forger's requests cost. In strict mode with real objects: what is refused never reaches them.
 *
 * @param {import("./contenders.mjs").Contender} ours
 * @param {import("./rounds.mjs").Extent} extent
 */
export async function attackResults(ours, extent) {
  /** @type {Record<string, Awaited<ReturnType<typeof attackCosts>>>} */
  const results = {};
  for (const mode of ["kv", "object"]) {
    results[mode] = await step(`${mode}: an attack`, () =>
      attackCosts(answersOnly(), [ours, withAll(ours)], settingsOf(mode), extent),
    );
  }
  return { machine: machine(), modes: results };
}

/** @param {typeof full.growth} extent */
export async function growthResults({ rounds, sizeRounds, rows }) {
  return {
    machine: machine(),
    node: await step("Verification in Node, by size", () => inNode(sizeRounds)),
    workerd: await step("Verification in workerd, by size", () => inWorkerd(sizeRounds)),
    rows: await step("Strict mode, by remembered events", () => costByRows(rows, rounds)),
  };
}
