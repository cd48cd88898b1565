// What people import as cronozen-edge, in each of its builds.
/// <reference path="./built.d.ts" />
/// <reference path="./runtime.d.ts" />

export type { Backend } from "./backend.js";
export type { RawBody, ReaderLike, RequestLike } from "./body.js";
export { type CronozenEvent, type EventOf, is, type KnownEventType, type UnknownEventType } from "./event.js";
export type { VerifierOptions } from "./options.js";
export {
  type CheckResult,
  type Refused,
  VerificationError,
  type VerificationErrorCode,
  type VerificationErrorStatus,
  type Verified,
} from "./refusal.js";
export type { HeadersLike, SignatureSource } from "./signature.js";
export { sign, Verifier } from "./verifier.js";
