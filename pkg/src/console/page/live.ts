// Follows the gateway's log: new deliveries come on top of a list.

import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { ActivityRecord, DeliveryPage } from "../../activity.ts";
import { ApiError, ask, withQuery } from "./api.ts";
import { SessionContext } from "./session.tsx";
import { useEvery } from "./use-answer.ts";

const everyMs = 5000;

/** After an error, the object may be overloaded. */
const afterErrorMs = 15_000;

/** How long a new row is marked. */
const markedMs = 4000;

/** The most that one request returns. With more, the list begins anew. */
const maxNew = 200;

/** More rows make the page slow, and nobody reads them. */
export const maxRows = 200;

interface Options {
  /** The newest page; a list that was loaded again begins anew. */
  readonly page: DeliveryPage | undefined;
  readonly filters: Readonly<Record<string, string>>;
  /** A position from which nothing is left out; that of the page's newest row may be long ago, with a filter. */
  readonly from: number;
  readonly isOn: boolean;
  /** Says that rows must stay where they are. */
  readonly isHeld: () => boolean;
  readonly reload: () => void;
}

interface State {
  readonly page: DeliveryPage | undefined;
  readonly rows: readonly ActivityRecord[];
  /** What has come while rows must stay where they are. */
  readonly waiting: readonly ActivityRecord[];
  /** Rows from this position on are marked. */
  readonly markedFrom: number;
  readonly after: number;
  /** The number of deliveries that the last request has brought, and of the requests that have brought some. */
  readonly count: number;
  readonly round: number;
}

export interface Live extends Pick<State, "rows" | "waiting" | "markedFrom" | "count" | "round"> {
  readonly error: ApiError | undefined;
  /** Shows what waits. */
  show(): void;
}

export function useLive({ page, filters, from, isOn, isHeld, reload }: Options): Live {
  const session = useContext(SessionContext);
  const begin = (): State => ({
    page,
    rows: page?.deliveries ?? [],
    waiting: [],
    markedFrom: Number.POSITIVE_INFINITY,
    after: Math.max(from, page?.deliveries[0]?.position ?? 0),
    count: 0,
    round: 0,
  });
  const [stored, setState] = useState<State>(begin);
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<ApiError>();
  const current = useRef(page);
  current.current = page;
  const state = stored.page === page ? stored : begin();

  const poll = async () => {
    setAsking(true);
    try {
      const path = withQuery("deliveries", { ...filters, after: state.after, limit: maxNew });
      const answer = await ask<DeliveryPage>(path);
      setError(undefined);
      if (current.current === page) {
        const isTooMuch = answer.next !== null && answer.deliveries.length === maxNew;
        const holds = isHeld();
        isTooMuch ? reload() : setState((last) => merged(last.page === page ? last : begin(), answer, holds));
      }
    } catch (failure) {
      const error = failure instanceof ApiError ? failure : new ApiError(0, "failed", String(failure));
      setError(error);
      session.noticeError(error);
    }
    setAsking(false);
  };
  useEvery(!isOn || page === undefined || isAsking ? undefined : error ? afterErrorMs : everyMs, poll);

  useEffect(() => {
    const timer = setTimeout(() => setState((last) => ({ ...last, markedFrom: Number.POSITIVE_INFINITY })), markedMs);
    return () => clearTimeout(timer);
  }, [state.markedFrom]);

  const { rows, waiting, markedFrom, count, round } = state;
  return { rows, waiting, markedFrom, count, round, error, show: () => setState(shown(state)) };
}

function merged(state: State, { deliveries, next }: DeliveryPage, isHeld: boolean): State {
  const known = new Set([...state.waiting, ...state.rows].map(({ position }) => position));
  const found = deliveries.filter(({ position }) => !known.has(position)).reverse();
  const after = Math.max(state.after, next ?? 0, found[0]?.position ?? 0);
  if (found.length === 0) {
    return { ...state, after };
  }
  const waiting = [...found, ...state.waiting].slice(0, maxRows);
  const more = { ...state, after, waiting, count: found.length, round: state.round + 1 };
  return isHeld ? more : shown(more);
}

function shown(state: State): State {
  const { rows, waiting } = state;
  const markedFrom = waiting.at(-1)?.position ?? state.markedFrom;
  return { ...state, rows: [...waiting, ...rows].slice(0, maxRows), waiting: [], markedFrom };
}
