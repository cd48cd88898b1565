// What is used of Cloudflare's bindings.

import { hasMethod } from "../kind.ts";

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
  send(body: unknown, options: { contentType: "text" | "v8" }): Promise<unknown>;
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

/** Returns a binding that has this method. `name` says what it is, for the error. */
export function bound<Binding>(binding: Binding, method: string, name: string): NonNullable<Binding> {
  if (!isUsable(binding, method)) {
    throw new Error(`${name} missing: is it bound by that name?`);
  }
  return binding;
}

function isUsable<Binding>(binding: Binding, method: string): binding is NonNullable<Binding> {
  return hasMethod(binding, method);
}
