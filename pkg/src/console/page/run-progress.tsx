// The progress of a redrive or a prune, and what became of it.

import { type ApiError, errorOf } from "./api.ts";
import { ErrorNotice } from "./notice.tsx";
import { counted, formatCount } from "./numbers.ts";
import type { Action, Plan, Progress } from "./redrive-run.ts";
import { RunOutcome } from "./run-outcome.tsx";

const verbs = { redrive: "redriven", prune: "pruned" };

interface RunProgressProps {
  readonly action: Action;
  readonly plan: Plan;
  readonly progress: Progress;
  readonly onGoOn: () => void;
  readonly onRest: () => void;
  /** Closes the dialog, since a link in it leaves the view. */
  readonly onLeave: () => void;
}

export function RunProgress({ action, plan, progress, onGoOn, onRest, onLeave }: RunProgressProps) {
  const { phase, done, refused } = progress;
  const failure = errorOf(progress.error);
  const failed = [...refused.values()].reduce((sum, count) => sum + count, 0);
  const total = Math.max(plan.letters, done + failed);
  const isEnd = phase === "done" || phase === "stopped";
  return (
    <>
      <div class="stack">
        <progress aria-label={`${verbs[action]} so far`} value={phase === "done" ? total : done + failed} max={total} />
        <p>
          <strong>{formatCount(done)}</strong> of {formatCount(plan.letters)} {verbs[action]}
          {failed > 0 && (
            <>
              , <strong class="failed">{formatCount(failed)}</strong> refused by the queue
            </>
          )}
          {phase === "stopping" && <span class="muted"> · the step that runs is the last</span>}
        </p>
      </div>
      {refused.size > 0 && <Refusals refused={refused} />}
      {phase === "paused" && (
        <>
          {failure.code !== "unauthorized" && <ErrorNotice error={failure} />}
          <Pause action={action} error={failure} />
        </>
      )}
      {phase === "stopped" && (
        <p role="status">
          Stopped. {action === "redrive" ? "What was sent stays sent" : "What was deleted stays deleted"}; the others
          are as they were.
        </p>
      )}
      {phase === "done" && <Result action={action} plan={plan} progress={progress} failed={failed} onRest={onRest} />}
      {isEnd && action === "redrive" && done > 0 && <RunOutcome plan={plan} ids={progress.ids} onLeave={onLeave} />}
      {(phase === "paused" || phase === "stopped") && (
        <div>
          <button type="button" onClick={onGoOn}>
            Go on
          </button>
        </div>
      )}
      {!isEnd && phase !== "paused" && action === "redrive" && (
        <p class="muted">Keep this page open. If it closes, what was sent stays sent, and the others stay open.</p>
      )}
    </>
  );
}

function Refusals({ refused }: { readonly refused: ReadonlyMap<string, number> }) {
  return (
    <ul class="refusals">
      {[...refused].map(([reason, count]) => (
        <li key={reason}>
          {formatCount(count)}: {reason}
        </li>
      ))}
    </ul>
  );
}

function Pause({ action, error }: { readonly action: Action; readonly error: ApiError }) {
  const hasBrokenOff = error.status === 0 || error.status >= 500;
  return (
    <p>
      {error.code === "unauthorized" && "Your session has ended. "}
      It is paused, and goes on where it was.{" "}
      {hasBrokenOff &&
        action === "redrive" &&
        "The step that broke off keeps its dead letters, at most 20, for a minute: go on after that, or they are left out and stay open."}
    </p>
  );
}

interface ResultProps {
  readonly action: Action;
  readonly plan: Plan;
  readonly progress: Progress;
  readonly failed: number;
  readonly onRest: () => void;
}

function Result({ action, plan, progress, failed, onRest }: ResultProps) {
  const { done, open } = progress;
  const others = Math.max(0, open - failed);
  const left = action === "redrive" ? Math.max(0, plan.letters - done - failed - others) : plan.letters - done;
  return (
    <div role="status" class="stack">
      <p>
        {counted(done, "dead letter")} {done === 1 ? "was" : "were"}{" "}
        {action === "redrive" ? "put on the queue of events" : "deleted"}.
      </p>
      {left > 0 && (
        <p class="muted">
          {action === "redrive"
            ? `${formatCount(left)} were redriven or pruned by somebody else meanwhile.`
            : `${formatCount(left)} stay: they may be on their way, or somebody else has taken them.`}
        </p>
      )}
      {open > 0 && (
        <>
          <p>
            {counted(open, "dead letter")} {open === 1 ? "is" : "are"} still open
            {others > 0 && failed > 0 && `: ${formatCount(failed)} refused, ${formatCount(others)} held`}.{" "}
            {others > 0 &&
              "Another operator, or a step that broke off, holds them for at most a minute. Wait, then take the rest."}
          </p>
          <div>
            <button type="button" onClick={onRest}>
              Redrive the rest…
            </button>
          </div>
        </>
      )}
    </div>
  );
}
