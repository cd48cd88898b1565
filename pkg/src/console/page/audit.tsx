// The view of what operators have changed.

import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import type { AuditEntry, AuditPage } from "../../consumer/audit.ts";
import { viewPath, withQuery } from "./api.ts";
import { LoadError } from "./notice.tsx";
import { counted } from "./numbers.ts";
import { CopyCurl, Empty, Heading, Id, Loading, Pager, Table } from "./parts.tsx";
import { Time, useZoneName } from "./time.tsx";
import { useAnswer } from "./use-answer.ts";

/** More ranges of ids than these fill the row. */
const maxRanges = 8;

type Fields = Readonly<Record<string, unknown>>;

export function Audit() {
  const { query } = useLocation();
  const path = withQuery("audit", { before: query.before });
  const loaded = useAnswer<AuditPage>(path);
  const { answer } = loaded;
  return (
    <>
      <Heading title="Audit">
        <CopyCurl path={path} />
      </Heading>
      <LoadError loaded={loaded} />
      {answer === undefined ? loaded.isLoading && <Loading /> : <Entries page={answer} isFirst={!query.before} />}
    </>
  );
}

function Entries({ page: { entries, next }, isFirst }: { readonly page: AuditPage; readonly isFirst: boolean }) {
  const zoneName = useZoneName();
  if (entries.length === 0) {
    return (
      <Empty title={isFirst ? "Nobody has changed anything yet." : "There is nothing older."}>
        Each step of a redrive or a prune, each erasure and each mute is recorded here, with who did it.
      </Empty>
    );
  }
  return (
    <>
      <Table label="Audit" columns={[`When (${zoneName})`, "Who", "What", "Chosen", "Result"]}>
        {entries.map((entry) => (
          <Row key={entry.id} entry={entry} />
        ))}
      </Table>
      <Pager
        first={isFirst ? undefined : viewPath("audit")}
        next={next === null ? undefined : viewPath("audit", { before: next })}
      />
    </>
  );
}

function Row({ entry: { at, actor, action, details, result } }: { readonly entry: AuditEntry }) {
  return (
    <tr>
      <td>
        <Time at={at} />
      </td>
      <td>{actor}</td>
      <td class="narrow">{action}</td>
      <td class="reason">{chosenText(action, Object(details))}</td>
      <td class="reason">
        {result === null ? (
          <span class="muted">The end is not known: it may be running, or have broken off.</span>
        ) : (
          resultText(action, Object(result))
        )}
      </td>
    </tr>
  );
}

function chosenText(action: string, details: Fields): ComponentChildren {
  const { ids, state, upTo, after, run: _, eventId, id, until, ...others } = details;
  if (action === "erase") {
    const event = String(eventId);
    return (
      <>
        event <Id value={event} href={viewPath("event", { id: event })} />
      </>
    );
  }
  if (action === "mute") {
    return (
      <>
        <a href={viewPath(`incidents/${id}`)}>incident {String(id)}</a> until <Time at={String(until)} />
      </>
    );
  }
  const ofState = state === undefined ? "" : `, if ${state}`;
  if (Array.isArray(ids)) {
    return `${rangesOf(ids)}${ofState}`;
  }
  return (
    <>
      all {String(state ?? "open")} {Boolean(after) && `after ${after}, `}up to {String(upTo)}
      {Object.entries(others).map(([name, value]) => (
        <span key={name}>
          ,{" "}
          {name === "reason" ? (
            "with one reason (its text is not recorded)"
          ) : name === "from" || name === "to" ? (
            <>
              {name} <Time at={String(value)} />
            </>
          ) : (
            `${name} ${value}`
          )}
        </span>
      ))}
    </>
  );
}

const nothing = <span class="muted">none was left</span>;

function resultText(action: string, result: Fields): ComponentChildren {
  const { redriven = [], failed = [], pruned = [] } = result as Partial<Record<string, number[]>>;
  switch (action) {
    case "redrive":
      return (
        <>
          {redriven.length === 0 ? (
            nothing
          ) : (
            <>
              redrove {counted(redriven.length, "dead letter")}: <Ids ids={redriven} />
            </>
          )}
          {failed.length > 0 && (
            <>
              ; the queue refused <Ids ids={failed} />
            </>
          )}
        </>
      );
    case "prune":
      // They have no view any more.
      return pruned.length === 0 ? nothing : `pruned ${counted(pruned.length, "dead letter")}: ${rangesOf(pruned)}`;
    case "erase":
      return erasureText(result);
    case "mute":
      return "muted";
    default:
      return JSON.stringify(result);
  }
}

function Ids({ ids }: { readonly ids: readonly number[] }) {
  const [only] = ids;
  return ids.length === 1 ? <a href={viewPath(`dead-letters/${only}`)}>{only}</a> : <span>{rangesOf(ids)}</span>;
}

function erasureText({ deadLetters, bodies, activityRecords, bodiesLeft }: Fields): string {
  const left = Array.isArray(bodiesLeft) ? bodiesLeft.length : 0;
  const parts = [
    counted(Number(deadLetters), "dead letter"),
    counted(Number(bodies), "body", "bodies"),
    ...(activityRecords === null ? [] : [counted(Number(activityRecords), "record")]),
  ];
  return `erased ${parts.join(", ")}${left > 0 ? `; left in the bucket: ${left}` : ""}`;
}

/** Returns ids as `17–36, 40`. */
function rangesOf(ids: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const id of [...ids].sort((one, other) => one - other)) {
    const range = ranges.at(-1);
    if (range !== undefined && id <= range[1] + 1) {
      range[1] = id;
    } else {
      ranges.push([id, id]);
    }
  }
  const shown = ranges.slice(0, maxRanges).map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`));
  return `${shown.join(", ")}${ranges.length > maxRanges ? " …" : ""}`;
}
