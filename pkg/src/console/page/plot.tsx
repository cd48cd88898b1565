// A plot of periods: a canvas, a legend that is text, and the same numbers as a table.

import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import type { ActivityUnit } from "../../activity.ts";
import { unitMs } from "../../consumer/time.ts";
import { drawPlot, type Mark } from "./canvas.ts";
import { Table } from "./parts.tsx";
import { formatTime, Time, type Zone, ZoneContext } from "./time.tsx";

export interface PlotSeries {
  readonly name: string;
  /** The name of a colour in the style sheet. */
  readonly color: string;
  /** A value for each period; `null` if there is none. */
  readonly values: readonly (number | null)[];
  /** The value for the whole range, as text. */
  readonly whole: string;
}

interface PlotProps {
  readonly title: string;
  readonly by: ActivityUnit;
  /** The starts of the periods, in milliseconds since 1970. */
  readonly times: readonly number[];
  readonly series: readonly PlotSeries[];
  /** Counts are stacked as bars, times are lines. */
  readonly kind: "counts" | "times";
  readonly format: (value: number) => string;
  /** The deployments. */
  readonly marks: readonly Mark[];
  readonly note?: string | undefined;
}

/** The text beside a legend that is for the whole range. */
export const ranges: Readonly<Record<ActivityUnit, string>> = {
  minute: "Last hour",
  hour: "Last 2 days",
  day: "Last 90 days",
};

export function Plot(props: PlotProps) {
  const { title, by, times, series, format, note } = props;
  const zone = useContext(ZoneContext);
  const [index, setIndex] = useState<number | null>(null);
  const at = index === null ? undefined : times[index];
  const canvas = usePlot(props, by === "day" ? "utc" : zone, setIndex);
  const isEmpty = series.every(({ values }) => values.every((value) => !value));
  const summary = series.map(({ name, whole }) => `${name} ${whole}`).join(", ");
  return (
    <figure class="card plot">
      <figcaption>
        <h3>{title}</h3>
        <span class="muted">{at === undefined ? ranges[by] : periodName(at, by, zone)}</span>
        <ul class="legend">
          {series.map(({ name, color, values, whole }) => (
            <li key={name}>
              <i style={{ background: `var(${color})` }} />
              {name} <b>{index === null ? whole : textOf(values[index], format)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="canvas" ref={canvas} role="img" aria-label={`${title}. ${ranges[by]}, by ${by}: ${summary}.`}>
        {isEmpty && (
          <span class="nothing">
            <span>Nothing in this time</span>
          </span>
        )}
      </div>
      {note !== undefined && <p class="muted">{note}</p>}
      <PlotTable {...props} />
    </figure>
  );
}

/** Draws into the element of the returned reference. */
function usePlot(props: PlotProps, zone: Zone, setIndex: (index: number | null) => void) {
  const { kind, by, times, series, marks } = props;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latestMarks = useRef(marks);
  latestMarks.current = marks;
  const latestFormat = useRef(props.format);
  latestFormat.current = props.format;
  const data = dataOf(props);
  const end = useRef(0);
  end.current = (times.at(-1) ?? 0) + unitMs[by];
  const start = useRef(0);
  start.current = times[0] ?? 0;

  useEffect(() => {
    if (element.current === null) {
      return;
    }
    const drawn = drawPlot(element.current, {
      kind,
      by,
      zone,
      colors: series.map(({ color }) => color),
      data,
      range: () => [start.current, end.current],
      format: (value) => latestFormat.current(value),
      marks: () => latestMarks.current,
      onIndex: setIndex,
    });
    plot.current = drawn.plot;
    return drawn.destroy;
  }, [kind, by, zone]);

  // The numbers alone make a new drawing necessary, not each rendering.
  const changed = JSON.stringify([data, marks]);
  useEffect(() => plot.current?.setData(data), [changed]);
  return element;
}

/** Stacked counts are drawn from the whole sum down to the first series. */
function dataOf({ kind, by, times, series }: PlotProps): uPlot.AlignedData {
  const middles = times.map((time) => time + unitMs[by] / 2);
  if (kind === "times") {
    return [middles, ...series.map(({ values }) => [...values])];
  }
  const sums = series.map((_, last) =>
    times.map((_, index) => series.slice(0, last + 1).reduce((sum, { values }) => sum + (values[index] ?? 0), 0)),
  );
  return [middles, ...sums.reverse()];
}

/** Opens on demand: a closed one has no rows. */
function PlotTable({ title, by, times, series, format }: PlotProps) {
  const [isOpen, setOpen] = useState(false);
  const filled = times
    .map((at, index) => ({ at, values: series.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null && value !== 0))
    .reverse();
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {isOpen && filled.length === 0 && <p class="muted">Nothing in this time.</p>}
      {isOpen && filled.length > 0 && (
        <Table
          label={`${title}, by ${by}`}
          columns={[by === "day" ? "Day (UTC)" : "From", ...series.map(({ name }) => ({ name, class: "number" }))]}
        >
          {filled.map(({ at, values }) => (
            <tr key={at}>
              <td class="narrow">
                {by === "day" ? periodName(at, by, "utc") : <Time at={new Date(at).toISOString()} />}
              </td>
              {values.map((value, position) => (
                <td key={series[position]?.name} class="number" data-name={series[position]?.name}>
                  {textOf(value, format)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
    </details>
  );
}

/** Days are those of UTC, whatever the operator's zone. */
export function periodName(at: number, by: ActivityUnit, zone: Zone): string {
  return by === "day"
    ? `${formatTime(at, "utc").slice(0, "2026-11-24".length)} UTC`
    : formatTime(at, zone).slice(0, "2026-11-24 06:55".length);
}

function textOf(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}
