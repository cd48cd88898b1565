// Mutes an open incident, or ends its mute.

import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { Incident, ShownIncident } from "../../alerts/incidents.ts";
import { type ApiError, ask } from "./api.ts";
import { isMuted } from "./incidents.tsx";
import { ErrorNotice } from "./notice.tsx";
import { SessionContext } from "./session.tsx";
import { Time } from "./time.tsx";
import type { Loaded } from "./use-answer.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The API takes 30 days at most, by its own clock. */
const clockMs = 60_000;

/** Clicks are ignored for so long after a change: the impatient ones, and those whose button has moved. */
const settleMs = 1000;

const lengths = [
  ["1 hour", hourMs],
  ["1 day", dayMs],
  ["7 days", 7 * dayMs],
  ["30 days", 30 * dayMs - clockMs],
] as const;

interface MuteProps {
  readonly loaded: Loaded<ShownIncident>;
  readonly incident: ShownIncident;
}

export function Mute({ loaded: { answer, error: loadError, reload }, incident }: MuteProps) {
  const { noticeError } = useContext(SessionContext);
  const [error, setError] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  // Two clicks may come before the page is drawn again.
  const freeAt = useRef(0);
  const heading = useRef<HTMLHeadingElement>(null);
  // Until the incident is loaded again, the buttons would change what is not shown.
  useEffect(() => setBusy(freeAt.current === Number.POSITIVE_INFINITY), [answer, loadError]);

  const mute = async (until: string) => {
    if (isBusy || performance.now() < freeAt.current) {
      return;
    }
    freeAt.current = Number.POSITIVE_INFINITY;
    setBusy(true);
    setError(undefined);
    try {
      await ask<Incident>("incidents/mute", { body: { id: incident.id, until } });
      // The button that ends a mute goes away with it.
      heading.current?.focus();
      reload();
    } catch (failure) {
      setError(failure as ApiError);
      noticeError(failure as ApiError);
      setBusy(false);
    } finally {
      freeAt.current = performance.now() + settleMs;
    }
  };

  const { mutedUntil, mutedBy, openedAt } = incident;
  return (
    <section class="card" aria-labelledby="mute">
      <h2 ref={heading} id="mute" tabIndex={-1}>
        Mute
      </h2>
      <p role="status">
        {isMuted(incident) ? (
          <>
            Muted until <Time at={mutedUntil} /> by {mutedBy}. Nothing is sent until then, also when it closes.
          </>
        ) : (
          "While an incident is muted, no message is sent, also when it closes. Another incident is not muted by it."
        )}
      </p>
      {error !== undefined && <ErrorNotice error={error} />}
      <div class="actions">
        <span class="muted">Mute for</span>
        {lengths.map(([name, ms]) => (
          <button
            key={name}
            type="button"
            aria-disabled={isBusy}
            aria-label={`Mute for ${name}`}
            onClick={() => mute(new Date(Date.now() + ms).toISOString())}
          >
            {name}
          </button>
        ))}
        {isMuted(incident) && (
          // A time that has passed, by any clock.
          <button type="button" aria-disabled={isBusy} onClick={() => mute(openedAt)}>
            Unmute
          </button>
        )}
      </div>
    </section>
  );
}
