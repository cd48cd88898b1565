// The results as tables.

import { figure, median, ratios, spread, table } from "../report.mjs";

/** @typedef {import("./types.js").Timed} Timed */

/** @param {number} bytes */
export function sizeName(bytes) {
  if (bytes >= 2 ** 20) {
    return `${bytes / 2 ** 20} MiB`;
  }
  return bytes >= 2 ** 10 ? `${bytes / 2 ** 10} KiB` : `${bytes} B`;
}

/**
 * Returns the samples of one contender: empty if it was not measured.
 *
 * @param {readonly Timed[]} results
 * @param {string} runtime
 * @param {string} name
 * @param {string} form
 * @param {number} size
 */
export function samplesOf(results, runtime, name, form, size) {
  const found = results.find((one) => one.runtime.name === runtime && one.contender.name === name && one.form === form);
  return found?.samples.get(size) ?? [];
}

/**
 * Returns the median ratio of two contenders' times. Returns NaN if one of them was not measured.
 *
 * @param {readonly number[]} values
 * @param {readonly number[]} base
 */
export function ratio(values, base) {
  return base.length === 0 ? Number.NaN : median(ratios(values, base));
}

/**
 * The contenders of the short table, and the form of their body. A runtime may have only the asynchronous method.
 *
 * @type {[name: string, form: string][]}
 */
const summaryRows = [
  ["cronozen-edge matches", "bytes"],
  ["cronozen-edge verify", "bytes"],
  ["cronozen-edge/no-wasm matches", "bytes"],
  ["node:crypto createHmac", "bytes"],
  ["Web Crypto subtle.verify", "bytes"],
  ["@noble/hashes hmac", "bytes"],
  ["@octokit/webhooks-methods verify", "string"],
  ["stripe constructEvent", "bytes"],
  ["svix verify", "bytes"],
  ["standardwebhooks verify", "bytes"],
];

/**
 * Returns one row for each of the best known contenders, and a column for each runtime.
 *
 * @param {readonly Timed[]} results
 * @param {readonly { name: string, title: string }[]} hosts
 * @param {number} size
 */
export function summaryTable(results, hosts, size) {
  const rows = summaryRows.map(([name, form]) => {
    const cells = hosts.map((host) => {
      const timed = results.find(
        ({ runtime, contender, form: of }) =>
          runtime.name === host.name && of === form && [name, `${name}Async`].includes(contender.name),
      );
      return timed === undefined ? "" : times(results, timed, size);
    });
    return [name, ...cells];
  });
  return table(["contender", ...hosts.map(({ title }) => title)], rows);
}

/**
 * Returns a contender's median, and its ratio to our median for the same work and form of body.
 *
 * @param {readonly Timed[]} results
 * @param {Timed} timed
 * @param {number} size
 */
function times(results, { runtime, contender, form, samples }, size) {
  const values = samples.get(size) ?? [];
  const ours = `cronozen-edge ${contender.parses ? "verify" : "matches"}`;
  const against = figure(ratio(values, samplesOf(results, runtime.name, ours, form, size)));
  return `${figure(median(values))} · ${against}×`;
}

/**
 * Returns one runtime's table, with the native limit below. Ratios are to ours for the same work and form of body.
 *
 * @param {readonly Timed[]} results
 * @param {string} runtime
 * @param {readonly number[]} sizes
 */
export function runtimeTable(results, runtime, sizes) {
  const head = ["contender", "body", "JSON", ...sizes.map(sizeName)];
  const rows = results
    .filter(({ runtime: { name } }) => name === runtime || name.startsWith("native"))
    .map(({ runtime: { name }, contender, form, samples }) => {
      const title = name === runtime ? contender.name : `${contender.name}, ${name}`;
      const cells = sizes.map((size) => {
        const values = samples.get(size) ?? [];
        const base = samplesOf(
          results,
          runtime,
          `cronozen-edge ${contender.parses ? "verify" : "matches"}`,
          form,
          size,
        );
        return `${figure(median(values))} ±${(spread(values) * 100).toFixed(0)}% · ${figure(ratio(values, base))}×`;
      });
      return [title, form, contender.parses ? "parsed" : "", ...cells];
    });
  return table(head, rows);
}
