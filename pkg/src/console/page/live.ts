// Follows the gateway's log: new deliveries come on top of a list.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ActivityRecord, DeliveryPage } from "../../activity.ts";
import { maxLimit } from "../fields.ts";
import { type ApiError, ask, errorOf, type Query, withQuery } from "./api.ts";
import { backedOff, useEvery } from "./use-answer.ts";

const everyMs = 5000;

/** The time for which a new row is marked. */
const markedMs = 4000;

/** More rows make the page slow, and nobody reads them. */
export const maxRows = 200;

interface Options {
  /** The newest page; a list that was loaded again begins anew. */
  readonly page: DeliveryPage | undefined;
  readonly filters: Query;
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
  /** The rows that have come while the others must stay where they are. */
  readonly waiting: readonly ActivityRecord[];
  /** Rows from this position on are marked. */
  readonly markedFrom: number;
  readonly after: number;
  /** The number of deliveries that the last request has brought, and of the requests that have brought some. */
  readonly count: number;
  readonly round: number;
  /** The error of the last request, and the number of errors since the last answer. */
  readonly error: ApiError | undefined;
  readonly failures: number;
}

export interface Live extends Pick<State, "rows" | "waiting" | "markedFrom" | "count" | "round" | "error"> {
  /** Shows what waits. */
  show(): void;
}

export function useLive({ page, filters, from, isOn, isHeld, reload }: Options): Live {
  const begin = (): State => ({
    page,
    rows: page?.deliveries ?? [],
    waiting: [],
    markedFrom: Number.POSITIVE_INFINITY,
    after: Math.max(from, page?.deliveries[0]?.position ?? 0),
    count: 0,
    round: 0,
    error: undefined,
    failures: 0,
  });
  const [stored, setState] = useState<State>(begin);
  const [isAsking, setAsking] = useState(false);
  const current = useRef(page);
  current.current = page;
  const state = stored.page === page ? stored : begin();

  const change = (changed: (last: State) => State) => {
    if (current.current === page) {
      setState((last) => changed(last.page === page ? last : begin()));
    }
  };
  const poll = async () => {
    setAsking(true);
    try {
      const path = withQuery("deliveries", { ...filters, after: state.after, limit: maxLimit });
      const answer = await ask<DeliveryPage>(path);
      // With more, the list begins anew.
      const isTooMuch = answer.next !== null && answer.deliveries.length === maxLimit;
      const holds = isHeld();
      change((last) => {
        const known = { ...last, error: undefined, failures: 0 };
        return isTooMuch ? known : merged(known, answer, holds);
      });
      if (isTooMuch && current.current === page) {
        reload();
      }
    } catch (failure) {
      change((last) => ({ ...last, error: errorOf(failure), failures: last.failures + 1 }));
    }
    setAsking(false);
  };
  const { error, failures } = state;
  useEvery(isOn && page !== undefined && !isAsking ? backedOff(everyMs, failures, error) : undefined, poll);

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
