// All that is measured, one after the other.

import { join } from "node:path";
import { Complaint, root, step } from "../../scripts/command.mjs";
import { machine } from "../report.mjs";
import { agree } from "./agreement.mjs";
import { built, modes, readsOnly, typescript } from "./contenders.mjs";
import { costByRows } from "./growth/rows.mjs";
import { inNode, inWorkerd } from "./growth/verification.mjs";
import { memoryAlong } from "./memory.mjs";
import { measure } from "./rounds.mjs";
import { activeStartUps, firstAnswers } from "./start.mjs";

/** Rounds are interleaved; medians of fewer would be chance. */
export const full = {
  modes: "kv,strict,object",
  gateway: { launches: 4, rounds: 4, slice: 1500, warmUp: 5000 },
  memory: 200_000,
  starts: 21,
  startUps: 5,
  growth: { rounds: 11, sizeRounds: 31, rows: [1, 10_000, 1_000_000] },
};

/** To see that it works. */
export const quick = {
  modes: "kv,strict",
  gateway: { launches: 2, rounds: 3, slice: 600, warmUp: 2000 },
  memory: 8000,
  starts: 5,
  startUps: 1,
  growth: { rounds: 2, sizeRounds: 3, rows: [1, 10_000] },
};

/** What the others are compared with, ours, and then any other builds. @param {readonly string[]} others folders */
export async function contendersWith(others) {
  const ours = built("ours", join(root, "build", "worker"));
  return [readsOnly(), await typescript(), ours, ...others.map((folder) => built(folder, folder))];
}

/** @param {string} name */
export function settingsOf(name) {
  const settings = modes[name];
  if (settings === undefined) {
    throw new Complaint(`there is no mode ${name}; there are: ${Object.keys(modes).join(", ")}`);
  }
  return settings;
}

/**
 * What a request costs, by mode.
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
    await step(`${mode}: all gateways do the same`, async () => {
      cases = await agree(contenders, settings);
    });
    await step(`${mode}: rounds`, async () => {
      results[mode] = await measure(contenders, settings, extent);
    });
  }
  return { machine: machine(), cases, modes: results };
}

/**
 * Memory and starts, of ours and of the gateway in TypeScript.
 *
 * @param {import("./contenders.mjs").Contender[]} contenders
 * @param {typeof full} extent
 */
export async function processResults([, peer, ours], extent) {
  if (peer === undefined || ours === undefined) {
    throw new Error("expected at least three contenders");
  }
  const settings = settingsOf("kv");
  return {
    memory: await step("memory", () => memoryAlong(ours, settings, extent.memory)),
    firstAnswers: await step("first answers", () => firstAnswers([peer, ours], settings, extent.starts)),
    activeStartUps: await step("wrangler check startup", async () => activeStartUps(ours, extent.startUps)),
  };
}

/** @param {typeof full.growth} extent */
export async function growthResults({ rounds, sizeRounds, rows }) {
  return {
    machine: machine(),
    node: await step("verification in Node, by size", () => inNode(sizeRounds)),
    workerd: await step("verification in workerd, by size", () => inWorkerd(sizeRounds)),
    rows: await step("strict mode, by remembered events", () => costByRows(rows, rounds)),
  };
}
