// The parts of Cloudflare's bindings that a consumer uses.

import { hasMethod } from "../kind.ts";

/** The part of a D1 statement that is used. */
export interface Statement {
  bind(...values: unknown[]): Statement;
  all(): Promise<Rows>;
  run(): Promise<unknown>;
}

/** The part of the result of a D1 statement that is used. */
export interface Rows {
  readonly results: readonly unknown[];
}

/** The part of a D1 database that is used. */
export interface Database {
  prepare(query: string): Statement;
  batch(statements: Statement[]): Promise<readonly Rows[]>;
}

/** The part of a KV namespace that is used. */
export interface KeyValueStore {
  get(key: string): Promise<unknown>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<unknown>;
}

/** The part of an R2 bucket that is used. */
export interface Bucket {
  get(key: string): Promise<{ readonly size: number; arrayBuffer(): Promise<ArrayBuffer> } | null>;
  delete(key: string): Promise<unknown>;
}

/** The part of a queue's producer that is used. */
export interface Queue {
  send(body: unknown, options: { contentType: "text" | "v8" }): Promise<unknown>;
  metrics?(): Promise<QueueMetrics>;
}

/** The part of a queue's metrics that is used. */
export interface QueueMetrics {
  readonly backlogCount: number;
  readonly oldestMessageTimestamp?: Date | undefined;
}

/** The part of a message that is used. */
export interface Message {
  readonly id: string;
  /** When the message was put on the queue. */
  readonly timestamp: Date;
  readonly body: unknown;
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}

/** The part of a batch of messages that is used. */
export interface MessageBatch {
  readonly queue: string;
  readonly messages: readonly Message[];
}

/** Returns a binding that has this method. `name` says what it is, for the error. */
export function bound<Binding>(binding: Binding, method: string, name: string): NonNullable<Binding> {
  if (binding === undefined || binding === null || !hasMethod(binding, method)) {
    throw new Error(`${name} missing: is it bound by that name?`);
  }
  return binding;
}
