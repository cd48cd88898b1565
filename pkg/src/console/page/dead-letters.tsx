// The view of dead letters: the list with its filters, and the choice of those to redrive or prune.

import { useContext, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Letter, LetterPage, Totals } from "../../consumer/letters.ts";
import { only, type Query, viewPath, withQuery } from "./api.ts";
import { Clear, Filters, Select, TextField, TimeField } from "./filters.tsx";
import { LetterRow } from "./letter-row.tsx";
import { LoadError } from "./notice.tsx";
import { counted, formatBytes, formatCount } from "./numbers.ts";
import { CopyCurl, Empty, Heading, Loading, Pager, Table } from "./parts.tsx";
import { type Action, type Part, partsOf } from "./redrive-run.ts";
import { RunContext } from "./runs.tsx";
import { StatusContext } from "./status.ts";
import { useZoneName } from "./time.tsx";
import { useAnswer } from "./use-answer.ts";

const states = [
  ["redriven", "redriven"],
  ["all", "all"],
] as const;

const everyMs = 30_000;
const slowMs = 300_000;

/** A list is loaded again if that reads at most so many rows of D1: a fifth of those that the free plan has a day. */
const maxRead = 300;
const maxReadSlowly = 3000;

const parameters = ["state", "eventId", "type", "reason", "from", "to", "before"];

export function DeadLetters() {
  const { query: given, route } = useLocation();
  const query = only(given, parameters);
  const path = withQuery("dead-letters", query);
  const totals = useContext(StatusContext).answer?.deadLetters;
  const loaded = useAnswer<LetterPage>(path, { everyMs: pauseMs(query, totals) });
  const [isEdited, setEdited] = useState(false);
  const { answer } = loaded;
  return (
    <>
      <Heading title="Dead letters">
        <CopyCurl path={path} />
      </Heading>
      <Summary matching={answer && matchingOf(answer, query)} />
      <Filters label="Filter" onSubmit={(values) => route(viewPath("dead-letters", values))} onEdited={setEdited}>
        <Select label="State" name="state" value={query.state} first="open" options={states} />
        <TextField label="Event id" name="eventId" value={query.eventId} isId size={14} />
        <TextField label="Type" name="type" value={query.type} size={14} placeholder="all types" />
        <TextField label="Reason" name="reason" value={query.reason} size={14} placeholder="all reasons" />
        <TimeField label="From" name="from" value={query.from} />
        <TimeField label="To" name="to" value={query.to} />
        <button type="submit" class="primary">
          Filter
        </button>
        <Clear view="dead-letters" query={query} />
      </Filters>
      <LoadError loaded={loaded} />
      {answer === undefined
        ? loaded.isLoading && <Loading />
        : // Another page begins without a selection.
          (answer.deadLetters.length === 0 && <None query={query} />) || (
            <Results key={path} page={answer} query={query} isEdited={isEdited} onChange={loaded.reload} />
          )}
    </>
  );
}

/** No index leads to what these filters match: SQLite may read all dead letters, or all that are open, for a page. */
function pauseMs({ state, eventId, type, reason, from, to }: Query, totals: Totals | undefined): number | undefined {
  const isFiltered = [type, reason, from, to].some(Boolean);
  const { letters = Number.POSITIVE_INFINITY, open = letters } = totals ?? {};
  const read = eventId ? 0 : isFiltered ? letters : state === "redriven" ? open : 0;
  return read <= maxRead ? everyMs : read <= maxReadSlowly ? slowMs : undefined;
}

/** Returns how many match the filters, if the page shows all of them. */
function matchingOf({ deadLetters, next }: LetterPage, query: Query): number | undefined {
  const isWhole = next === null && query.before === undefined;
  return isWhole && Object.keys(query).some((name) => name !== "state") ? deadLetters.length : undefined;
}

/** Says how many there are, and how much room they take when it becomes scarce. */
function Summary({ matching }: { readonly matching: number | undefined }) {
  const { deadLetters } = useContext(StatusContext).answer ?? {};
  if (deadLetters === undefined) {
    return null;
  }
  const { letters, open, bytes, maxBytes } = deadLetters;
  const share = `${formatBytes(bytes)} of ${formatBytes(maxBytes)}`;
  return (
    <>
      <p class="muted">
        {formatCount(open)} open and {formatCount(letters - open)} redriven in all
        {matching !== undefined && `; ${formatCount(matching)} match`}
      </p>
      {bytes > maxBytes / 3 && (
        <div class={`notice ${bytes > (maxBytes * 2) / 3 ? "bad" : "warn"}`}>
          <strong>They take {share}</strong>
          <p>When they are full, further ones wait on their queue. Redrive them, and prune those that were handled.</p>
        </div>
      )}
    </>
  );
}

