// Refused deliveries: as results, and as errors.

import type { CronozenEvent } from "./event.ts";

/**
 * The reason why a delivery is refused:
 *
 * - `signature_missing`: there is no signature;
 * - `signature_malformed`: it is not 64 lowercase hexadecimal digits;
 * - `signature_mismatch`: it was made with none of the secrets, or the body was altered;
 * - `invalid_event`: it is right, but the body is no JSON object with a usable `eventId`;
 * - `body_too_large`: the body is over the cap.
 */
export type VerificationErrorCode =
  | "signature_missing"
  | "signature_malformed"
  | "signature_mismatch"
  | "invalid_event"
  | "body_too_large";

/** The HTTP status to answer with. Cronozen tries again after any that is not 2xx. */
export type VerificationErrorStatus = 400 | 401 | 413;

/** A delivery that must not be trusted. `message` is for your log: give the sender no more than the status. */
export interface Refused {
  readonly ok: false;
  readonly code: VerificationErrorCode;
  readonly status: VerificationErrorStatus;
  readonly message: string;
}

/** A delivery that is Cronozen's. */
export interface Verified<Payloads extends object = Record<never, never>> {
  readonly ok: true;
  readonly event: CronozenEvent<Payloads>;
  /** The position of the secret that matched; 0 is the newest. */
  readonly key: number;
}

/** The result of a check. */
export type CheckResult<Payloads extends object = Record<never, never>> = Verified<Payloads> | Refused;

/** Thrown for a delivery that must not be trusted. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
  readonly code: VerificationErrorCode;
  readonly status: VerificationErrorStatus;

  /** Makes the error of a refused check. */
  constructor({ code, status, message }: Refused) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
