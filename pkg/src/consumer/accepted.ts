// Reads the events that the gateway has accepted, from where the last check ended.

import type { AcceptedEvent, AcceptedPage, ActivityReader } from "../activity.ts";
import type { CheckState } from "./losses.ts";
import { inTime } from "./time.ts";

/** The events that were read, and the state after it. */
export interface AcceptedRead {
  /** Those that have not been looked for before. */
  readonly events: readonly AcceptedEvent[];
  /** The state itself if nothing was read. */
  readonly state: CheckState;
  /** True if no event before the limit of time is left. */
  readonly isAtEnd: boolean;
}

/**
 * A call reads so many pages of so many events, which have up to 300 KB. With a call every 5 minutes, that is half as much
 * again as the records that the object keeps.
 */
const [maxPages, pageSize] = [3, 500];

/** The object may hang, and the console with it. */
const timeoutMs = 10_000;

/** Reads the next events that were accepted up to a time. Stops at the first younger one, which the next call reads. */
export async function readAccepted(
  activity: ActivityReader,
  before: CheckState,
  cutoff: number,
): Promise<AcceptedRead> {
  let state = before;
  const events: AcceptedEvent[] = [];
  for (let pages = 0; pages < maxPages; pages += 1) {
    const page = await ask(activity, state.position, pageSize);
    if (page.storeId !== state.storeId) {
      const isOfStart = state.position === 0;
      state = { ...state, storeId: page.storeId, position: 0, queued: 0 };
      if (!isOfStart) {
        continue;
      }
    }
    const young = page.events.findIndex(({ at }) => Date.parse(at) > cutoff);
    const old = young === -1 ? page.events : page.events.slice(0, young);
    if (old.length > 0) {
      events.push(...old.filter(({ at }) => at > state.knownTo));
      state = advanced(state, old);
    }
    if (young !== -1 || old.length === 0 || page.next === null) {
      return { events, state, isAtEnd: true };
    }
  }
  return { events, state, isAtEnd: false };
}

function ask(activity: ActivityReader, after: number, limit: number): Promise<AcceptedPage> {
  const work = async () => activity.accepted({ after, limit });
  return inTime(work, timeoutMs, `Activity timed out after ${timeoutMs} ms`);
}

function advanced(state: CheckState, events: readonly AcceptedEvent[]): CheckState {
  const [first] = events;
  const last = events.at(-1);
  // Before the first use, nothing counts.
  const before = state.seenTo === "" ? (first?.queued ?? 1) - 1 : state.queued;
  const queued = last?.queued ?? state.queued;
  return {
    ...state,
    position: last?.position ?? state.position,
    seenTo: events.reduce((latest, { at }) => (at > latest ? at : latest), state.seenTo),
    queued,
    // The events between those that were read; those that were erased among them.
    notKept: state.notKept + Math.max(0, queued - before - events.length),
  };
}