function None({ query }: { readonly query: Query }) {
  const total = useContext(StatusContext).answer?.deadLetters.letters ?? 0;
  const { state, ...others } = query;
  if (Object.keys(others).length > 0) {
    return (
      <Empty title="Nothing matches.">
        The event id, the type and the reason are compared as a whole, and the times are those at which a dead letter
        was stored. <a href={viewPath("dead-letters", { state })}>Show without filters</a>
      </Empty>
    );
  }
  return state === undefined && total > 0 ? (
    <Empty title="No dead letter is open.">
      {formatCount(total)} {total === 1 ? "was" : "were"} redriven.{" "}
      <a href={viewPath("dead-letters", { state: "redriven" })}>Show what became of them</a>
    </Empty>
  ) : (
    <Empty title={state === "redriven" && total > 0 ? "None was redriven yet." : "There are no dead letters."}>
      An event that the consumer cannot handle is kept here with its reason, until you redrive or prune it.
    </Empty>
  );
}

interface ResultsProps {
  readonly page: LetterPage;
  readonly query: Query;
  /** The fields show another filter than the one that is applied. */
  readonly isEdited: boolean;
  readonly onChange: () => void;
}

function Results({ page: { deadLetters, next }, query, isEdited, onChange }: ResultsProps) {
  const open = useContext(RunContext);
  const [ids, setIds] = useState<ReadonlySet<number>>(new Set());
  const { before, ...filters } = query;
  // Those that a reload no longer shows are not taken.
  const selected = deadLetters.filter(({ id }) => ids.has(id));
  const run = (action: Action) => {
    const parts = selected.length > 0 ? partsOf(action, selected) : [allOf(filters)];
    const onTheirWay = selected.filter(({ state }) => state === "redriven").length;
    open({
      action,
      parts,
      onTheirWay,
      onClose: () => {
        setIds(new Set());
        onChange();
      },
    });
  };
  const select = (id: number, isSelected: boolean) => {
    const chosen = new Set(ids);
    isSelected ? chosen.add(id) : chosen.delete(id);
    setIds(chosen);
  };
  return (
    <>
      <Selection
        letters={deadLetters}
        selected={selected.length}
        filters={filters}
        isEdited={isEdited}
        onSelect={(isAll) => setIds(new Set(isAll ? deadLetters.map(({ id }) => id) : []))}
        onRun={run}
      />
      <Table
        label="Dead letters"
        columns={[
          { name: "Select", class: "check" },
          `Stored (${useZoneName()})`,
          "Event",
          "Type",
          "Reason",
          { name: "Attempts", class: "number wide" },
          "State",
        ]}
      >
        {deadLetters.map((letter) => (
          <LetterRow
            key={letter.id}
            letter={letter}
            filters={filters}
            isSelected={ids.has(letter.id)}
            onSelect={select}
          />
        ))}
      </Table>
      <Pager
        first={before === undefined ? undefined : viewPath("dead-letters", filters)}
        next={next === null ? undefined : viewPath("dead-letters", { ...filters, before: next })}
      />
    </>
  );
}

/** Returns all that the filters match. The API takes those of one state. */
function allOf({ state, type, reason, from, to }: Query): Part {
  const filters = Object.entries({ type, reason, from, to }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(filters), state: state === "redriven" ? "redriven" : "open" };
}

interface SelectionProps {
  readonly letters: readonly Letter[];
  readonly selected: number;
  readonly filters: Query;
  readonly isEdited: boolean;
  readonly onSelect: (isAll: boolean) => void;
  readonly onRun: (action: Action) => void;
}

/** Selects the page, and starts what is done with the selection, or with all that match. */
function Selection({ letters, selected, filters, isEdited, onSelect, onRun }: SelectionProps) {
  const isAll = selected === letters.length;
  const { state, ...others } = filters;
  const what =
    selected > 0 ? formatCount(selected) : Object.keys(others).length > 0 ? "all that match" : `all ${state ?? "open"}`;
  const obstacle =
    selected > 0
      ? undefined
      : isEdited
        ? "The fields show a filter that is not applied yet: press Filter to apply it."
        : state === "all" || others.eventId !== undefined
          ? "Select those to redrive or prune."
          : undefined;
  return (
    <div class="heading">
      <div class="actions">
        <label class="check">
          <input
            type="checkbox"
            checked={isAll}
            indeterminate={selected > 0 && !isAll}
            onChange={(event) => onSelect(event.currentTarget.checked)}
          />
          {selected > 0 ? `${counted(selected, "dead letter")} selected` : "Select this page"}
        </label>
        {obstacle === undefined && (
          <button type="button" onClick={() => onRun("redrive")}>
            Redrive {what}…
          </button>
        )}
      </div>
      {obstacle === undefined ? (
        <button type="button" class="danger" onClick={() => onRun("prune")}>
          Prune {what}…
        </button>
      ) : (
        <span class="muted" role="status">
          {obstacle}
        </span>
      )}
    </div>
  );
}
