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

/** A call reads so many pages of so many events, which have up to 300 KB. */
const [maxPages, pageSize] = [2, 500];

/** The object may hang, and the console with it. */
const timeoutMs = 10_000;

/** Reads the next events that were accepted up to a time. Stops at the first younger one, which the next call reads. */
export async function readAccepted(
  activity: ActivityReader,
  before: CheckState,
  cutoff: number,
): Promise<AcceptedRead> {
  let state = (await isAnchored(activity, before)) ? before : restarted(before);
  const events: AcceptedEvent[] = [];
  for (let pages = 0; pages < maxPages; pages += 1) {
    const page = await ask(activity, state.position, pageSize);
    const young = page.events.findIndex(({ at }) => Date.parse(at) > cutoff);
    const old = young === -1 ? page.events : page.events.slice(0, young);
    if (old.length > 0) {
      events.push(...old.filter((event) => !wasSeen(event, state)));
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

/** Returns false if the last event is not at its position: the object was emptied, or the event erased. */
async function isAnchored(activity: ActivityReader, { position, anchor }: CheckState): Promise<boolean> {
  if (position === 0) {
    return true;
  }
  const [first] = (await ask(activity, position - 1, 1)).events;
  return first?.position === position && first.eventId === anchor;
}

/**
 * Returns the state in which all positions are read again. In an emptied object, all events are younger than those that
 * were looked for, because these were accepted some minutes before the last check.
 */
function restarted(state: CheckState): CheckState {
  const isNewer = state.seenTo > state.knownTo;
  const isFirst = state.knownPosition === Number.MAX_SAFE_INTEGER;
  const knownPosition = isNewer && isFirst ? state.position : Math.max(state.position, state.knownPosition);
  const knownTo = isNewer ? state.seenTo : state.knownTo;
  return { ...state, position: 0, anchor: null, seenTo: "", knownPosition, knownTo, queued: 0, notKept: 0 };
}

/** Returns true if an event was looked for before: if its claim was deleted since, it is no loss. */
function wasSeen({ position, at }: AcceptedEvent, { knownPosition, knownTo }: CheckState): boolean {
  return position <= knownPosition && at <= knownTo;
}

function advanced(state: CheckState, events: readonly AcceptedEvent[]): CheckState {
  const [first] = events;
  const last = events.at(-1);
  const before = state.position === 0 ? (first?.queued ?? 1) - 1 : state.queued;
  const queued = last?.queued ?? state.queued;
  return {
    ...state,
    position: last?.position ?? state.position,
    anchor: last?.eventId ?? state.anchor,
    seenTo: events.reduce((latest, { at }) => (at > latest ? at : latest), state.seenTo),
    queued,
    // The events between those that were read; those that were erased among them.
    notKept: state.notKept + Math.max(0, queued - before - events.length),
  };
}
