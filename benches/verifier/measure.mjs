// Interleaves all measurements: each round takes one sample of each contender, in a random order.

import { Complaint } from "../../scripts/command.mjs";
import { headersOf } from "./signing.mjs";

/**
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Timed} Timed
 */

/** The warm-up samples before the first round: engines recompile code that has run for a while. */
const warmUps = 4;

/** The most by which the number of calls is multiplied from one warm-up sample to the next. */
const growth = 16;

/**
 * @param {import("./types.js").Runtime[]} runtimes
 * @returns {Entry[]}
 */
export function entriesOf(runtimes) {
  return runtimes.flatMap((runtime) =>
    runtime.contenders.flatMap((contender) => contender.forms.map((form) => ({ runtime, contender, form }))),
  );
}

/**
 * @param {Entry[]} entries
 * @param {readonly number[]} sizes
 * @param {number} rounds
 * @returns {Promise<Timed[]>}
 */
export async function measure(entries, sizes, rounds) {
  const timed = entries.map((entry) => ({ ...entry, samples: /** @type {Map<number, number[]>} */ (new Map()) }));
  for (const size of sizes) {
    const counts = new Map();
    for (const entry of timed) {
      counts.set(entry, await countFor(entry, size));
      entry.samples.set(size, []);
    }
    for (let round = 0; round < rounds; round += 1) {
      const headers = headersOf(size);
      for (const entry of shuffledByRuntime(timed)) {
        const count = counts.get(entry);
        const milliseconds = await sample(entry, size, count, headers);
        entry.samples.get(size)?.push((milliseconds * 1000) / count);
      }
    }
  }
  return timed;
}

/**
 * Warms up a contender. Returns the number of calls that fill a sample.
 *
 * @param {Entry} entry
 * @param {number} size
 */
async function countFor(entry, size) {
  const { sample: wanted } = entry.runtime;
  const headers = headersOf(size);
  let count = 1;
  for (let left = warmUps; left > 0; ) {
    const milliseconds = await sample(entry, size, count, headers);
    // A time that is measured outside may be negative.
    const factor = milliseconds > 0 ? wanted / milliseconds : growth;
    left -= factor < 2 ? 1 : 0;
    count = Math.max(1, Math.ceil(count * Math.min(factor, growth)));
  }
  return count;
}

/**
 * @param {Entry} entry
 * @param {number} size
 * @param {number} count
 * @param {import("./types.js").Headers} headers
 */
async function sample({ runtime, contender, form }, size, count, headers) {
  const request = { contender: contender.name, form, body: { size, altered: false }, headers, count };
  const { accepted, milliseconds, error } = await runtime.run(request);
  if (accepted !== count) {
    throw new Complaint(`${runtime.name}: ${contender.name} refused a good body of ${size} bytes ${error ?? ""}`);
  }
  return milliseconds;
}

/**
 * Shuffles the entries, but keeps each runtime together, so that compared samples are close in time. The native limit
 * is among the entries of Node.
 *
 * @param {readonly Timed[]} entries
 */
function shuffledByRuntime(entries) {
  const groups = Map.groupBy(entries, ({ runtime: { name } }) => (name.startsWith("native") ? "node" : name));
  return shuffled([...groups.values()]).flatMap(shuffled);
}

/** @template T @param {readonly T[]} list @returns {T[]} */
function shuffled(list) {
  const rest = [...list];
  const order = [];
  while (rest.length > 0) {
    order.push(...rest.splice(Math.floor(Math.random() * rest.length), 1));
  }
  return order;
}
