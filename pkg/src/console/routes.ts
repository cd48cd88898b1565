// The routes of the admin API, for an operator who is known.

import { listIncidents, muteIncident, showIncident } from "../alerts/incidents.ts";
import type { DeadLetters } from "../consumer/dead-letters.ts";
import { type LetterSelection, maxPruned, maxRedriven } from "../consumer/redrive.ts";
import { actorOf, type Operator } from "./access.ts";
import { askActivity, boundActivity, deliveriesOf, rangeOf } from "./activity.ts";
import { findEvent, positions, searchEvents } from "./events.ts";
import {
  bodyOf,
  boolean,
  defaultLimit,
  type Fields,
  integer,
  integers,
  maxLimit,
  oneOf,
  parametersOf,
  text,
  time,
} from "./fields.ts";
import { countOutcomes } from "./outcomes.ts";
import { answerOf, Problem } from "./problem.ts";
import { readStatus } from "./status.ts";

/** A request, and what its route works on. */
export interface Call<Env> {
  readonly request: Request;
  readonly url: URL;
  readonly operator: Operator;
  /** The number in the path. */
  readonly id: number | undefined;
  readonly env: Env;
  readonly deadLetters: DeadLetters<Env>;
}

type Route<Env> = (call: Call<Env>) => Promise<Response>;

/** The gateway accepts eventIds of 256 bytes, and types and reasons are stored at this length at most. */
const maxCharacters = 320;

/** 30 days: a mute that never ends would hide the next failure. */
const maxMuteMs = 2_592_000_000;

const limit = integer(1, maxLimit);

const rangeFields = { by: oneOf("minute", "hour", "day"), from: time, to: time };

const selectionFields = {
  ids: integers(maxPruned),
  upTo: integer(0),
  after: integer(0),
  type: text(maxCharacters),
  reason: text(maxCharacters),
  from: time,
  to: time,
  state: oneOf("open", "redriven"),
  dryRun: boolean,
};

/** The routes by path and method. */
export type Routes<Env> = Record<string, Partial<Record<string, Route<Env>>>>;

export function routes<Env>(): Routes<Env> {
  return {
    "/session": { GET: showSession },
    "/status": { GET: showStatus },
    "/activity": { GET: showActivity },
    "/outcomes": { GET: showOutcomes },
    "/deliveries": { GET: listDeliveries },
    "/events": { GET: listEvents },
    "/event": { GET: showEvent },
    "/dead-letters": { GET: listDeadLetters },
    "/dead-letters/ID": { GET: showDeadLetter },
    "/dead-letters/redrive": { POST: redriveDeadLetters },
    "/dead-letters/prune": { POST: pruneDeadLetters },
    "/erase": { POST: eraseEvent },
    "/losses": { GET: showLosses },
    "/incidents": { GET: listAllIncidents },
    "/incidents/ID": { GET: showOneIncident },
    "/incidents/mute": { POST: muteOneIncident },
    "/audit": { GET: listAudit },
  };
}

/**
 * Returns the route of a path and a method.
 *
 * @throws Problem if there is none
 */
export function routeOf<Env>(
  routes: Routes<Env>,
  path: string,
  method: string,
): { route: Route<Env>; id: number | undefined } {
  const [, list, digits] = /^(\/[a-z-]+)\/(\d{1,15})$/.exec(path) ?? [];
  const pattern = digits === undefined ? path : `${list}/ID`;
  const methods = Object.hasOwn(routes, pattern) ? routes[pattern] : undefined;
  if (methods === undefined) {
    throw new Problem(404, "not_found", `no such route: there are ${Object.keys(routes).join(", ")}`);
  }
  const route = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (route === undefined) {
    const allow = Object.keys(methods).join(", ");
    throw new Problem(405, "method_not_allowed", `method not allowed: send ${allow}`, { allow });
  }
  return { route, id: digits === undefined ? undefined : Number(digits) };
}

async function showSession<Env>({ url, operator }: Call<Env>): Promise<Response> {
  parametersOf(url, {});
  return answerOf(operator);
}

async function showStatus<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  parametersOf(url, {});
  return answerOf(await readStatus(deadLetters, env));
}

async function showActivity<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  const range = rangeOf(parametersOf(url, rangeFields));
  return answerOf(await askActivity(deadLetters, env, (activity) => activity.summary(range)));
}

async function showOutcomes<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  return answerOf(await countOutcomes(deadLetters, env, rangeOf(parametersOf(url, rangeFields))));
}

async function listDeliveries<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  const fields = parametersOf(url, {
    after: integer(0),
    before: integer(1),
    outcome: text(maxCharacters),
    code: text(maxCharacters),
    type: text(maxCharacters),
    address: text(maxCharacters),
    limit,
  });
  const query = { limit: defaultLimit, ...fields };
  return answerOf(await askActivity(deadLetters, env, (activity) => activity.deliveries(query)));
}

async function listEvents<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  const fields = parametersOf(url, {
    type: text(maxCharacters),
    source: oneOf("ledger", "ignored", "dead"),
    from: time,
    to: time,
    before: positions,
    limit,
  });
  return answerOf(await searchEvents(deadLetters, env, { limit: defaultLimit, ...fields }));
}

