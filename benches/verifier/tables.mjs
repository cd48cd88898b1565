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
      if (timed === undefined) {
        return "";
      }
      return `${figure(median(timed.samples.get(size) ?? []))} · ${ratioToOurs(results, host.name, timed, size)}×`;
    });
    return [name, ...cells];
  });
  return table(["contender", ...hosts.map(({ title }) => title)], rows);
}

/**
 * Returns the ratio of a contender's times to ours in a runtime, for the same work and form of body.
 *
 * @param {readonly Timed[]} results
 * @param {string} runtime
 * @param {Timed} timed
 * @param {number} size
 */
function ratioToOurs(results, runtime, { contender, form, samples }, size) {
  const ours = `cronozen-edge ${contender.parses ? "verify" : "matches"}`;
  return figure(ratio(samples.get(size) ?? [], samplesOf(results, runtime, ours, form, size)));
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
    .map((timed) => {
      const { contender, form, samples } = timed;
      const { name } = timed.runtime;
      const title = name === runtime ? contender.name : `${contender.name}, ${name}`;
      const cells = sizes.map((size) => {
        const values = samples.get(size) ?? [];
        const against = ratioToOurs(results, runtime, timed, size);
        return `${figure(median(values))} ±${(spread(values) * 100).toFixed(0)}% · ${against}×`;
      });
      return [title, form, contender.parses ? "parsed" : "", ...cells];
    });
  return table(head, rows);
}
