// The overview's cards beside the figures: lost events, incidents and alerts.

import type { IncidentPage } from "../../alerts/incidents.ts";
import type { Losses } from "../../consumer/losses.ts";
import type { Status } from "../status.ts";
import { isLocal, viewPath } from "./api.ts";
import { Share } from "./gateway.tsx";
import { isMuted } from "./incidents.tsx";
import { LoadError } from "./notice.tsx";
import { formatBytes, formatCount } from "./numbers.ts";
import { Badge, Fact, Facts, Id, Table } from "./parts.tsx";
import { Time } from "./time.tsx";
import type { Loaded } from "./use-answer.ts";
import { wordsOf } from "./words.ts";

/** Shows the lost events, or that the search for them is not at its end. */
export function LostEvents({ losses: { answer, isLoading, reload } }: { readonly losses: Loaded<Losses> }) {
  if (answer === undefined || (answer.lost === 0 && !answer.more)) {
    return null;
  }
  const { lost, events, more, notKept, checkedTo } = answer;
  return (
    <div class="stack" id="lost">
      <header class="heading">
        <h2>{lost > 0 ? "Lost events" : "Search for lost events"}</h2>
        <button type="button" class="small" onClick={reload} disabled={isLoading}>
          {more ? "Search further" : "Search again"}
        </button>
      </header>
      <p class="muted">
        The search has come to the events that were accepted at <Time at={checkedTo} />.{more && " Later ones follow."}
        {notKept > 0 &&
          ` Of ${formatCount(notKept)} accepted events there is no record, so they cannot be searched for.`}
        {lost > events.length && ` The oldest ${events.length} of ${formatCount(lost)} are shown.`}
      </p>
      {lost > 0 && (
        <Table label="Lost events" columns={["Accepted", "Event", "Type"]}>
          {events.map(({ eventId, type, acceptedAt }) => (
            <tr key={eventId}>
              <td>
                <Time at={acceptedAt} />
              </td>
              <td>
                <Id value={eventId} href={viewPath("event", { id: eventId })} />
              </td>
              <td>{type ?? <span class="muted">–</span>}</td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}

interface AlertsProps {
  readonly status: Status;
  readonly incidents: Loaded<IncidentPage>;
}

export function AlertsCard({ status, incidents }: AlertsProps) {
  const { open, ranAt, notWatched, problems, failing } = status.alerts;
  const { bytes, maxBytes, letters } = status.deadLetters;
  const shown = incidents.answer?.incidents ?? [];
  return (
    <section class="card" id="alerts" aria-labelledby="alerts-title">
      <header class="heading">
        <h2 id="alerts-title">Open incidents</h2>
        <a href={viewPath("incidents")}>All incidents</a>
      </header>
      <LoadError loaded={incidents} />
      {incidents.answer && shown.length === 0 && (
        <p class="muted">{ranAt === null ? "Nothing has looked for an incident yet." : "No incident is open."}</p>
      )}
      {shown.length > 0 && (
        <ul class="incidents">
          {shown.map((incident) => (
            <li key={incident.id}>
              <a href={viewPath(`incidents/${incident.id}`)}>{incident.title}</a>
              <span class="muted">
                since <Time at={incident.openedAt} withAge />
                {isMuted(incident) && " · muted"}
              </span>
            </li>
          ))}
        </ul>
      )}
      {open > shown.length && shown.length > 0 && <p class="muted">{open} are open in all.</p>}
      <Facts>
        <Fact name="Alerts ran">
          {ranAt === null ? (
            <>never: the Worker's cron runs them{isLocal && ", and a local Worker has none"}</>
          ) : (
            <Time at={ranAt} withAge />
          )}
        </Fact>
        {failing.map(({ sink, messages, failedAt, reason }) => (
          <Fact key={sink} name={`Sink ${sink}`}>
            <Badge tone="bad">fails</Badge> {reason}; {messages} not sent, last tried at <Time at={failedAt} />
          </Fact>
        ))}
        {problems.map((problem) => (
          <Fact key={problem} name="Sink">
            <Badge tone="bad">unusable</Badge> {problem}
          </Fact>
        ))}
        {notWatched.length > 0 && (
          <Fact name="Not watched">
            {notWatched.map(wordsOf).join(", ")} <span class="muted">because what they need is not bound</span>
          </Fact>
        )}
        <Fact name="Dead letters kept">
          <Share of={bytes} most={maxBytes} label="Space of the dead letters">
            {formatCount(letters)}, {formatBytes(bytes)} of {formatBytes(maxBytes)}
          </Share>
        </Fact>
      </Facts>
    </section>
  );
}
