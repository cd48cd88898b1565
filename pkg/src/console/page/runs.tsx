// Opens the dialog of a redrive or a prune. It stands above the views, so that a run outlives the view that opened it.

import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useRef, useState } from "preact/hooks";
import type { Action, Part } from "./redrive-run.ts";
import { RunDialog } from "./run-dialog.tsx";
import { StatusContext } from "./status.ts";

export interface Job {
  readonly action: Action;
  readonly parts: readonly Part[];
  /** The number of chosen letters that may be on their way: a prune deletes what may be the only copy. */
  readonly onTheirWay?: number;
  /** Is called when the dialog closes, with how many were redriven or pruned. */
  readonly onClose: (done: number) => void;
}

/** Opens the dialog, unless one is open. */
export const RunContext = createContext<(job: Job) => void>(() => {});

export function RunProvider({ children }: { readonly children: ComponentChildren }) {
  const [job, setJob] = useState<Job>();
  const isOpen = useRef(false);
  const status = useContext(StatusContext);
  const open = useCallback((next: Job) => {
    if (!isOpen.current) {
      isOpen.current = true;
      setJob(next);
    }
  }, []);
  const close = (done: number) => {
    isOpen.current = false;
    setJob(undefined);
    job?.onClose(done);
    status.reload();
  };
  return (
    <RunContext.Provider value={open}>
      {children}
      {job && <RunDialog job={job} onClose={close} />}
    </RunContext.Provider>
  );
}
