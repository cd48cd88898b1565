/** The types of event that Cronozen documents. There will be others: never refuse an unknown one. */
export type KnownEventType =
  | "dpu.sealed"
  | "dpu.verified"
  | "agent.decision.completed"
  | "agent.approval.requested"
  | "payment.completed"
  | "payment.failed"
  | "attendance.verified"
  | "certificate.issued"
  | "workflow.transitioned";

/** Any type but the known ones, of which the compiler should still know in a `switch`. */
export type UnknownEventType = string & Record<never, never>;

/** An event of one type. Only `eventId` has been checked; the rest is as Cronozen documents it. */
export interface EventOf<Type extends string> {
  /** What makes the event itself: 1 to 256 bytes without control characters. Handle each id once. */
  readonly eventId: string;
  readonly type: Type;
  /** When it happened, as RFC 3339. */
  readonly createdAt: string;
  readonly [field: string]: unknown;
}

/** What `JSON.parse` makes of the verified body. */
export type CronozenEvent = { [Type in KnownEventType]: EventOf<Type> }[KnownEventType] | EventOf<UnknownEventType>;

/** The raw body. Other views of an ArrayBuffer, such as a Node Buffer, will do as well. */
export type RawBody = string | ArrayBuffer | ArrayBufferView;

/** Headers, as Fetch has them. */
export interface HeadersLike {
  get(name: string): string | null;
}

/** The value of `X-Cronozen-Signature`, or the headers that hold it, whatever the case of their names. */
export type SignatureSource =
  | string
  | readonly string[]
  | null
  | undefined
  | HeadersLike
  | { readonly [name: string]: string | readonly string[] | undefined };

/** What reads a stream of bytes. */
export interface ReaderLike {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<unknown>;
}

/** A Fetch `Request`, as far as it is used. */
export interface RequestLike {
  readonly headers: HeadersLike;
  readonly body?: { getReader(): ReaderLike } | null | undefined;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * Why a delivery is refused:
 *
 * - `signature_missing`: there is no signature;
 * - `signature_malformed`: it is not 64 lowercase hexadecimal digits;
 * - `signature_mismatch`: it was made with none of the secrets, or the body has been altered;
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

/** What a check has found. `message` is for your log; tell the sender no more than the status. */
export type CheckResult =
  | {
      readonly ok: true;
      readonly event: CronozenEvent;
      /** The position of the secret that matched; 0 is the newest. */
      readonly key: number;
    }
  | {
      readonly ok: false;
      readonly code: VerificationErrorCode;
      readonly status: VerificationErrorStatus;
      readonly message: string;
    };

/** A delivery that must not be trusted. */
export class VerificationError extends Error {
  private constructor();
  readonly name: "VerificationError";
  readonly code: VerificationErrorCode;
  readonly status: VerificationErrorStatus;
}

/**
 * What computes the HMACs:
 *
 * - `wasm`: the package alone;
 * - `native`: the runtime's own SHA-256, in Node (20.16 or 22.3 and later), Deno and Bun;
 * - `subtle`: Web Crypto, in the asynchronous methods.
 */
export type Backend = "wasm" | "native" | "subtle";

export interface VerifierOptions {
  /** The largest body that is verified, from 1 byte to 67,108,864 (64 MiB). 1,048,576 (1 MiB) by default. */
  readonly maxBodyBytes?: number | undefined;

  /** For tests and comparisons. By default it is the fastest for each body that the runtime has. */
  readonly backend?: Backend | undefined;
}

/** Verifies deliveries. Shows no secret when it is printed. Make as many as you like: the work on a secret is kept. */
export class Verifier {
  /**
   * @param secrets the signing secrets exactly as Cronozen gave them, one to eight, the newest first
   * @throws TypeError if a secret is empty, has white space, or is no string, or if an option is wrong
   */
  constructor(secrets: string | readonly string[], options?: VerifierOptions);

  /**
   * The event in a delivery.
   *
   * @throws {@link VerificationError} if the delivery must not be trusted; TypeError if the body is not raw
   */
  verify(body: RawBody, signature: SignatureSource): CronozenEvent;

  /**
   * The same as a result, without an exception for anything that a sender can do.
   *
   * @throws TypeError if the body is not raw
   */
  check(body: RawBody, signature: SignatureSource): CheckResult;

  /** Whether the signature is the body's, which need not be an event. A body over the cap is not looked at. */
  matches(body: RawBody, signature: SignatureSource): boolean;

  /**
   * As {@link verify}. Where only Web Crypto has SHA-256 in hardware, as in Workers and browsers, it is faster for
   * large bodies. The body must not change until it is done.
   */
  verifyAsync(body: RawBody, signature: SignatureSource): Promise<CronozenEvent>;

  /** As {@link check}, and asynchronous as {@link verifyAsync} is. */
  checkAsync(body: RawBody, signature: SignatureSource): Promise<CheckResult>;

  /** As {@link matches}, and asynchronous as {@link verifyAsync} is. */
  matchesAsync(body: RawBody, signature: SignatureSource): Promise<boolean>;

  /**
   * Reads the body of a Fetch `Request`, as far as the cap, and gives the event in it.
   *
   * @throws {@link VerificationError} if the delivery must not be trusted; what the runtime throws if the
   * body cannot be read
   */
  receive(request: RequestLike): Promise<CronozenEvent>;
}

/**
 * The signature of a body, as Cronozen makes it, for tests and local senders.
 *
 * @throws TypeError if the secret is empty, has white space, or is no string
 */
export function sign(body: RawBody, secret: string): string;
