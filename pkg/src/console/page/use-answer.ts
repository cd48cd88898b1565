// Loads an answer of the admin API into a view, and loads it again.

import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, ask, errorOf } from "./api.ts";
import { SessionContext } from "./session.tsx";

/** The longest time between two requests after errors. */
const longestMs = 300_000;

/** A view that waits for a change is in a hurry for so long. After that, it asks once a minute. */
const hurryMs = 600_000;
const unhurriedMs = 60_000;

export interface Loaded<Answer> {
  /** The last answer; it stays when a later request fails. */
  readonly answer: Answer | undefined;
  /** When it came, in milliseconds since 1970. */
  readonly loadedAt: number;
  /** The error of the last request. */
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  reload(): void;
}

interface Options<Answer> {
  /** Loads again after this time, while the page is visible. */
  readonly everyMs?: number | undefined;
  /** If it is given, loads again only while this says that the answer may change. */
  readonly mayChange?: (loaded: Pick<Loaded<Answer>, "answer" | "error">) => boolean;
}

interface State<Answer> extends Omit<Loaded<Answer>, "reload"> {
  readonly path: string | undefined;
  /** When the path was first asked for. */
  readonly since: number;
  /** The number of errors since the last answer. */
  readonly failures: number;
}

function begin<Answer>(path: string | undefined): State<Answer> {
  const isLoading = path !== undefined;
  return { path, since: Date.now(), answer: undefined, loadedAt: 0, error: undefined, failures: 0, isLoading };
}

/** Loads the answer to a path, and again when the path changes. Without a path, nothing is loaded. */
export function useAnswer<Answer>(path: string | undefined, options: Options<Answer> = {}): Loaded<Answer> {
  const { generation } = useContext(SessionContext);
  const [stored, setState] = useState<State<Answer>>(() => begin(path));
  const [round, setRound] = useState(0);

  useEffect(() => {
    if (path === undefined) {
      return;
    }
    const controller = new AbortController();
    const change = (changes: (last: State<Answer>) => Partial<State<Answer>>) =>
      setState((last) => {
        const current = last.path === path ? last : begin<Answer>(path);
        return { ...current, ...changes(current) };
      });
    change(() => ({ isLoading: true }));
    ask<Answer>(path, { signal: controller.signal }).then(
      (answer) => change(() => ({ answer, loadedAt: Date.now(), error: undefined, failures: 0, isLoading: false })),
      (error) => {
        if (!controller.signal.aborted) {
          change(({ failures }) => ({ error: errorOf(error), failures: failures + 1, isLoading: false }));
        }
      },
    );
    return () => controller.abort();
  }, [path, round, generation]);

  const reload = () => setRound((last) => last + 1);
  // After a change of the path, the old answer is not shown for the new one.
  const state = stored.path === path ? stored : begin<Answer>(path);
  useEvery(state.isLoading ? undefined : pauseMs(state, options), reload);
  const { answer, loadedAt, error, isLoading } = state;
  return { answer, loadedAt, error, isLoading, reload };
}

/** Returns the time until the next request; undefined if there is none. */
function pauseMs<Answer>(state: State<Answer>, { everyMs, mayChange }: Options<Answer>): number | undefined {
  const { path, since, failures, error } = state;
  if (everyMs === undefined || path === undefined || (mayChange && !mayChange(state))) {
    return undefined;
  }
  const isLate = mayChange !== undefined && Date.now() - since > hurryMs;
  // An unknown event is an answer, too.
  return backedOff(
    isLate ? Math.max(unhurriedMs, everyMs) : everyMs,
    error?.code === "not_found" ? 0 : failures,
    error,
  );
}

/** Doubles the time from the second error in a row on, so that what is overloaded can recover. A login loads all views again. */
export function backedOff(ms: number, failures: number, error: ApiError | undefined): number | undefined {
  return error?.code === "unauthorized"
    ? undefined
    : Math.max(ms, Math.min(ms * 2 ** Math.max(0, failures - 1), longestMs));
}

/** Calls a function once after this time, when the page is visible. */
export function useEvery(ms: number | undefined, call: () => void): void {
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    if (ms === undefined) {
      return;
    }
    const due = () => {
      if (document.visibilityState === "visible") {
        latest.current();
      } else {
        document.addEventListener("visibilitychange", due, { once: true });
      }
    };
    const timer = setTimeout(due, ms);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", due);
    };
  }, [ms]);
}
