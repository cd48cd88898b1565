// The figures of the last hour, and of now.

import type { ComponentChildren } from "preact";
import type { ActivitySummary } from "../../activity.ts";
import type { Losses } from "../../consumer/losses.ts";
import type { Status } from "../status.ts";
import { viewPath } from "./api.ts";
import { boundOf, deliveriesOf, formatBound, timesOf } from "./counts.ts";
import { formatCount } from "./numbers.ts";
import { knownActivity } from "./verdict.ts";

interface FiguresProps {
  readonly status: Status;
  readonly minutes: ActivitySummary | undefined;
  readonly losses: Losses | undefined;
}

export function Figures({ status, minutes, losses }: FiguresProps) {
  const summary = knownActivity(status) === undefined ? undefined : minutes;
  const deliveries = summary && deliveriesOf(summary.periods);
  const times = summary && timesOf(summary.periods);
  const bound = (share: number) =>
    summary && times && formatBound(boundOf(share, times, summary.boundsMs), summary.boundsMs);
  const outcome = (name: string) => viewPath("deliveries", { outcome: name });
  const { open } = status.deadLetters;
  const lost = losses?.lost ?? 0;
  return (
    <div class="figures">
      <section aria-label="Last hour">
        <h2>Last hour</h2>
        <Figure name="Accepted" value={deliveries?.accepted} href={outcome("accepted")} />
        <Figure name="Duplicates" value={deliveries?.duplicate} href={outcome("duplicate")} />
        <Figure name="Refused" value={deliveries?.refused} href={outcome("rejected")} tone="warn" />
        <Figure name="Failed" value={deliveries?.failed} href={outcome("failed")} tone="bad" />
        <Figure name="p50 time" value={bound(0.5)} />
        <Figure name="p99 time" value={bound(0.99)} />
      </section>
      <section aria-label="Now">
        <h2>Now</h2>
        <Figure name="Open dead letters" value={open} href={viewPath("dead-letters")} tone="bad" />
        <Figure name="Event queue" value={status.backlog.events} href={outcome("accepted")} />
        <Figure name="Dead-letter queue" value={status.backlog.dead} href={viewPath("dead-letters")} />
        <Figure
          name="Lost"
          value={losses?.lost}
          href={lost > 0 ? "#lost" : undefined}
          tone="bad"
          note={losses && lossNote(losses)}
        />
      </section>
    </div>
  );
}

function lossNote({ waiting, notKept }: Losses): string {
  return [
    waiting > 0 && `${formatCount(waiting)} may still come`,
    notKept > 0 && `${formatCount(notKept)} not recorded`,
  ]
    .filter(Boolean)
    .join(", ");
}

interface FigureProps {
  readonly name: string;
  readonly value: number | string | null | undefined;
  readonly href?: string | undefined;
  /** The tone of a number above 0. */
  readonly tone?: "warn" | "bad";
  readonly note?: ComponentChildren;
}

function Figure({ name, value, href, tone, note }: FigureProps) {
  const isKnown = value !== null && value !== undefined;
  const shown = typeof value === "number" ? formatCount(value) : value;
  const content = (
    <>
      <span>{name}</span>
      <strong class={tone !== undefined && isKnown && value !== 0 ? tone : undefined}>{isKnown ? shown : "–"}</strong>
      {!isKnown && <small>not known here</small>}
      {note && <small>{note}</small>}
    </>
  );
  return href === undefined ? (
    <div class="figure">{content}</div>
  ) : (
    <a class="figure" href={href}>
      {content}
    </a>
  );
}
