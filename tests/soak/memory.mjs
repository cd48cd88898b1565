// The memory of workerd along the run, and the line that fits it.

import { residentMebibytes } from "../worker/gateway.mjs";

/** V8 has grown its heaps, and SQLite its caches, by then; a shorter run leaves out its first third. */
const warmUpMs = 300_000;

/** A shorter part says nothing: a collection of garbage is a step of 10 MiB or more. */
const leastJudgedMs = 60_000;

/** The least of so many samples is compared, so that garbage that is not yet collected does not count. */
const grouped = 10;

/**
 * The most growth, in MiB over the judged part. A run of 15 minutes judges 10, in which 24,000 requests come: 30 MiB would be
 * 1.3 KB of each. Garbage and the allocator's reserves have moved the lows by up to 20 MiB in runs without a leak.
 */
const mostGrowth = 30;

export class Memory {
  /** @type {{ at: number, mebibytes: number }[]} */
  samples = [];
  #started = performance.now();

  sample() {
    this.samples.push({ at: performance.now() - this.#started, mebibytes: residentMebibytes() });
  }

  /** The fit of the samples after the warm-up, and whether they may be judged. */
  fit() {
    const last = this.samples.at(-1)?.at ?? 0;
    const from = Math.min(warmUpMs, last / 3);
    const lows = lowsOf(this.samples.filter(({ at }) => at >= from));
    const minutes = (last - from) / 60_000;
    const { slope, start } = lineThrough(lows);
    const growth = slope * minutes;
    return {
      isJudged: last - from >= leastJudgedMs,
      isFlat: growth <= mostGrowth,
      mostGrowth,
      minutes,
      start,
      end: start + growth,
      growth,
      slope,
      most: Math.max(...this.samples.map(({ mebibytes }) => mebibytes)),
    };
  }
}

/** @param {{ at: number, mebibytes: number }[]} samples */
function lowsOf(samples) {
  const starts = Array.from({ length: Math.ceil(samples.length / grouped) }, (_, group) => group * grouped);
  return starts.map((start) => {
    const group = samples.slice(start, start + grouped);
    return { at: group[0]?.at ?? 0, mebibytes: Math.min(...group.map(({ mebibytes }) => mebibytes)) };
  });
}

/** The line of least squares: MiB a minute, and MiB at the first sample. @param {{ at: number, mebibytes: number }[]} samples */
function lineThrough(samples) {
  const first = samples[0]?.at ?? 0;
  const xs = samples.map(({ at }) => (at - first) / 60_000);
  const ys = samples.map(({ mebibytes }) => mebibytes);
  const mean = (/** @type {number[]} */ list) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [x, y] = [mean(xs), mean(ys)];
  const covariance = xs.reduce((sum, one, index) => sum + (one - x) * ((ys[index] ?? 0) - y), 0);
  const variance = xs.reduce((sum, one) => sum + (one - x) ** 2, 0);
  const slope = variance === 0 ? 0 : covariance / variance;
  return { slope, start: y - slope * x };
}
