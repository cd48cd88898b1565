// The report that the soak prints.

/** @param {number} ms */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * @param {number} ms
 * @param {import("./sender.mjs").Sender} sender
 * @param {import("./lines.mjs").Lines} lines
 * @param {import("./memory.mjs").Memory} memory
 */
export function progress(ms, sender, lines, memory) {
  const { attempts, accepted, working, failed, violations } = sender;
  return [
    duration(ms),
    `${attempts} requests`,
    `${accepted.size} events accepted`,
    `${working} under way`,
    `${lines.counts.handled ?? 0} handled`,
    `${failed.length} 5xx`,
    `${violations.length} violations`,
    `workerd ${memory.process.at(-1)?.mebibytes ?? 0} MiB`,
  ].join(", ");
}

/** The answers by kind, as a table. @param {Record<string, Record<string, number>>} counts */
export function countsTable(counts) {
  const rows = Object.entries(counts).map(([kind, answers]) => {
    const total = Object.values(answers).reduce((sum, count) => sum + count, 0);
    const shown = Object.entries(answers)
      .sort(([, one], [, other]) => other - one)
      .map(([answer, count]) => `${answer}: ${count}`);
    return `${kind.padEnd(22)}${String(total).padStart(7)}   ${shown.join(", ")}`;
  });
  return rows.sort().join("\n");
}

/** The lines of memory. @param {import("./memory.mjs").Fit[]} fits @param {number[]} wasm */
export function memoryTable(fits, wasm) {
  const figure = (/** @type {number} */ number) => number.toFixed(1).padStart(7);
  const lines = fits.map(({ name, start, end, slope, growth, mostGrowth }) => {
    const bound = mostGrowth === undefined ? "not judged" : `at most ${mostGrowth}`;
    return `${name.padEnd(12)}${figure(start)} to ${figure(end)} MiB, ${figure(slope)} a minute, grown by ${figure(growth)} (${bound})`;
  });
  return [...lines, `WebAssembly's memory ${wasm.map((size) => size.toFixed(1)).join(" ")}`].join("\n    ");
}
