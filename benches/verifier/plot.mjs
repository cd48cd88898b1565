// Draws time against size, a field for each runtime.

import * as echarts from "echarts";
import { median } from "../report.mjs";
import { sizeName } from "./tables.mjs";

/** @typedef {import("./types.js").Timed} Timed */

const [width, height] = [1080, 900];
const field = { width: 450, height: 290 };
/** Pages are light or dark, so the plot has its own background. */
const ground = "#ffffff";
const ink = "#24292f";
const grid = "#d8dee4";

/** Where the columns of the legend begin. */
const columns = [60, 400, 740];

/** A line's sign in the legend, without the circle of a point. */
const icon = "path://M0,0 L30,0 L30,3 L0,3 Z";

/** The lines: what they show, their colour, and how they are drawn. @type {[string, string, object][]} */
const lines = [
  ["cronozen-edge matches", "#d1242f", { width: 4 }],
  ["cronozen-edge matchesAsync", "#d1242f", { width: 2.5, type: [8, 3] }],
  ["Rust hmac, native", ink, { width: 1.5, type: "dotted" }],
  ["Rust hmac, native without SHA instructions", "#8c959f", { width: 1.5, type: "dotted" }],
  ["node:crypto createHmac", "#1a7f37", { width: 1.8 }],
  ["Web Crypto subtle.verify", "#0969da", { width: 1.8 }],
  ["@octokit/webhooks-methods verify", "#9a6700", { width: 1.8 }],
  ["stripe verifyHeader", "#8250df", { width: 1.8 }],
  ["@noble/hashes hmac", "#0a9ba5", { width: 1.8 }],
  ["svix verify", "#bf3989", { width: 1.8 }],
  ["standardwebhooks jsonParse: false", "#e07b39", { width: 1.8, type: "dashed" }],
];

/** @param {readonly Timed[]} results @param {readonly { name: string, title: string }[]} runtimes @param {readonly number[]} sizes */
export function plot(results, runtimes, sizes) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  const fields = runtimes.map(({ title }, index) => ({ title, ...place(index) }));
  const series = runtimes.flatMap(({ name }, index) => seriesOf(results, name, index, sizes));
  chart.setOption({
    animation: false,
    backgroundColor: ground,
    textStyle: { color: ink, fontFamily: "Arial, Helvetica, sans-serif" },
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
    legend: legends(series.map(({ name }) => name)),
    grid: fields.map(({ left, top }) => ({ left, top, ...field })),
    xAxis: fields.map((_, gridIndex) => ({
      gridIndex,
      type: "log",
      // Every size gets a tick.
      logBase: 4,
      min: Math.min(...sizes),
      max: Math.max(...sizes),
      axisLabel: { color: ink, formatter: sizeName },
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
    series,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Uses columns, because the widths of texts are only estimated here. @param {readonly string[]} names */
function legends(names) {
  const shown = lines.map(([title]) => title).filter((title) => names.includes(title));
  const rows = Math.ceil(shown.length / columns.length);
  return columns.map((left, column) => ({
    data: shown.slice(column * rows, (column + 1) * rows),
    left,
    top: 798,
    orient: /** @type {const} */ ("vertical"),
    itemWidth: 30,
    icon,
    textStyle: { color: ink, fontSize: 13 },
  }));
}

/** Two fields in a row. @param {number} index */
function place(index) {
  return { left: 70 + (index % 2) * 525, top: 84 + Math.floor(index / 2) * 372 };
}

/** @param {readonly Timed[]} results @param {string} runtime @param {number} index @param {readonly number[]} sizes */
function seriesOf(results, runtime, index, sizes) {
  return lines.flatMap(([title, color, lineStyle]) => {
    const found = results.filter(({ runtime: { name }, contender }) =>
      name === runtime
        ? contender.name.replace("HeaderAsync", "Header") === title
        : `${contender.name}, ${name}` === title,
    );
    // Bytes, or a string for those that accept only strings.
    const shown = found.find(({ form }) => form === "bytes") ?? found[0];
    if (shown === undefined) {
      return [];
    }
    const data = sizes.map((size) => [size, Number(median(shown.samples.get(size) ?? []).toPrecision(4))]);
    const place = { xAxisIndex: index, yAxisIndex: index };
    return [
      { name: title, type: "line", ...place, data, showSymbol: false, color, lineStyle: { color, ...lineStyle } },
    ];
  });
}
