// The parts that the benches share: statistics, the machine, and their sections of docs/benchmarks.md.

import { readFile, writeFile } from "node:fs/promises";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";

const document = fileURLToPath(new URL("../docs/benchmarks.md", import.meta.url));

/** @param {readonly number[]} values @param {number} share 0.5 is the median */
export function quantile(values, share) {
  const sorted = values.toSorted((one, other) => one - other);
  const position = (sorted.length - 1) * share;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position % 1);
}

/** @param {readonly number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * Half of the distance between the quartiles, as a share of the median.
 *
 * @param {readonly number[]} values
 */
export function spread(values) {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / median(values);
}

/**
 * Divides one contender's values by another's, round by round, because a disturbance affects both.
 *
 * @param {readonly number[]} values
 * @param {readonly number[]} base of the same rounds
 */
export function ratios(values, base) {
  return values.map((value, round) => value / (base[round] ?? Number.NaN));
}

/** Formats a value with three significant digits. @param {number} value */
export function figure(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** @param {string[]} head @param {(string | number)[][]} rows */
export function table(head, rows) {
  const texts = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const lines = texts.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  lines.splice(1, 0, `|${widths.map((width, column) => "-".repeat(width + 1) + (column > 0 ? ":" : "-")).join("|")}|`);
  return lines.join("\n");
}

/** Returns the date and the machine, for the head of a section. */
export function machine() {
  const [cpu] = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${cpus().length} cores of ${cpu?.model.trim()}, ${memory} GiB, ${type()} ${release()}`;
}

/**
 * Replaces the text between a section's two marks in docs/benchmarks.md.
 *
 * @param {string} name
 * @param {string} text
 */
export async function writeSection(name, text) {
  const [start, end] = [`<!-- ${name}: written by the bench -->`, `<!-- end of ${name} -->`];
  const before = await readFile(document, "utf8");
  const [from, to] = [before.indexOf(start), before.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`expected ${document} to have the marks of ${name}`);
  }
  await writeFile(document, `${before.slice(0, from)}${start}\n\n${text.trim()}\n\n${before.slice(to)}`);
}
