// What people import as cronozen-edge/consumer.
/// <reference path="./built.d.ts" />
/// <reference path="./runtime.d.ts" />

export { type CronozenEvent, type EventOf, is, type KnownEventType } from "./event.js";
export { consume } from "./consumer/consume.js";
export { d1, ifNewest, type Update } from "./consumer/d1.js";
export { type DeadLetter, readDeadLetter } from "./consumer/dead-letter.js";
export { type Delivery, type Effect, type Handler, type Handlers, ignore } from "./consumer/handlers.js";
export { NonRetryableError } from "./consumer/non-retryable.js";
export { kv, type Once } from "./consumer/once.js";
export type { ConsumeOptions, ErrorHandler } from "./consumer/options.js";
export type {
  Bucket,
  Database,
  KeyValueStore,
  Message,
  MessageBatch,
  Queue,
  Statement,
} from "./consumer/platform.js";
export type { RetryOptions } from "./consumer/retry.js";
export { type SigningSecrets, signingSecrets } from "./consumer/secrets.js";
