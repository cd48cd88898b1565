// The view of what the alerts have found: the incidents, open or closed.

import { useContext } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Incident, IncidentPage } from "../../alerts/incidents.ts";
import { AlertState } from "./alert-state.tsx";
import { viewPath, withQuery } from "./api.ts";
import { LoadError } from "./notice.tsx";
import { Badge, Choice, CopyCurl, Empty, Heading, Loading, Outcome, Pager, Table } from "./parts.tsx";
import { StatusContext } from "./status.ts";
import { Time, useZoneName } from "./time.tsx";
import { useAnswer } from "./use-answer.ts";

const everyMs = 30_000;

const states = ["open", "closed", "all"].map((state) => [state, state] as const);

export function Incidents() {
  const { query, route } = useLocation();
  // Those that are open come first: without a filter, there are no others.
  const { state = "open", before } = query;
  const path = withQuery("incidents", { state, before });
  const loaded = useAnswer<IncidentPage>(path, { everyMs });
  const { answer } = loaded;
  return (
    <>
      <Heading title="Incidents">
        <Choice
          label="Which incidents"
          options={states}
          value={state}
          onChange={(name) => route(viewPath("incidents", name === "open" ? {} : { state: name }))}
        />
        <CopyCurl path={path} />
      </Heading>
      <AlertState />
      <LoadError loaded={loaded} />
      {answer === undefined ? loaded.isLoading && <Loading /> : <Results page={answer} state={state} before={before} />}
    </>
  );
}

interface ResultsProps {
  readonly page: IncidentPage;
  readonly state: string;
  readonly before: string | undefined;
}

function Results({ page: { incidents, next }, state, before }: ResultsProps) {
  const zoneName = useZoneName();
  if (incidents.length === 0) {
    return <None state={state} />;
  }
  return (
    <>
      <Table
        label="Incidents"
        columns={[
          "Incident",
          "State",
          `Opened (${zoneName})`,
          { name: "Last seen", class: "wide" },
          ...(state === "open" ? [] : ["Closed"]),
          { name: "Messages", class: "number wide" },
        ]}
      >
        {incidents.map((incident) => (
          <Row key={incident.id} incident={incident} isOpenList={state === "open"} />
        ))}
      </Table>
      <Pager
        first={before === undefined ? undefined : viewPath("incidents", { state })}
        next={next === null ? undefined : viewPath("incidents", { state, before: next })}
      />
    </>
  );
}

function Row({ incident, isOpenList }: { readonly incident: Incident; readonly isOpenList: boolean }) {
  const { id, rule, title, openedAt, seenAt, closedAt, messages, mutedUntil, mutedBy } = incident;
  return (
    <tr>
      <td class="reason">
        <a href={viewPath(`incidents/${id}`)}>{title}</a>
        <br />
        <code class="muted">{rule}</code>
      </td>
      <td>
        <Outcome name={closedAt === null ? "open" : "closed"} />
        {isMuted(incident) && (
          <>
            <br />
            <Badge tone="quiet">muted</Badge>{" "}
            <small>
              until <Time at={mutedUntil} /> by {mutedBy}
            </small>
          </>
        )}
      </td>
      <td>
        <Time at={openedAt} />
      </td>
      <td class="wide">
        <Time at={seenAt} />
      </td>
      {!isOpenList && (
        <td class={closedAt === null ? "wide" : undefined}>
          <Time at={closedAt} />
        </td>
      )}
      <td class="number wide">{messages}</td>
    </tr>
  );
}

function None({ state }: { readonly state: string }) {
  const { answer } = useContext(StatusContext);
  const all = <a href={viewPath("incidents", { state: "all" })}>Show all incidents</a>;
  if (answer !== undefined && answer.alerts.ranAt === null) {
    return (
      <Empty title="No incident">
        Nothing has looked for one yet, so this does not say that all is well: the alerts have never run.
      </Empty>
    );
  }
  if (state === "open") {
    return <Empty title="No incident is open.">The alerts have found nothing wrong. {all}</Empty>;
  }
  return (
    <Empty title={state === "closed" ? "No incident has closed." : "No incident"}>
      Closed incidents are kept for 90 days. {state === "closed" && all}
    </Empty>
  );
}

/** Says if an open incident sends no messages now. */
export function isMuted({ closedAt, mutedUntil }: Incident): boolean {
  return closedAt === null && mutedUntil !== null && Date.parse(mutedUntil) > Date.now();
}
