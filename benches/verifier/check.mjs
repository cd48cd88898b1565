// The quick check for CI: bounds far below the goals, so that a noisy machine does not fail it and a broken
// verifier does.

import { Complaint } from "../../scripts/command.mjs";
import { figure } from "../report.mjs";
import { ratio, samplesOf, sizeName } from "./tables.mjs";

/** @type {{ peer: string, form: "bytes" | "string", least: Record<number, number> }[]} */
const bounds = [
  { peer: "svix verify", form: "string", least: { 256: 4, 4096: 4 } },
  { peer: "node:crypto createHmac", form: "bytes", least: { 256: 1.2, 4096: 1 } },
];

export const checkedSizes = [256, 4096];

/** @param {import("./types.js").Entry} entry */
export function isChecked({ contender: { name }, form }) {
  return name === "cronozen-edge matches" || bounds.some((bound) => bound.peer === name && bound.form === form);
}

/** @param {readonly import("./types.js").Timed[]} results */
export function checkRatios(results) {
  const slow = [];
  for (const { peer, form, least } of bounds) {
    for (const size of checkedSizes) {
      const bound = least[size];
      if (bound === undefined) {
        continue;
      }
      const ours = samplesOf(results, "node", "cronozen-edge matches", form, size);
      const value = ratio(samplesOf(results, "node", peer, form, size), ours);
      const line = `${sizeName(size)}: ${peer} takes ${figure(value)} times as long as ours; at least ${bound} required`;
      console.log(line);
      // NaN must fail, too.
      if (!(value >= bound)) {
        slow.push(line);
      }
    }
  }
  if (slow.length > 0) {
    throw new Complaint(`the verifier has become slow:\n${slow.join("\n")}`);
  }
}