async function showEvent<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  const { id } = parametersOf(url, { id: text(maxCharacters) });
  const eventId = required("id", id);
  const [event, deliveries] = await Promise.all([
    findEvent(deadLetters, env, eventId),
    deliveriesOf(deadLetters, env, eventId),
  ]);
  if (event === null && !(Array.isArray(deliveries) && deliveries.length > 0)) {
    throw new Problem(
      404,
      "not_found",
      "event neither in the ledger nor among the dead letters: if it was accepted, it waits for its next attempt",
    );
  }
  const nothing = { eventId, type: null, createdAt: null, receivedAt: null, history: [], deadLetters: [] };
  return answerOf({ ...(event ?? nothing), deliveries });
}

async function listDeadLetters<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  const fields = parametersOf(url, {
    eventId: text(maxCharacters),
    type: text(maxCharacters),
    reason: text(maxCharacters),
    from: time,
    to: time,
    state: oneOf("open", "redriven", "all"),
    before: integer(1),
    limit,
  });
  return answerOf(await deadLetters.list(env, { state: "open", limit: defaultLimit, ...fields }));
}

async function showDeadLetter<Env>({ url, env, deadLetters, id = 0 }: Call<Env>): Promise<Response> {
  parametersOf(url, {});
  const letter = await deadLetters.show(env, id);
  if (letter === null) {
    throw new Problem(404, "not_found", `no dead letter ${id}`);
  }
  return answerOf(letter);
}

async function redriveDeadLetters<Env>(call: Call<Env>): Promise<Response> {
  return change(call, maxRedriven, (selection, actor) => call.deadLetters.redrive(call.env, selection, actor));
}

async function pruneDeadLetters<Env>(call: Call<Env>): Promise<Response> {
  return change(call, maxPruned, (selection, actor) => call.deadLetters.prune(call.env, selection, actor));
}

/** Takes one step of a change, or previews the change. */
async function change<Env>(
  { request, env, deadLetters, operator }: Call<Env>,
  maxIds: number,
  step: (selection: LetterSelection, actor: string) => Promise<object>,
): Promise<Response> {
  const { dryRun, selection } = await selectionOf(request, maxIds);
  return answerOf(
    dryRun ? { dryRun, ...(await deadLetters.preview(env, selection)) } : await step(selection, actorOf(operator)),
  );
}

async function eraseEvent<Env>({ request, env, deadLetters, operator }: Call<Env>): Promise<Response> {
  const { eventId } = await bodyOf(request, { eventId: text(maxCharacters) });
  return answerOf(await deadLetters.erase(env, required("eventId", eventId), actorOf(operator)));
}

/** Looks for the next accepted events, so that asking again goes on. */
async function showLosses<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  parametersOf(url, {});
  boundActivity(deadLetters, env);
  return answerOf(await deadLetters.losses(env));
}

async function listAllIncidents<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  const fields = parametersOf(url, { state: oneOf("open", "closed", "all"), before: integer(1), limit });
  const letters = await deadLetters.letters(env);
  return answerOf(await listIncidents(letters, { limit: defaultLimit, ...fields }));
}

async function showOneIncident<Env>({ url, env, deadLetters, id = 0 }: Call<Env>): Promise<Response> {
  parametersOf(url, {});
  const letters = await deadLetters.letters(env);
  const incident = await showIncident(letters, id);
  if (incident === null) {
    throw new Problem(404, "not_found", `no incident ${id}`);
  }
  return answerOf(incident);
}

async function muteOneIncident<Env>({ request, env, deadLetters, operator }: Call<Env>): Promise<Response> {
  const { id, until } = await bodyOf(request, { id: integer(1), until: time });
  if (id === undefined) {
    throw new Problem(400, "invalid_parameter", "id missing");
  }
  const end = required("until", until);
  if (Date.parse(end) > Date.now() + maxMuteMs) {
    throw new Problem(400, "invalid_parameter", "until too far ahead: at most 30 days");
  }
  const letters = await deadLetters.letters(env);
  const incident = await muteIncident(letters, id, end, actorOf(operator));
  if (incident === null) {
    throw new Problem(404, "not_found", `no open incident ${id}`);
  }
  return answerOf(incident);
}

async function listAudit<Env>({ url, env, deadLetters }: Call<Env>): Promise<Response> {
  const fields = parametersOf(url, { before: integer(1), limit });
  return answerOf(await deadLetters.audit(env, { limit: defaultLimit, ...fields }));
}

/** Returns the selection of a request's body. That of all needs the id at which the preview ended. */
async function selectionOf(request: Request, maxIds: number): Promise<{ dryRun: boolean; selection: LetterSelection }> {
  const { dryRun = false, ids, ...filter }: Fields<typeof selectionFields> = await bodyOf(request, selectionFields);
  if (ids !== undefined) {
    if (ids.length > maxIds) {
      throw new Problem(400, "invalid_parameter", `too many ids: at most ${maxIds}`);
    }
    const { state, ...others } = filter;
    if (Object.keys(others).length > 0) {
      throw new Problem(400, "invalid_parameter", "ids given together with a filter: send one of them");
    }
    return { dryRun, selection: { ids, ...(state && { state }) } };
  }
  if (filter.upTo === undefined && !dryRun) {
    throw new Problem(400, "invalid_parameter", "ids or upTo missing: a dry run shows upTo");
  }
  return { dryRun, selection: { ...filter, upTo: filter.upTo ?? Number.MAX_SAFE_INTEGER } };
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) {
    throw new Problem(400, "invalid_parameter", `${name} missing`);
  }
  return value;
}
