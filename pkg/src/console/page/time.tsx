// Times: local or UTC, by the operator's choice, and the other one on hover.

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

export type Zone = "local" | "utc";

export const ZoneContext = createContext<Zone>("local");

const parts = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
} as const;

// The Swedish format is that of ISO 8601.
const formats = {
  local: new Intl.DateTimeFormat("sv-SE", parts),
  utc: new Intl.DateTimeFormat("sv-SE", { ...parts, timeZone: "UTC" }),
};

const localZone = new Intl.DateTimeFormat("en", { timeZoneName: "short" });

/** Returns the short name that the zone has now, such as `GMT+1`. */
export function useZoneName(): string {
  return useContext(ZoneContext) === "utc"
    ? "UTC"
    : (localZone.formatToParts().find(({ type }) => type === "timeZoneName")?.value ?? "local");
}

/** Returns a time as `2026-11-24 06:55:01`. */
export function formatTime(at: string | number, zone: Zone): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? String(at) : formats[zone].format(time);
}

const units = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

/** Returns a time as `5 min. ago`. */
function formatAge(at: string | number, now = Date.now()): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / length), unit);
}

/** A view may stay open for days. */
const ageMs = 10_000;

interface TimeProps {
  /** As RFC 3339. */
  readonly at: string | null | undefined;
  /** Shows the age, too. */
  readonly withAge?: boolean;
}

export function Time({ at, withAge = false }: TimeProps) {
  const zone = useContext(ZoneContext);
  if (at === null || at === undefined) {
    return <span class="muted">–</span>;
  }
  // The sender chooses `createdAt`.
  if (Number.isNaN(Date.parse(at))) {
    return <span>{at}</span>;
  }
  // In UTC with milliseconds, whatever the offset that the sender has chosen.
  const other = zone === "local" ? `${new Date(at).toISOString()} (UTC)` : `${formatTime(at, "local")} (local)`;
  return (
    <time dateTime={at} title={other}>
      {formatTime(at, zone)}
      {zone === "utc" && <span class="muted"> UTC</span>}
      {withAge && <Age at={at} />}
    </time>
  );
}

function Age({ at }: { readonly at: string }) {
  const [, setRound] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setRound((last) => last + 1), ageMs);
    return () => clearInterval(timer);
  }, []);
  return <span class="muted"> · {formatAge(at)}</span>;
}
