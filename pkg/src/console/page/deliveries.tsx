// The view of deliveries: new ones appear by themselves.

import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { ActivityRecord, DeliveryPage } from "../../activity.ts";
import { defaultLimit } from "../fields.ts";
import { only, type Query, viewPath, withQuery } from "./api.ts";
import { codes, outcomes } from "./codes.ts";
import { Clear, Filters, Select, TextField } from "./filters.tsx";
import { type Live, maxRows, useLive } from "./live.ts";
import { LoadError } from "./notice.tsx";
import { counted } from "./numbers.ts";
import { Badge, CopyCurl, Empty, Heading, Id, Loading, Outcome, Pager, Table } from "./parts.tsx";
import { Time, useZoneName } from "./time.tsx";
import { useAnswer } from "./use-answer.ts";
import { wordsOf } from "./words.ts";

const parameters = ["outcome", "code", "type", "address", "before"];

export function Deliveries() {
  const { query: given, route } = useLocation();
  const query = only(given, parameters);
  const { before, ...filters } = query;
  const isNewest = before === undefined;
  const isFiltered = Object.keys(filters).length > 0;
  // Deliveries after this position are new. It is asked for first, so that none falls between.
  const head = useAnswer<DeliveryPage>(isNewest && isFiltered ? "deliveries?limit=1" : undefined);
  const path = withQuery("deliveries", query);
  const loaded = useAnswer<DeliveryPage>(head.answer === undefined && isNewest && isFiltered ? undefined : path);
  const [isOn, setOn] = useState(true);
  const live = useLive({
    page: loaded.answer,
    filters,
    from: head.answer?.deliveries[0]?.position ?? 0,
    isOn: isOn && isNewest,
    isHeld,
    reload: loaded.reload,
  });
  const { answer } = loaded;
  return (
    <>
      <Heading title="Deliveries">
        {isNewest && answer !== undefined && (
          <>
            <Badge tone={isOn && !live.error ? "good" : "quiet"}>{isOn ? "Live" : "Paused"}</Badge>
            <button type="button" class="small" onClick={() => setOn(!isOn)}>
              {isOn ? "Pause" : "Go live"}
            </button>
          </>
        )}
        <CopyCurl path={path} />
      </Heading>
      <DeliveryFilters query={query} onSubmit={(values) => route(viewPath("deliveries", values))} />
      <LoadError loaded={head.error === undefined ? loaded : head} />
      {live.error !== undefined && live.error.code !== "unauthorized" && (
        <p class="muted" role="status">
          New deliveries cannot be loaded: {live.error.message}. The page tries again.
        </p>
      )}
      <Arrivals live={live} />
      {answer === undefined ? (
        loaded.error === undefined && head.error === undefined && <Loading />
      ) : (
        <Results rows={live.rows} next={answer.next} markedFrom={live.markedFrom} query={query} />
      )}
    </>
  );
}

/** A row must not move away under somebody who works with it, or reads further down. */
function isHeld(): boolean {
  const table = document.querySelector("main table");
  return table?.contains(document.activeElement) === true || (table?.getBoundingClientRect().top ?? 0) < 0;
}

interface DeliveryFiltersProps {
  readonly query: Query;
  readonly onSubmit: (values: Query) => void;
}

function DeliveryFilters({ query, onSubmit }: DeliveryFiltersProps) {
  return (
    <Filters label="Filter" onSubmit={onSubmit}>
      <Select label="Outcome" name="outcome" value={query.outcome} options={optionsOf(outcomes)} />
      <Select label="Code" name="code" value={query.code} options={optionsOf(codes)} />
      <TextField label="Type" name="type" value={query.type} placeholder="all types" />
      <TextField label="Address" name="address" value={query.address} maxLength={64} placeholder="192.0.2.1" />
      <button type="submit" class="primary">
        Filter
      </button>
      <Clear view="deliveries" query={query} />
    </Filters>
  );
}

function optionsOf(table: object) {
  return Object.keys(table).map((name) => [name, wordsOf(name)] as const);
}

/** Says what has come, also to a screen reader, and shows what waits. */
function Arrivals({ live: { waiting, count, round, show } }: { readonly live: Live }) {
  const showAll = () => {
    show();
    document.querySelector<HTMLElement>("main .scroll")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  };
  return (
    <>
      <p class="unseen" role="status">
        {count > 0 && <span key={round}>{counted(count, "new delivery", "new deliveries")}</span>}
      </p>
      {waiting.length > 0 && (
        <button type="button" class="arrivals" onClick={showAll}>
          Show {counted(waiting.length, "new delivery", "new deliveries")}
        </button>
      )}
    </>
  );
}

interface ResultsProps {
  readonly rows: readonly ActivityRecord[];
  readonly next: number | null;
  readonly markedFrom: number;
  readonly query: Query;
}

