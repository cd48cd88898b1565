// biome-ignore-all lint/suspicious/noExplicitAny: what users give and get is of their own types
// biome-ignore-all lint/suspicious/noConfusingVoidType: a handler need not return anything

import type { CronozenEvent, EventOf, KnownEventType } from "./index.js";

export type { CronozenEvent, EventOf, KnownEventType } from "./index.js";

/** What the gateway said of an event. None of it is signed; the event is. */
export interface Delivery {
  /** When the gateway received it, as RFC 3339. */
  readonly receivedAt: string;
  /** `unknown` if the gateway could not look up whether it had been seen. */
  readonly dedupe: "new" | "unknown";
  /** Whether `createdAt` was within the time that the gateway remembers events: `outside` may be a replay. */
  readonly window: "inside" | "outside" | "unknown";
  /** The position of the secret that matched; 0 is the newest. */
  readonly key: number;
  /** Which attempt of this message it is; the first is 1. */
  readonly attempt: number;
}

/** What is used of a D1 statement. */
export interface Statement {
  bind(...values: unknown[]): Statement;
  first(): Promise<unknown>;
  run(): Promise<unknown>;
}

/** What is used of a D1 database. */
export interface Database {
  prepare(query: string): Statement;
  batch(statements: Statement[]): Promise<unknown>;
}

/** What is used of a KV namespace. */
export interface KeyValueStore {
  get(key: string): Promise<unknown>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<unknown>;
}

/** What is used of an R2 bucket. */
export interface Bucket {
  get(key: string): Promise<{ readonly size: number; arrayBuffer(): Promise<ArrayBuffer> } | null>;
}

/** What is used of a queue's producer. */
export interface Queue {
  send(body: any, options: { contentType: "text" | "v8" }): Promise<unknown>;
}

/** What is used of a message. */
export interface Message {
  readonly id: string;
  readonly body: unknown;
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}

/** What is used of a batch of messages. */
export interface MessageBatch {
  readonly queue: string;
  readonly messages: readonly Message[];
}

/** Statements that belong to the newest state of an entity alone: made by {@link ifNewest}. */
export interface Update {
  readonly entity: string;
  readonly statements: Statement | readonly Statement[];
}

/** D1 statements that have not been run, for `once: d1(...)`; or nothing. */
export type Effect = Statement | readonly Statement[] | Update | null | false | undefined | void;

/**
 * Your work with an event. What it throws has the message tried again; a {@link Permanent} makes it a dead letter.
 * `context` is the Worker's. As a method's, its parameters may be narrower: you may know more of an event than its type.
 */
export type Handler<Event, Env> = {
  handle(event: Event, env: Env, delivery: Delivery, context: any): Effect | Promise<Effect>;
}["handle"];

type Prefixes<Type> = Type extends `${infer Word}.${infer Rest}`
  ? Word | (Rest extends `${string}.${string}` ? `${Word}.${Prefixes<Rest>}` : never)
  : never;

/**
 * Handlers by the event's type, such as `payment.completed`, or a wildcard, such as `payment.*` and `*`. The most
 * specific one gets the event. An event that has none is a dead letter.
 */
export type Handlers<Env> = {
  readonly [Type in KnownEventType]?: Handler<EventOf<Type>, Env>;
} & {
  readonly [Prefix in Prefixes<KnownEventType> as `${Prefix}.*`]?: Handler<
    EventOf<Extract<KnownEventType, `${Prefix}.${string}`>>,
    Env
  >;
} & {
  readonly "*"?: Handler<CronozenEvent, Env>;
  readonly [type: string]: Handler<any, Env> | undefined;
};

/**
 * The handler of events that you do not want, as in `"*": ignore`: they are acknowledged and not claimed, so that a
 * handler which you add later gets them, if they are delivered again.
 */
export function ignore(): void;

/** How often and when a message is tried. */
export interface RetryOptions {
  /**
   * After so many attempts it is a dead letter: 11 by default, at most 101. The consumer's `max_retries` in
   * wrangler.toml must be at least one less, or the queue gives up first, and the reason is lost.
   */
  readonly maxAttempts?: number;
  /** The least time before the second attempt. 30 s by default; each further one waits about twice as long. */
  readonly firstSeconds?: number;
  /** The longest time between two attempts. 43,200 s (12 h) by default, and at most. */
  readonly maxSeconds?: number;
}

