// The memory along the run: that of the whole process, and the heaps of the gateway and the consumer after a collection of
// garbage. A line is fitted to each.

import { residentMebibytes } from "../worker/gateway.mjs";

/** The caches and the heaps of workerd have grown by then; a shorter run leaves out its first third. */
const warmUpMs = 300_000;

/** A shorter part says nothing: what is under way changes by as much as a leak would. */
const leastJudgedMs = 75_000;

/** The least of so many samples of the process is fitted, so that garbage that is not yet collected does not count. */
const grouped = 10;

/** @typedef {{ at: number, mebibytes: number }} Sample */
/** @typedef {{ name: string, start: number, end: number, slope: number, growth: number, mostGrowth: number | undefined }} Fit */

export class Memory {
  /** @type {Sample[]} */
  process = [];
  /** The heaps by Worker. @type {Map<string, Sample[]>} */
  #heaps = new Map();
  #started = performance.now();

  /** @param {Record<string, number>} mostGrowth of each part that is judged, in MiB */
  constructor(mostGrowth) {
    this.mostGrowth = mostGrowth;
  }

  sample() {
    this.process.push({ at: performance.now() - this.#started, mebibytes: residentMebibytes() });
  }

  /** @param {Record<string, number>} heaps */
  add(heaps) {
    for (const [name, mebibytes] of Object.entries(heaps)) {
      const samples = this.#heaps.get(name) ?? [];
      samples.push({ at: performance.now() - this.#started, mebibytes });
      this.#heaps.set(name, samples);
    }
  }

  /** The lines after the warm-up. */
  fits() {
    const last = this.process.at(-1)?.at ?? 0;
    const from = Math.min(warmUpMs, last / 3);
    const fit = (/** @type {string} */ name, /** @type {Sample[]} */ samples) =>
      this.#fit(
        name,
        samples.filter(({ at }) => at >= from),
      );
    const fits = [fit("workerd", lowsOf(this.process)), ...[...this.#heaps].map(([name, list]) => fit(name, list))];
    return { isJudged: last - from >= leastJudgedMs, fits };
  }

  /** @param {string} name @param {Sample[]} samples @returns {Fit} */
  #fit(name, samples) {
    const { slope, start } = lineThrough(samples);
    const growth = slope * minutesOf(samples.at(-1), samples[0]);
    return { name, start, end: start + growth, slope, growth, mostGrowth: this.mostGrowth[name] };
  }
}

/** @param {Sample[]} samples */
function lowsOf(samples) {
  const starts = Array.from({ length: Math.ceil(samples.length / grouped) }, (_, group) => group * grouped);
  return starts.map((start) => {
    const group = samples.slice(start, start + grouped);
    return { at: group[0]?.at ?? 0, mebibytes: Math.min(...group.map(({ mebibytes }) => mebibytes)) };
  });
}

/** @param {Sample | undefined} sample @param {Sample | undefined} first */
function minutesOf(sample, first) {
  return ((sample?.at ?? 0) - (first?.at ?? 0)) / 60_000;
}

/** The line of least squares: MiB a minute, and MiB at the first sample. @param {Sample[]} samples */
function lineThrough(samples) {
  const xs = samples.map((sample) => minutesOf(sample, samples[0]));
  const ys = samples.map(({ mebibytes }) => mebibytes);
  const mean = (/** @type {number[]} */ list) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [x, y] = [mean(xs), mean(ys)];
  const covariance = xs.reduce((sum, one, index) => sum + (one - x) * ((ys[index] ?? 0) - y), 0);
  const variance = xs.reduce((sum, one) => sum + (one - x) ** 2, 0);
  const slope = variance === 0 ? 0 : covariance / variance;
  return { slope, start: y - slope * x };
}
