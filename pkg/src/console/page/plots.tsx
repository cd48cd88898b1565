// The plots of the overview: deliveries, handled events and dead letters, and times.

import { useContext, useMemo, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { ActivitySummary, ActivityUnit, GatewayStatus } from "../../activity.ts";
import type { OutcomePeriod, OutcomeSummary } from "../outcomes.ts";
import type { Status } from "../status.ts";
import { viewPath } from "./api.ts";
import type { Mark } from "./canvas.ts";
import { boundOf, deliveriesOf, formatBound, slotsOf, timesOf } from "./counts.ts";
import { LoadError } from "./notice.tsx";
import { formatCount } from "./numbers.ts";
import { Choice, Empty, Loading } from "./parts.tsx";
import { Plot, type PlotSeries, periodName, ranges } from "./plot.tsx";
import { formatTime, ZoneContext } from "./time.tsx";
import { type Loaded, useAnswer } from "./use-answer.ts";
import { knownActivity } from "./verdict.ts";

/** Counts by hour and by day change slowly. */
const slowMs = 300_000;

/** As many events take a fifth of the rows that the free plan may read in a day, if they are counted every 5 minutes. */
const mostCounted = 2000;

/** Answers above the last bound of the histogram are drawn here: none takes longer than 4,500 ms. */
const overflowMs = 5500;

interface PlotsProps {
  readonly by: ActivityUnit;
  readonly status: Status;
  readonly minutes: Loaded<ActivitySummary>;
}

export function Plots({ by, status, minutes }: PlotsProps) {
  const { route } = useLocation();
  const activity = knownActivity(status);
  const isMinute = by === "minute";
  const longer = useAnswer<ActivitySummary>(isMinute || status.activity === null ? undefined : `activity?by=${by}`, {
    everyMs: slowMs,
  });
  const outcomes = useAnswer<OutcomeSummary>(`outcomes?by=${by}`, {
    everyMs: slowMs,
    mayChange: ({ answer }) => answer === undefined || isCountedAgain(answer),
  });
  const loaded = isMinute ? minutes : longer;
  const deliveries = useLast(loaded);
  const became = useLast(outcomes);
  const marks = useMemo(() => marksOf(activity?.gateways ?? []), [activity]);
  return (
    <section class="stack" id="plots" aria-label="Plots">
      <header class="heading">
        <h2>Over time</h2>
        <Choice
          label="Time"
          options={(["minute", "hour", "day"] as const).map((unit) => [unit, ranges[unit]] as const)}
          value={by}
          onChange={(unit) => route(viewPath("", { by: unit === "minute" ? undefined : unit }))}
        />
      </header>
      {status.activity === null ? (
        <Empty title="Deliveries are not known here.">
          Bind the gateway's Durable Object as <code>ACTIVITY</code> in this Worker's wrangler.toml, and add{" "}
          <code>activity: (env) =&gt; env.ACTIVITY</code> to <code>deadLetters()</code>.
        </Empty>
      ) : (
        <>
          <LoadError loaded={loaded} />
          {deliveries.answer === undefined && loaded.isLoading && <Loading />}
        </>
      )}
      {deliveries.answer && <DeliveriesPlot summary={deliveries.answer} now={deliveries.loadedAt} marks={marks} />}
      <LoadError loaded={outcomes} />
      <div class="columns">
        {became.answer && <OutcomesPlot summary={became.answer} now={became.loadedAt} marks={marks} />}
        {deliveries.answer && <TimesPlot summary={deliveries.answer} now={deliveries.loadedAt} marks={marks} />}
      </div>
    </section>
  );
}

/**
 * An answer reads up to 50,000 rows of D1. Beyond the 5 million a day of the free plan, claims fail, too. So a long range and
 * a busy hour are counted once, when they are shown.
 */
function isCountedAgain({ by, periods }: OutcomeSummary): boolean {
  const events = periods.reduce(
    (sum, { handled, outdated, ignored, dead }) => sum + handled + outdated + ignored + dead,
    0,
  );
  return by === "minute" && events <= mostCounted;
}

/** Returns what was loaded last: a plot stays until that of another range is there. */
function useLast<Answer>(loaded: Loaded<Answer>): Loaded<Answer> {
  const last = useRef(loaded);
  if (loaded.answer !== undefined) {
    last.current = loaded;
  }
  return last.current;
}

interface PlotProps<Summary> {
  readonly summary: Summary;
  /** When it was loaded, in milliseconds since 1970. */
  readonly now: number;
  readonly marks: readonly Mark[];
}

const deliverySeries = [
  ["Accepted", "accepted", "--plot-accepted"],
  ["Duplicate", "duplicate", "--plot-duplicate"],
  ["Refused", "refused", "--plot-refused"],
  ["Failed", "failed", "--plot-failed"],
] as const;

function DeliveriesPlot({ summary, now, marks }: PlotProps<ActivitySummary>) {
  const { by, periods } = summary;
  const slots = slotsOf(by, periods, now);
  const counts = slots.map(({ period }) => deliveriesOf(period === undefined ? [] : [period]));
  const series = deliverySeries.map(([name, kind, color]) =>
    countSeries(
      name,
      color,
      counts.map((deliveries) => deliveries[kind]),
    ),
  );
  const times = slots.map(({ at }) => at);
  return <Plot title="Deliveries" {...{ by, times, series, marks }} kind="counts" format={formatCount} />;
}

const outcomeSeries = [
  ["Handled", "--plot-handled", ({ handled }: OutcomePeriod) => handled],
  ["Outdated or ignored", "--plot-duplicate", ({ outdated, ignored }: OutcomePeriod) => outdated + ignored],
  ["New dead letters", "--plot-failed", ({ dead }: OutcomePeriod) => dead],
] as const;

function OutcomesPlot({ summary, now, marks }: PlotProps<OutcomeSummary>) {
  const zone = useContext(ZoneContext);
  const { by, from, countedFrom, periods } = summary;
  const slots = slotsOf(by, periods, now);
  const series = outcomeSeries.map(([name, color, count]) =>
    countSeries(
      name,
      color,
      slots.map(({ period }) => (period === undefined ? 0 : count(period))),
    ),
  );
  const isPart = Date.parse(countedFrom) > Date.parse(from);
  const notes = [
    isPart &&
      `There are too many events: those before ${periodName(Date.parse(countedFrom), by, zone)} are not counted.`,
    !isCountedAgain(summary) && `Counted at ${formatTime(now, zone)}. Reload the page to count again.`,
  ];
  const note = notes.filter(Boolean).join(" ") || undefined;
  const times = slots.map(({ at }) => at);
  return (
    <Plot
      title="Handled events and dead letters"
      {...{ by, times, series, marks, note }}
      kind="counts"
      format={formatCount}
    />
  );
}

const timeSeries = [
  ["p50", "--plot-accepted", 0.5],
  ["p99", "--plot-slow", 0.99],
] as const;

/** The histogram has bounds only, so a value says "at most". */
function TimesPlot({ summary, now, marks }: PlotProps<ActivitySummary>) {
  const { by, boundsMs, periods } = summary;
  const slots = slotsOf(by, periods, now);
  const shown = slots.flatMap(({ period }) => period ?? []);
  const series = timeSeries.map(([name, color, share]) => ({
    name,
    color,
    values: slots.map(({ period }) => drawnMs(boundOf(share, period?.ms ?? [], boundsMs))),
    whole: formatBound(boundOf(share, timesOf(shown), boundsMs), boundsMs),
  }));
  const format = (ms: number) => formatBound(ms === overflowMs ? Number.POSITIVE_INFINITY : ms, boundsMs);
  const times = slots.map(({ at }) => at);
  return <Plot title="Time until the answer" {...{ by, times, series, marks, format }} kind="times" />;
}

function drawnMs(bound: number | undefined): number | null {
  return bound === undefined ? null : Math.min(bound, overflowMs);
}

function countSeries(name: string, color: string, values: readonly number[]): PlotSeries {
  return { name, color, values, whole: formatCount(values.reduce((sum, value) => sum + value, 0)) };
}

/** A deployment is marked at its first line. The newest comes first. */
function marksOf(gateways: readonly GatewayStatus[]): Mark[] {
  return gateways
    .map(({ firstAt, tag, deployment }) => ({
      at: Date.parse(firstAt),
      label: `deployed ${tag || deployment?.slice(0, 8) || ""}`.trim(),
    }))
    .sort((one, other) => other.at - one.at);
}
