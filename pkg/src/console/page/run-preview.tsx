// The preview of a redrive or a prune, and its confirmation.

import { useEffect, useState } from "preact/hooks";
import { counted, formatBytes, formatCount } from "./numbers.ts";
import { Table } from "./parts.tsx";
import { hintOf } from "./reasons.ts";
import { filterOf, type Plan } from "./redrive-run.ts";
import type { Job } from "./runs.tsx";
import { Time } from "./time.tsx";

const shownGroups = 10;

interface PreviewProps {
  readonly job: Job;
  readonly plan: Plan;
  readonly onConfirm: (isConfirmed: boolean) => void;
}

export function Preview({ job, plan, onConfirm }: PreviewProps) {
  const { letters, bytes } = plan;
  const [typed, setTyped] = useState("");
  const onTheirWay = job.onTheirWay ?? 0;
  const needsNumber = job.action === "prune" && plan.open + onTheirWay > 0;
  const isConfirmed = !needsNumber || typed.trim() === String(letters);
  useEffect(() => onConfirm(isConfirmed), [isConfirmed]);
  if (letters === 0) {
    return <p>There is nothing left to {job.action}: they were redriven or pruned meanwhile.</p>;
  }
  return (
    <>
      {job.action === "redrive" ? (
        <p>
          <strong>{counted(letters, "dead letter")}</strong> ({formatBytes(bytes)}) {letters === 1 ? "goes" : "go"} to
          the queue of events again. Each keeps its event id, so an event that was handled has no second effect.
        </p>
      ) : (
        <PruneText job={job} plan={plan} onTheirWay={onTheirWay} />
      )}
      <Chosen job={job} />
      <Groups plan={plan} />
      {job.action === "redrive" && <Warning plan={plan} />}
      {needsNumber && (
        <label>
          Type {letters} to confirm
          <input
            inputMode="numeric"
            autocomplete="off"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
      )}
    </>
  );
}

/** Names the filter of what is taken. */
function Chosen({ job: { action, parts } }: { readonly job: Job }) {
  const filter = filterOf(parts);
  if (filter === undefined) {
    return null;
  }
  const { state, type, reason, from, to } = filter;
  return (
    <>
      <p>
        Chosen: all that are {state}
        {type !== undefined && <>, of the type {type}</>}
        {reason !== undefined && <>, with the reason “{reason}”</>}
        {(from ?? to) !== undefined && ", stored"}
        {from !== undefined && (
          <>
            {" "}
            from <Time at={from} />
          </>
        )}
        {to !== undefined && (
          <>
            {" "}
            until <Time at={to} />
          </>
        )}
        .
      </p>
      {action === "redrive" && state === "redriven" && (
        <p>
          A redrive is worth it only for those that are still on their way or have failed again. It takes the handled
          ones, too, without a second effect: to leave them out, close this and select the others in the list.
        </p>
      )}
    </>
  );
}

function PruneText({ job, plan, onTheirWay }: { job: Job; plan: Plan; onTheirWay: number }) {
  const { letters, bytes, open } = plan;
  const leavesSome = job.parts.some((part) => !("ids" in part) && part.state === "redriven");
  return (
    <>
      <p>
        <strong>{counted(letters, "dead letter")}</strong> ({formatBytes(bytes)}) {letters === 1 ? "is" : "are"} deleted
        for ever.
      </p>
      {open > 0 && (
        <div class="notice bad">
          <strong>
            {open === letters ? (open === 1 ? "It is open" : "They are open") : `${formatCount(open)} are open`}
          </strong>
          <p>Nobody has redriven {open === 1 ? "it: its event is" : "them: their events are"} lost for ever.</p>
        </div>
      )}
      {onTheirWay > 0 && (
        <div class="notice bad">
          <strong>{formatCount(onTheirWay)} may still be on the way</strong>
          <p>If the queue has lost the event, this is the only copy.</p>
        </div>
      )}
      {leavesSome && (
        <p class="muted">Only those whose outcome is known are deleted. Those that may still be on their way stay.</p>
      )}
    </>
  );
}

function Groups({ plan: { groups, letters } }: { readonly plan: Plan }) {
  const shown = groups.slice(0, shownGroups);
  const rest = letters - shown.reduce((sum, group) => sum + group.letters, 0);
  return (
    <>
      <Table label="By type and reason" columns={[{ name: "Count", class: "number" }, "Type", "Reason"]}>
        {shown.map(({ type, reason, letters }) => (
          <tr key={JSON.stringify([type, reason])}>
            <td class="number">{formatCount(letters)}</td>
            <td>{type ?? <span class="muted">no type</span>}</td>
            <td class="reason">{reason ?? <span class="muted">no reason</span>}</td>
          </tr>
        ))}
      </Table>
      {rest > 0 && <p class="muted">{formatCount(rest)} more have other types or reasons.</p>}
    </>
  );
}

function Warning({ plan: { groups } }: { readonly plan: Plan }) {
  const wrong = groups.filter(({ reason }) => hintOf(reason)?.mustNotRedrive);
  const letters = wrong.reduce((sum, group) => sum + group.letters, 0);
  return letters === 0 ? null : (
    <div class="notice warn">
      <strong>{formatCount(letters)} of them should not be redriven</strong>
      <p>Their reason says that the gateway did not write them. Prune those, and redrive the others by their reason.</p>
    </div>
  );
}
