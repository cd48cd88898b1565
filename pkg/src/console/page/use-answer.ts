// Loads an answer of the admin API into a view, and loads it again.

import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, ask } from "./api.ts";
import { SessionContext } from "./session.tsx";

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

interface Options {
  /** Loads again after this time, while the page is visible. */
  readonly everyMs?: number;
}

interface State<Answer> {
  readonly path: string | undefined;
  readonly answer?: Answer;
  readonly loadedAt: number;
  readonly error?: ApiError | undefined;
  readonly isLoading: boolean;
}

/** Loads the answer to a path, and again when the path changes. Without a path, nothing is loaded. */
export function useAnswer<Answer>(path: string | undefined, { everyMs }: Options = {}): Loaded<Answer> {
  const { generation } = useContext(SessionContext);
  const [state, setState] = useState<State<Answer>>({ path, loadedAt: 0, isLoading: path !== undefined });
  const [round, setRound] = useState(0);

  useEffect(() => {
    if (path === undefined) {
      return;
    }
    const controller = new AbortController();
    setState((last) => (last.path === path ? { ...last, isLoading: true } : { path, loadedAt: 0, isLoading: true }));
    ask<Answer>(path, { signal: controller.signal }).then(
      (answer) => setState({ path, answer, loadedAt: Date.now(), isLoading: false }),
      (error) => {
        if (controller.signal.aborted) {
          return;
        }
        const failure = error instanceof ApiError ? error : new ApiError(0, "failed", String(error));
        setState((last) => ({ ...last, error: failure, isLoading: false }));
      },
    );
    return () => controller.abort();
  }, [path, round, generation]);

  const reload = () => setRound((last) => last + 1);
  useEvery(state.isLoading ? undefined : everyMs, reload);
  // After a change of the path, the old answer is not shown for the new one.
  const { answer, loadedAt, error, isLoading } =
    state.path === path ? state : { answer: undefined, loadedAt: 0, error: undefined, isLoading: path !== undefined };
  return { answer, loadedAt, error, isLoading, reload };
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