function Results({ rows, next, markedFrom, query }: ResultsProps) {
  const { before, ...filters } = query;
  const isFiltered = Object.keys(filters).length > 0;
  // A short page with a next one has not found enough in what it has searched.
  const isShort = next !== null && isFiltered && rows.length < defaultLimit;
  const oldest = rows.at(-1)?.position;
  const older = rows.length === maxRows ? oldest : next;
  const first = before === undefined ? undefined : viewPath("deliveries", filters);
  const further =
    older === null || older === undefined ? undefined : viewPath("deliveries", { ...filters, before: older });
  if (rows.length === 0 && next === null) {
    return <NoDelivery isFiltered={isFiltered} isOlder={before !== undefined} />;
  }
  return (
    <>
      {rows.length > 0 && <DeliveryTable rows={rows} markedFrom={markedFrom} />}
      {isShort && <Searched to={next} filters={filters} isEmpty={rows.length === 0} />}
      <Pager first={first} next={isShort ? undefined : further} />
    </>
  );
}

interface SearchedProps {
  /** The position down to which was searched. */
  readonly to: number;
  readonly filters: Query;
  readonly isEmpty: boolean;
}

function Searched({ to, filters, isEmpty }: SearchedProps) {
  const { answer } = useAnswer<DeliveryPage>(`deliveries?before=${to + 1}&limit=1`);
  const at = answer?.deliveries[0]?.at;
  return (
    <Empty title={isEmpty ? "Nothing found yet." : "No more found yet."}>
      A search looks at 5,000 deliveries at a time. It has searched back to {at === undefined ? "…" : <Time at={at} />}.{" "}
      <a href={viewPath("deliveries", { ...filters, before: to })}>Search further back</a>
    </Empty>
  );
}

function NoDelivery({ isFiltered, isOlder }: { readonly isFiltered: boolean; readonly isOlder: boolean }) {
  const kept = "A delivery is kept for 30 days, or until the quota of its kind is full.";
  if (isOlder) {
    return <Empty title="Nothing older is kept.">{kept}</Empty>;
  }
  return isFiltered ? (
    <Empty title="Nothing matches.">
      Type and address are compared as a whole. {kept} <a href={viewPath("deliveries")}>Show all deliveries</a>
    </Empty>
  ) : (
    <Empty title="No delivery has arrived yet.">
      Register the webhook's URL at Cronozen, or send a sample:{" "}
      <code>npx --no cronozen-edge send payment.completed URL</code>. It appears here within 10 seconds.
    </Empty>
  );
}

interface TableProps {
  readonly rows: readonly ActivityRecord[];
  /** Rows from this position on are new. */
  readonly markedFrom?: number;
  readonly label?: string;
}

export function DeliveryTable({ rows, markedFrom = Number.POSITIVE_INFINITY, label = "Deliveries" }: TableProps) {
  return (
    <Table
      label={label}
      columns={[
        `Time (${useZoneName()})`,
        "Outcome",
        "Event",
        "Type",
        { name: "ms", class: "number" },
        { name: "Bytes", class: "number wide" },
        { name: "Secret", class: "number wide", title: "The position of the secret that matched; 0 is the newest" },
        { name: "Address", class: "wide" },
        "Reason",
      ]}
    >
      {rows.map((row) => (
        <Row key={row.position} row={row} isNew={row.position >= markedFrom} />
      ))}
    </Table>
  );
}

function Row({ row, isNew }: { readonly row: ActivityRecord; readonly isNew: boolean }) {
  const { position, at, outcome, code, eventId, type, ms, bytes, key, address, reason, count } = row;
  return (
    <tr class={isNew ? "new" : undefined}>
      <td>
        <a href={viewPath(`deliveries/${position}`)}>
          <Time at={at} />
        </a>
      </td>
      <td>
        <Outcome name={outcome} />
        {code !== undefined && code !== outcome && <div class="muted">{code}</div>}
        {count !== undefined && <div class="muted">{count} in all</div>}
      </td>
      <td class={eventId === undefined ? "absent" : "clipped"}>
        <Id value={eventId} href={viewPath("event", { id: eventId })} />
      </td>
      <td class={type === undefined ? "absent" : "clipped type"}>
        <span title={type}>{type ?? "–"}</span>
      </td>
      <td class="number">
        {ms ?? "–"}
        <span class="narrow-only"> ms</span>
      </td>
      <td class="number wide">{bytes ?? "–"}</td>
      <td class="number wide">{key ?? "–"}</td>
      <td class="wide address">{address ?? <span class="muted">–</span>}</td>
      <td class={reason === undefined ? "absent" : "short"}>
        <span title={reason}>{reason}</span>
      </td>
    </tr>
  );
}
