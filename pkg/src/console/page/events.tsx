// The view of what happened to events: filtered by id, type, source and time.

import { useLocation } from "preact-iso";
import type { Entry, EntryPage } from "../events.ts";
import { only, type Query, viewPath, withQuery } from "./api.ts";
import { Clear, Filters, Select, TextField, TimeField } from "./filters.tsx";
import { LoadError } from "./notice.tsx";
import { CopyCurl, Empty, Heading, Id, Loading, Outcome, Pager, Table } from "./parts.tsx";
import { Time, useZoneName } from "./time.tsx";
import { useAnswer } from "./use-answer.ts";

const sources = [
  ["ledger", "handled, outdated or erased"],
  ["ignored", "ignored"],
  ["dead", "dead letter"],
] as const;

const parameters = ["type", "source", "from", "to", "before"];

export function Events() {
  const { query: given, route } = useLocation();
  const query = only(given, parameters);
  const path = withQuery("events", query);
  const loaded = useAnswer<EntryPage>(path);
  const { answer } = loaded;
  const search = ({ id, ...chosen }: Query) => route(id ? viewPath("event", { id }) : viewPath("events", chosen));
  return (
    <>
      <Heading title="Events">
        <CopyCurl path={path} />
      </Heading>
      <Filters label="Filter" onSubmit={search}>
        <TextField label="Event id" name="id" isId size={22} placeholder="evt_…" />
        <TextField label="Type" name="type" value={query.type} placeholder="all types" />
        <Select label="What happened" name="source" value={query.source} options={sources} />
        <TimeField label="From" name="from" value={query.from} />
        <TimeField label="To" name="to" value={query.to} />
        <button type="submit" class="primary">
          Filter
        </button>
        <Clear view="events" query={query} />
      </Filters>
      <p class="muted">Each row is something that happened. The page of an event says how it stands now.</p>
      <LoadError loaded={loaded} />
      {answer === undefined ? loaded.isLoading && <Loading /> : <Results page={answer} query={query} />}
    </>
  );
}

function Results({ page, query }: { readonly page: EntryPage; readonly query: Query }) {
  const { before, ...filters } = query;
  const zoneName = useZoneName();
  const isFiltered = Object.values(filters).some((value) => value !== "");
  if (page.events.length === 0) {
    return isFiltered ? (
      <Empty title="Nothing matches.">
        The type is compared as a whole, and the times are those at which an event was handled or failed for good.{" "}
        <a href={viewPath("events")}>Show all events</a>
      </Empty>
    ) : (
      <Empty title="No event has been handled yet.">
        An event appears here when the consumer has handled or ignored it, or given up on it. What has arrived is under{" "}
        <a href={viewPath("deliveries")}>deliveries</a>.
      </Empty>
    );
  }
  return (
    <>
      <Table
        label="Events"
        columns={[
          `Time (${zoneName})`,
          "What happened",
          "Event",
          "Type",
          { name: "Attempts", class: "number wide" },
          "Reason",
        ]}
      >
        {page.events.map((entry) => (
          <Row key={`${entry.outcome} ${entry.eventId} ${entry.at}`} entry={entry} />
        ))}
      </Table>
      <Pager
        first={before === undefined ? undefined : viewPath("events", filters)}
        next={page.next === null ? undefined : viewPath("events", { ...filters, before: page.next })}
      />
    </>
  );
}

function Row({ entry }: { readonly entry: Entry }) {
  const { at, outcome, eventId, type, attempts } = entry;
  const reason = "reason" in entry ? (entry.reason ?? undefined) : undefined;
  return (
    <tr>
      <td>
        <Time at={at} />
      </td>
      <td>
        <Outcome name={outcome} />
      </td>
      <td class="clipped">
        {eventId === null ? (
          <a href={viewPath(`dead-letters/${"deadLetter" in entry ? entry.deadLetter : ""}`)}>without an id</a>
        ) : (
          <Id value={eventId} href={viewPath("event", { id: eventId })} />
        )}
      </td>
      <td class={type === null ? "absent" : "clipped type"}>
        <span title={type ?? undefined}>{type ?? "–"}</span>
      </td>
      <td class="number wide">{attempts ?? "–"}</td>
      <td class={reason === undefined ? "absent" : "short"}>
        <span title={reason}>{reason}</span>
      </td>
    </tr>
  );
}
