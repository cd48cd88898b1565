// Finds the handler of an event.

import { type CronozenEvent, documentedTypes, type EventOf, type EventsOf, type KnownEventType } from "../event.ts";
import { configError, didYouMean } from "./config-error.ts";
import type { Update } from "./d1.ts";
import type { Statement } from "./platform.ts";

/** The gateway's account of an event. The sender has signed the event, and nobody has signed this. */
export interface Delivery {
  /** When the gateway received it, as RFC 3339. */
  readonly receivedAt: string;
  /** `unknown` if the gateway could not look up whether it had been seen. */
  readonly dedupe: "new" | "unknown";
  /** `inside` if `createdAt` was within the time that the gateway remembers events. `outside` may be a replay. */
  readonly window: "inside" | "outside" | "unknown";
  /** The position of the secret that matched; 0 is the newest. */
  readonly key: number;
  /** Which attempt of this message it is; the first is 1. */
  readonly attempt: number;
}

// biome-ignore-start lint/suspicious/noConfusingVoidType: a handler need not return anything
/** D1 statements that have not been run, for `once: d1(...)`; or nothing. */
export type Effect = Statement | readonly Statement[] | Update | null | false | undefined | void;
// biome-ignore-end lint/suspicious/noConfusingVoidType: as above

/**
 * Your work with an event. If it throws, the message is tried again; a {@link NonRetryableError} makes it a dead letter.
 * `context` is the Worker's.
 *
 * It is the type of a method because the parameters of methods may be narrower: you may know more of an event, and of the
 * Worker's context, than this package does.
 */
export type Handler<Event, Env> = {
  handle(event: Event, env: Env, delivery: Delivery, context: unknown): Effect | Promise<Effect>;
}["handle"];

/** The prefixes of a type of which there are wildcards: `agent` and `agent.decision` of `agent.decision.completed`. */
type Prefixes<Type> = Type extends `${infer Word}.${infer Rest}`
  ? Word | (Rest extends `${string}.${string}` ? `${Word}.${Prefixes<Rest>}` : never)
  : never;

/** The events whose type starts with this prefix: those that have a name, and any other. */
type EventsUnder<Prefix extends string, Payloads extends object> =
  | EventsOf<Payloads, Extract<KnownEventType | keyof Payloads, `${Prefix}.${string}`>>
  | EventOf<`${Prefix}.${string}`>;

/**
 * Handlers by the event's type, such as `payment.completed`, or a wildcard, such as `payment.*` and `*`. The most
 * specific one gets the event. An event that has none is a dead letter.
 *
 * A type that this package does not know is written `undocumented:payment.refunded`, or `undocumented:refund.*`: without
 * the mark, it is taken for a typing error.
 *
 * `Payloads` maps types of event to the types of their `data`: see {@link CronozenEvent}.
 */
export type Handlers<Env, Payloads extends object = Record<never, never>> = {
  readonly [Type in KnownEventType]?: Handler<EventsOf<Payloads, Type>, Env> | undefined;
} & {
  readonly [Prefix in Prefixes<KnownEventType> as `${Prefix}.*`]?:
    | Handler<EventsUnder<Prefix, Payloads>, Env>
    | undefined;
} & {
  readonly [Type in Exclude<keyof Payloads & string, KnownEventType> as `undocumented:${Type}`]?:
    | Handler<EventsOf<Payloads, Type>, Env>
    | undefined;
} & {
  readonly [Type in `undocumented:${string}`]?: Handler<CronozenEvent<Payloads>, Env> | undefined;
} & {
  readonly "*"?: Handler<CronozenEvent<Payloads>, Env> | undefined;
};

/** Precedes a type that this package does not know. */
const mark = "undocumented:";

/** Any handler. Which event it can take has been checked by its place in {@link Handlers}. */
export type AnyHandler<Env> = Handler<CronozenEvent, Env>;

/** The handlers, by what they are looked up with. */
export interface Routes<Env> {
  /** By type, and by `*`. */
  byType: Map<string, AnyHandler<Env>>;
  /** By prefix, the longest first. */
  byPrefix: [prefix: string, handler: AnyHandler<Env>][];
}

/**
 * The handler of events that you do not want, as in `"*": ignore`: they are acknowledged and not claimed, so that a
 * handler which you add later gets them, if they are delivered again.
 */
export function ignore(): void {}

export function routesOf<Env, Payloads extends object>(handlers: Handlers<Env, Payloads>): Routes<Env> {
  const isObject = typeof handlers === "object" && handlers !== null && !Array.isArray(handlers);
  const known = documentedPatterns();
  const byType = new Map<string, AnyHandler<Env>>();
  for (const [key, handler] of Object.entries<AnyHandler<Env> | undefined>(isObject ? handlers : {})) {
    if (handler === undefined) {
      continue;
    }
    if (typeof handler !== "function") {
      throw configError(`handler of ${key} not a function`);
    }
    const pattern = patternOf(key, known);
    if (byType.has(pattern)) {
      throw configError(`two handlers of ${pattern}`);
    }
    byType.set(pattern, handler);
  }
  if (byType.size === 0) {
    throw configError("handlers missing: pass an object of functions by event type");
  }
  const wildcards = [...byType].filter(([pattern]) => pattern.endsWith(".*"));
  const byPrefix = wildcards.map(([pattern, handler]): [string, AnyHandler<Env>] => [pattern.slice(0, -1), handler]);
  return { byType, byPrefix: byPrefix.sort(([one], [other]) => other.length - one.length) };
}

/** Returns the type or wildcard that a key of the handlers names. A typing error would drop events, unnoticed. */
function patternOf(key: string, known: string[]): string {
  const pattern = key.startsWith(mark) ? key.slice(mark.length) : key;
  if (pattern === "") {
    throw configError("event type of a handler empty");
  }
  if (pattern.replace(/(^|\.)\*$/, "").includes("*")) {
    throw configError(`unusable wildcard ${key}: write payment.*, or * for all`);
  }
  if (pattern === key && key !== "*" && !known.includes(key)) {
    // The text does not show the key with the mark: copied, it would keep a typing error.
    const hint = didYouMean(key, known) || ".";
    throw configError(`undocumented event type ${key}${hint} A type newer than this package needs ${mark} before it`);
  }
  return pattern;
}

/** Returns the documented types, and the wildcards that hold some of them. */
function documentedPatterns(): string[] {
  const prefixes = documentedTypes.flatMap((type) => {
    const words = type.split(".");
    return words.slice(1).map((_, end) => words.slice(0, end + 1).join("."));
  });
  return [...documentedTypes, ...prefixes.map((prefix) => `${prefix}.*`)];
}

/** Returns the most specific handler of a type: its own, then `agent.decision.*`, then `agent.*`, then `*`. */
export function handlerOf<Env>({ byType, byPrefix }: Routes<Env>, type: string | null): AnyHandler<Env> | undefined {
  if (type === null) {
    return byType.get("*");
  }
  return byType.get(type) ?? byPrefix.find(([prefix]) => type.startsWith(prefix))?.[1] ?? byType.get("*");
}
