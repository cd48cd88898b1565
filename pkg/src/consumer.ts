// The entry cronozen-edge/consumer.
/// <reference path="./built.d.ts" />
/// <reference path="./runtime.d.ts" />

export type {
  AcceptedEvent,
  AcceptedPage,
  ActivityNamespace,
  ActivityPeriod,
  ActivityReader,
  ActivityRecord,
  ActivityStatus,
  ActivitySummary,
  ActivityUnit,
  DeliveryPage,
  DeliveryQuery,
  GatewayStatus,
  SummaryQuery,
} from "./activity.ts";
export type { AuditEntry, AuditPage } from "./consumer/audit.ts";
export { consume } from "./consumer/consume.ts";
export { d1, ifNewest, type Update } from "./consumer/d1.ts";
export { type DeadLetter, readDeadLetter } from "./consumer/dead-letter.ts";
export {
  type DeadLetterOptions,
  type DeadLetters,
  deadLetters,
} from "./consumer/dead-letters.ts";
export type { Erasure } from "./consumer/erase.ts";
export { type Delivery, type Effect, type Handler, type Handlers, ignore } from "./consumer/handlers.ts";
export type { Letter, LetterPage, LetterState, ListOptions, ShownLetter, Totals } from "./consumer/letters.ts";
export type { Losses, LostEvent } from "./consumer/losses.ts";
export { NonRetryableError } from "./consumer/non-retryable.ts";
export { kv, type Once } from "./consumer/once.ts";
export type { ConsumeOptions, DeadLetterStore, ErrorHandler } from "./consumer/options.ts";
export type {
  Bucket,
  Database,
  KeyValueStore,
  Message,
  MessageBatch,
  Queue,
  QueueMetrics,
  Rows,
  Statement,
} from "./consumer/platform.ts";
export type { LetterSelection, Preview, PruneStep, RedriveStep } from "./consumer/redrive.ts";
export type { RetryOptions } from "./consumer/retry.ts";
export { type SigningSecrets, signingSecrets } from "./consumer/secrets.ts";
export { type CronozenEvent, type EventOf, is, type KnownEventType, typeOf } from "./event.ts";
