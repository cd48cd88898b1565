// The exports of cronozen-edge, the same in each of its builds.
/// <reference path="./built.d.ts" />
/// <reference path="./runtime.d.ts" />

export type { Backend } from "./backend.ts";
export type { RawBody, ReaderLike, RequestLike } from "./body.ts";
export { type CronozenEvent, type EventOf, is, type KnownEventType, typeOf, type UnknownEventType } from "./event.ts";
export type { VerifierOptions } from "./options.ts";
export {
  type CheckResult,
  type Refused,
  VerificationError,
  type VerificationErrorCode,
  type VerificationErrorStatus,
  type Verified,
} from "./refusal.ts";
export type { HeadersLike, SignatureSource } from "./signature.ts";
export { sign, Verifier } from "./verifier.ts";
