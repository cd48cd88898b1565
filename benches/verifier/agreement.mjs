// Checks, before the timing, that each contender accepts good deliveries and refuses bad ones.

import { Complaint } from "../../scripts/command.mjs";
import { headersOf } from "./signing.mjs";

/** @typedef {import("./types.js").Entry} Entry */

/** @type {{ title: string, good: boolean, altered: boolean, headers: (size: number) => import("./types.js").Headers }[]} */
const deliveries = [
  { title: "a good delivery", good: true, altered: false, headers: (size) => headersOf(size) },
  { title: "an altered body", good: false, altered: true, headers: (size) => headersOf(size) },
  {
    title: "another secret's signature",
    good: false,
    altered: false,
    headers: (size) => headersOf(size, { suffix: "x" }),
  },
  {
    title: "an altered signature",
    good: false,
    altered: false,
    headers: (size) => headersOf(size, { change: (text) => (text.startsWith("0") ? "1" : "0") + text.slice(1) }),
  },
  {
    title: "a shortened signature",
    good: false,
    altered: false,
    headers: (size) => headersOf(size, { change: (text) => text.slice(0, -2) }),
  },
  {
    title: "a delivery without a signature",
    good: false,
    altered: false,
    headers: (size) => headersOf(size, { change: () => "" }),
  },
];

/**
 * Ends the bench if a contender disagrees.
 *
 * @param {Entry[]} entries
 * @param {readonly number[]} sizes
 */
export async function agree(entries, sizes) {
  const wrong = [];
  for (const size of sizes) {
    for (const { title, good, altered, headers } of deliveries) {
      const signed = headers(size);
      for (const { runtime, contender, form } of entries) {
        const request = { contender: contender.name, form, body: { size, altered }, headers: signed, count: 1 };
        const { accepted, error } = await runtime.run(request);
        if ((accepted === 1) !== good) {
          const verb = good ? `refuses (${error ?? "without an error"})` : "accepts";
          wrong.push(`${runtime.name}: ${contender.name} ${verb} ${title} of ${size} bytes as ${form}`);
        }
      }
    }
  }
  if (wrong.length > 0) {
    throw new Complaint(`contenders disagree, so nothing was timed:\n${wrong.join("\n")}`);
  }
  return deliveries.length;
}
