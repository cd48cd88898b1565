// What has been measured, as tables.

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
 * The samples of one contender; empty if it was not measured.
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
 * What one takes for each unit that another takes; not a number if one of them was not measured.
 *
 * @param {readonly number[]} values
 * @param {readonly number[]} base
 */
export function ratio(values, base) {
  return base.length === 0 ? Number.NaN : median(ratios(values, base));
}

/**
 * One runtime's table, with the native limit below. Ratios are to ours that does the same with the same.
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
