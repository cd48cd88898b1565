// The dialog of a redrive or a prune: the preview, the progress, and the result.

import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, ask, errorOf } from "./api.ts";
import { ErrorNotice } from "./notice.tsx";
import { formatCount } from "./numbers.ts";
import { Loading } from "./parts.tsx";
import { type Plan, type Progress, planOf, Run } from "./redrive-run.ts";
import { Preview } from "./run-preview.tsx";
import { RunProgress } from "./run-progress.tsx";
import type { Job } from "./runs.tsx";
import { SessionContext } from "./session.tsx";

const words = {
  redrive: { title: "Redrive dead letters", start: "Redrive", running: "Redriving…" },
  prune: { title: "Prune dead letters", start: "Prune", running: "Pruning…" },
};

interface RunDialogProps {
  readonly job: Job;
  readonly onClose: (done: number) => void;
}

export function RunDialog({ job, onClose }: RunDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const { action } = job;
  const { plan, error, preview } = usePlan(job);
  const [isConfirmed, setConfirmed] = useState(false);
  const { progress, start, stop, reset } = useRun(job, plan);
  /** The number that the runs before have done, if the rest was taken again. */
  const earlier = useRef(0);
  const done = earlier.current + (progress?.done ?? 0);
  const isRunning = progress?.phase === "running" || progress?.phase === "stopping";

  const isDone = progress?.phase === "done";

  /** Escape does not end what is not finished: only the button does. */
  const isHeld = progress !== undefined && !isDone;
  const mayClose = useRef(false);

  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    // The button that had the focus may be gone.
    if (!isRunning && progress !== undefined) {
      heading.current?.focus();
    }
  }, [isRunning]);

  const close = () => {
    mayClose.current = true;
    dialog.current?.close();
  };
  const closed = () => {
    // Without `closedby`, a second Escape closes it, whatever the page says.
    if (isHeld && !mayClose.current) {
      dialog.current?.showModal();
    } else {
      onClose(done);
    }
  };
  const takeRest = () => {
    earlier.current = done;
    heading.current?.focus();
    reset();
    preview();
  };

  return (
    <dialog
      ref={dialog}
      class="run"
      aria-labelledby="run-title"
      closedby={isHeld ? "none" : "closerequest"}
      onCancel={(event) => isHeld && event.preventDefault()}
      onClose={closed}
    >
      <h2 id="run-title" ref={heading} tabIndex={-1}>
        {words[action].title}
      </h2>
      {plan === undefined && (error === undefined ? <Loading /> : <ErrorNotice error={error} onRetry={preview} />)}
      {plan !== undefined && progress === undefined && <Preview job={job} plan={plan} onConfirm={setConfirmed} />}
      {plan !== undefined && progress !== undefined && (
        <RunProgress action={action} plan={plan} progress={progress} onGoOn={start} onRest={takeRest} onLeave={close} />
      )}
      <div class="actions">
        {/* What an impatient second click on the start hits must not be the stop. */}
        <button type="button" disabled={progress?.phase === "stopping"} onClick={isRunning ? stop : close}>
          {progress === undefined && plan?.letters !== 0
            ? "Cancel"
            : progress?.phase === "running"
              ? "Stop"
              : progress?.phase === "stopping"
                ? "Stopping…"
                : "Close"}
        </button>
        {/* It keeps its place at the end: otherwise a late click would hit Close before the result is read. */}
        {plan !== undefined && plan.letters > 0 && (progress === undefined || isRunning || isDone) && (
          <button
            type="button"
            class={action === "prune" ? "danger" : "primary"}
            disabled={progress === undefined && !isConfirmed}
            aria-disabled={progress !== undefined}
            onClick={isDone ? undefined : start}
          >
            {isDone
              ? "Done"
              : isRunning
                ? words[action].running
                : `${words[action].start} ${formatCount(plan.letters)}`}
          </button>
        )}
      </div>
    </dialog>
  );
}

/** Loads the preview, and again after a login. */
function usePlan({ action, parts }: Job) {
  const { generation } = useContext(SessionContext);
  const [plan, setPlan] = useState<Plan>();
  const [error, setError] = useState<ApiError>();
  const [round, setRound] = useState(0);
  // The rest is that of the first preview, not what has failed since.
  const known = useRef(parts);
  known.current = plan?.parts ?? known.current;
  useEffect(() => {
    if (plan !== undefined) {
      return;
    }
    let isCurrent = true;
    planOf(ask, action, known.current).then(
      (found) => isCurrent && setPlan(found),
      (failure) => isCurrent && setError(errorOf(failure)),
    );
    return () => {
      isCurrent = false;
    };
  }, [round, generation]);
  const preview = () => {
    setPlan(undefined);
    setError(undefined);
    setRound((last) => last + 1);
  };
  return { plan, error, preview };
}

/** Runs the plan. After a session has ended, it goes on when the same operator has logged in. */
function useRun({ action }: Job, plan: Plan | undefined) {
  const { operator, generation } = useContext(SessionContext);
  const run = useRef<Run>(undefined);
  const starter = useRef<string>(undefined);
  const [progress, setProgress] = useState<Progress>();
  const phase = progress?.phase;
  const isRunning = phase === "running" || phase === "stopping";
  const failure = phase === "paused" ? errorOf(progress?.error) : undefined;

  const start = () => {
    if (plan !== undefined) {
      run.current ??= new Run(ask, action, plan.parts, setProgress);
      starter.current = operator?.name;
      // It starts once, however often this is called.
      void run.current.start();
    }
  };
  useEffect(() => {
    if (failure?.code === "unauthorized" && operator?.name === starter.current) {
      start();
    }
  }, [generation]);
  useEffect(() => {
    if (isRunning) {
      const hold = (event: BeforeUnloadEvent) => event.preventDefault();
      addEventListener("beforeunload", hold);
      return () => removeEventListener("beforeunload", hold);
    }
    return;
  }, [isRunning]);
  const reset = () => {
    run.current = undefined;
    setProgress(undefined);
  };
  return { progress, start, stop: () => run.current?.stop(), reset };
}