/** Made by {@link d1} and {@link kv}. */
export interface Once<Env> {
  readonly run: (occasion: { eventId: string; createdAt: string | null; env: Env }, work: any) => Promise<unknown>;
}

export interface ConsumeOptions<Env> {
  /** How an event has its effect once. `false`: your handlers see to that themselves. */
  readonly once: Once<Env> | false;
  /** The producer of the dead-letter queue. */
  readonly deadLetters: (env: Env) => Queue;
  /**
   * The signing secrets, newest first, as a list or separated by white space. With them, each event's signature is
   * verified once more, so that nobody else's message on the queue is handled.
   */
  readonly secrets?: (env: Env) => string | readonly string[] | Promise<string | readonly string[]>;
  /** The R2 bucket with the bodies that are too large for the queue, if the gateway has one. */
  readonly bodies?: (env: Env) => Bucket | undefined;
  readonly retry?: RetryOptions;
  /** How long one message may take, in milliseconds. 30,000 (30 s) by default, 840,000 (14 min) at most. */
  readonly timeoutMs?: number;
  /**
   * Called after each failed attempt with the error, stack and all, for your error reports: the log has its first line.
   * The error is the handler's, D1's, or the helper's own, as for a wrong signature.
   */
  readonly onError?: (error: unknown, message: Message, env: Env, context: any) => unknown;
}

/**
 * The `queue` function of a Worker, for the queue of events; dead letters need another. Handles up to six messages of a
 * batch at once, each on its own: what is done is acknowledged, what fails is tried again, what cannot succeed is put on
 * the dead-letter queue with the reason. Writes one line of JSON to the log for each.
 *
 * @throws TypeError if a handler or an option is missing or of the wrong kind
 */
export function consume<Env = any>(
  handlers: Handlers<Env>,
  options: ConsumeOptions<Env>,
): (batch: MessageBatch, env: Env, context?: any) => Promise<void>;

/** Thrown by a handler, it makes the message a dead letter at once: no retry would help. */
export class Permanent extends Error {
  constructor(reason: string, options?: ErrorOptions);
}

/**
 * Claims each `eventId` in D1, for ever, in one transaction with the statements that the handler returns: they are
 * applied exactly once, however often the message comes. The statements must be of the same database, in which the
 * tables `cronozen_claims` and `cronozen_newest` exist, and which no other consumer of the queue uses.
 */
export function d1<Env = any>(database: (env: Env) => Database): Once<Env>;

/**
 * Remembers handled `eventId`s in Workers KV, 60 days unless told. Weaker than {@link d1}: two copies of a message at
 * once, a handler that outlives `timeoutMs`, or a failure after the effect, have the effect twice.
 */
export function kv<Env = any>(
  namespace: (env: Env) => KeyValueStore,
  options?: { readonly ttlSeconds?: number },
): Once<Env>;

/**
 * Statements that are left out, and the event claimed all the same, if an event with a later `createdAt` has been
 * applied to the entity already. For handlers that keep state, with `once: d1(...)`: return it alone, with all of
 * the event's statements.
 *
 * @param entity a name of your own, such as `certificate:42`
 */
export function ifNewest(entity: string, statements: Statement | readonly Statement[]): Update;

/** A message that could not be handled. */
export interface DeadLetter {
  readonly eventId: string | null;
  readonly type: string | null;
  /**
   * Why; `null` if the queue itself has given up, because the consumer kept failing without an answer, or if the message
   * was not the gateway's and could not be written as JSON with a reason.
   */
  readonly reason: string | null;
  readonly attempts: number | null;
  /** As RFC 3339. */
  readonly failedAt: string | null;
  /** The message as it was, to be put on the queue again with `contentType: "text"`. Of what was no text, as JSON. */
  readonly text: string;
}

/** Reads the body of a message of the dead-letter queue. Never throws. */
export function readDeadLetter(body: unknown): DeadLetter;
