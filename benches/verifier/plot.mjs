// Draws time against size, a field for each runtime.

import * as echarts from "echarts";
import { median } from "../report.mjs";
import { sizeName } from "./tables.mjs";

/** @typedef {import("./types.js").Timed} Timed */

const [width, height] = [1080, 900];
/** Pages are light or dark: the plot brings its own ground along. */
const ground = "#ffffff";
const ink = "#24292f";
const grid = "#d8dee4";

/** The lines: what they show, their colour, and how they are drawn. @type {[string, string, object][]} */
const lines = [
  ["cronozen-edge matches", "#d1242f", { width: 4 }],
  ["cronozen-edge matchesAsync", "#d1242f", { width: 2.5, type: [8, 3] }],
  ["Rust hmac, native", ink, { width: 1.5, type: "dotted" }],
  ["Rust hmac, native without SHA instructions", "#8c959f", { width: 1.5, type: "dotted" }],
  ["node:crypto createHmac", "#1a7f37", { width: 1.8 }],
  ["Web Crypto subtle.verify", "#0969da", { width: 1.8 }],
  ["@octokit/webhooks-methods verify", "#9a6700", { width: 1.8 }],
  ["stripe constructEvent", "#8250df", { width: 1.8 }],
  ["@noble/hashes hmac", "#0a9ba5", { width: 1.8 }],
  ["svix verify", "#bf3989", { width: 1.8 }],
  ["standardwebhooks verify", "#e07b39", { width: 1.8 }],
];

/** @param {readonly Timed[]} results @param {readonly { name: string, title: string }[]} runtimes @param {readonly number[]} sizes */
export function plot(results, runtimes, sizes) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  const fields = runtimes.map(({ title }, index) => ({ title, ...place(index) }));
  chart.setOption({
    animation: false,
    backgroundColor: ground,
    textStyle: { color: ink, fontFamily: "system-ui, sans-serif" },
    title: [
      {
        text: "Time for one verification, in microseconds",
        left: 20,
        top: 12,
        textStyle: { color: ink, fontSize: 18 },
      },
      ...fields.map(({ title, left, top }) => ({
        text: title,
        left,
        top: top - 34,
        textStyle: { color: ink, fontSize: 15 },
      })),
    ],
    legend: { bottom: 8, left: 20, right: 20, itemWidth: 34, textStyle: { color: ink, fontSize: 13 } },
    grid: fields.map(({ left, top }) => ({ left, top, width: 460, height: 290 })),
    xAxis: fields.map((_, gridIndex) => ({
      gridIndex,
      type: "category",
      boundaryGap: false,
      data: sizes.map(sizeName),
      axisLabel: { color: ink },
      axisLine: { lineStyle: { color: ink } },
      splitLine: { show: true, lineStyle: { color: grid } },
    })),
    yAxis: fields.map((_, gridIndex) => ({
      gridIndex,
      type: "log",
      min: 0.1,
      max: 100_000,
      axisLabel: { color: ink, formatter: (/** @type {number} */ value) => value.toLocaleString("en") },
      splitLine: { lineStyle: { color: grid } },
    })),
    series: runtimes.flatMap(({ name }, index) => seriesOf(results, name, index, sizes)),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Two fields in a row. @param {number} index */
function place(index) {
  return { left: 60 + (index % 2) * 530, top: 84 + Math.floor(index / 2) * 370 };
}

/** @param {readonly Timed[]} results @param {string} runtime @param {number} index @param {readonly number[]} sizes */
function seriesOf(results, runtime, index, sizes) {
  return lines.flatMap(([title, color, lineStyle]) => {
    const found = results.filter(({ runtime: { name }, contender }) =>
      name === runtime
        ? contender.name.replace(/Event(Async)?$/, "Event") === title
        : `${contender.name}, ${name}` === title,
    );
    // Bytes, or a string for those that take nothing else.
    const shown = found.find(({ form }) => form === "bytes") ?? found[0];
    if (shown === undefined) {
      return [];
    }
    const data = sizes.map((size) => Number(median(shown.samples.get(size) ?? []).toPrecision(4)));
    const place = { xAxisIndex: index, yAxisIndex: index };
    return [
      { name: title, type: "line", ...place, data, showSymbol: false, color, lineStyle: { color, ...lineStyle } },
    ];
  });
}
