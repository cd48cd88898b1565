// Draws a plot with uPlot.

import uPlot from "uplot";
import type { ActivityUnit } from "../../activity.ts";
import { formatDuration } from "./numbers.ts";
import { formatTime, type Zone } from "./time.tsx";

/** A time that is marked by a vertical line. */
export interface Mark {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly label: string;
}

interface Drawing {
  readonly kind: "counts" | "times";
  readonly by: ActivityUnit;
  readonly zone: Zone;
  /** The names of the series' colours in the style sheet. */
  readonly colors: readonly string[];
  readonly data: uPlot.AlignedData;
  readonly range: () => [from: number, to: number];
  readonly format: (value: number) => string;
  readonly marks: () => readonly Mark[];
  /** Gets the period under the cursor. */
  readonly onIndex: (index: number | null) => void;
}

const height = 180;

const font = "11px system-ui, sans-serif";

/** The least top of a scale of counts, so that its steps are whole numbers. */
const leastCount = 4;

/** The share of a plot's height above its highest bar. */
const headroom = 1.12;

const countSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** The range and the steps of a scale of times, in milliseconds. It is logarithmic. */
const [leastMs, mostMs] = [4, 7000];
const msSteps = [5, 25, 100, 500, 2000];

/** Draws into the element, and again when its width or the theme changes. */
export function drawPlot(element: HTMLElement, drawing: Drawing): { plot: uPlot; destroy: () => void } {
  const colors = new Map<string, string>();
  const color = (name: string) => {
    const found = colors.get(name) ?? resolve(element, name);
    colors.set(name, found);
    return found;
  };
  const plot = new uPlot(optionsOf(element, drawing, color), drawing.data, element);
  const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
  resized.observe(element);
  const theme = matchMedia("(prefers-color-scheme: dark)");
  const repaint = () => {
    colors.clear();
    plot.redraw();
  };
  theme.addEventListener("change", repaint);
  return {
    plot,
    destroy: () => {
      theme.removeEventListener("change", repaint);
      resized.disconnect();
      plot.destroy();
    },
  };
}

/** A canvas takes no variable, and no light-dark(). */
function resolve(element: HTMLElement, name: string): string {
  const probe = element.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

type Color = (name: string) => string;

function optionsOf(element: HTMLElement, drawing: Drawing, color: Color): uPlot.Options {
  const { kind, zone, by, colors, range, onIndex } = drawing;
  const isCounts = kind === "counts";
  // Stacked sums come in the reverse order.
  const ordered = isCounts ? [...colors].reverse() : colors;
  let last: number | null = null;
  return {
    width: element.clientWidth,
    height,
    ms: 1,
    padding: [18, 18, 0, 0],
    tzDate: (at) => (zone === "utc" ? uPlot.tzDate(new Date(at), "Etc/UTC") : new Date(at)),
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: !isCounts },
      sync: { key: "overview" },
    },
    scales: {
      x: { range },
      y: isCounts
        ? { range: (_, __, most) => [0, Math.max(leastCount, (most ?? 0) * headroom)] }
        : { distr: 3, range: [leastMs, mostMs] },
    },
    axes: [
      {
        stroke: () => color("--muted"),
        font,
        size: 28,
        // Otherwise the first time would touch the 0 of the other axis.
        gap: 9,
        space: by === "day" ? 52 : 46,
        grid: { show: false },
        ticks: { show: false },
        values: (_, times) => times.map((time) => tickOf(time, by, zone)),
      },
      {
        stroke: () => color("--muted"),
        font,
        size: 50,
        space: 28,
        grid: { stroke: () => color("--border"), width: 1 },
        ticks: { show: false },
        values: (_, values) => values.map((value) => (isCounts ? compact.format(value) : formatDuration(value))),
        ...(isCounts
          ? { incrs: countSteps }
          : { splits: () => msSteps, filter: (_: uPlot, splits: number[]) => splits }),
      },
    ],
    series: [{}, ...ordered.map((name) => (isCounts ? barsOf(name, color) : lineOf(name, color)))],
    hooks: {
      setCursor: [
        ({ cursor: { idx } }) => {
          const index = idx ?? null;
          if (index !== last) {
            last = index;
            onIndex(index);
          }
        },
      ],
      draw: [(plot) => drawMarks(plot, drawing.marks(), color)],
    },
  };
}

function barsOf(name: string, color: Color): uPlot.Series {
  return {
    fill: () => color(name),
    width: 0,
    points: { show: false },
    ...(uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [0.8, 28], radius: 0 }) }),
  };
}

function lineOf(name: string, color: Color): uPlot.Series {
  return {
    stroke: () => color(name),
    width: 1.5,
    points: { show: true, size: 5, width: 0, fill: () => color(name) },
  };
}

const compact = new Intl.NumberFormat("en", { notation: "compact" });

/** Midnight shows the day. */
function tickOf(time: number, by: ActivityUnit, zone: Zone): string {
  const [day = "", hour = ""] = formatTime(time, zone).slice("2026-".length, "2026-11-24 06:55".length).split(" ");
  return by === "day" || hour === "00:00" ? day : hour;
}

function drawMarks(plot: uPlot, marks: readonly Mark[], color: Color): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = color("--muted");
  ctx.lineWidth = ratio;
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  // The newest first. A label that would cover a newer one is left out.
  let end = Number.POSITIVE_INFINITY;
  for (const { at, label } of marks) {
    const x = Math.round(plot.valToPos(at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) {
      continue;
    }
    ctx.beginPath();
    ctx.moveTo(x, bbox.top - 4 * ratio);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const { width } = ctx.measureText(label);
    const left = Math.max(x - width, 0);
    if (left + width <= end) {
      ctx.fillText(label, left, bbox.top - 5 * ratio);
      end = left - 8 * ratio;
    }
  }
  ctx.restore();
}
