// The entry cronozen-edge/diagnosis: says why a signature does not verify. It runs where WebAssembly is forbidden, too.
/// <reference path="./built.d.ts" />
/// <reference path="./runtime.d.ts" />

import makeExports from "built/diagnosis.js";
import makeGlue from "built/diagnosis-glue.js";
import { bodyOf, type RawBody } from "./body.ts";
import { secretsOf } from "./secrets.ts";
import { type SignatureSource, signatureOf } from "./signature.ts";

export type { RawBody } from "./body.ts";
export type { HeadersLike, SignatureSource } from "./signature.ts";

/** The stable name of a mistake. docs/reference.md in the repository has each one's meaning. */
export type DiagnosisCode =
  | "signature_missing"
  | "signature_empty"
  | "signature_prefix"
  | "signature_surrounded"
  | "signature_base64"
  | "signature_upper_case"
  | "signature_repeated"
  | "signature_length"
  | "signature_character"
  | "secret_missing"
  | "secret_count"
  | "secret_list"
  | "secret_wrapped"
  | "secret_assignment"
  | "secret_white_space"
  | "secret_quoted"
  | "secret_invisible_character"
  | "secret_decoded"
  | "secret_prefix_removed"
  | "secret_previous"
  | "body_reserialised"
  | "body_trailing_newline"
  | "body_line_breaks"
  | "body_byte_order_mark"
  | "body_latin1"
  | "body_empty"
  | "body_timestamped"
  | "unexplained";

/** A mistake, what to do about it, and the proof. No text of it holds a secret, a signature or a part of the body. */
export interface Finding {
  readonly code: DiagnosisCode;
  /** The mistake in one sentence. */
  readonly message: string;
  /** What to do, in a few short sentences. */
  readonly cure: string;
  /** The side that has made the mistake, if it is known: the settings here, or the program that has signed. */
  readonly party?: "receiver" | "signer";
  /** The position of the secret, if the mistake is one of a secret; 0 is the newest. */
  readonly position?: number;
  /**
   * The combination of a body and a secret whose HMAC equals the signature. Without it, the finding is a fact of the
   * header or of a secret, or `unexplained`.
   */
  readonly proof?: string;
}

/** The result of {@link diagnose}. */
export interface Diagnosis {
  /**
   * The position of the secret with which a `Verifier` accepts the signature as it is; 0 is the newest. It is undefined
   * if a `Verifier` refuses one of the secrets, or their number.
   */
  readonly verified: number | undefined;
  /** The mistakes in the header, then in the secrets, then in the body. Empty if nothing is wrong. */
  readonly findings: readonly Finding[];
}

/**
 * Returns the mistakes that explain why a signature does not verify, alone or together. It is for those who hold the
 * secret: never answer a sender with it. It takes some hundredths of a second for a usual event, and up to two
 * seconds for a large one.
 *
 * @param secrets the secrets as you have them configured, the newest first, even if a `Verifier` refuses them; those
 *   after the eighth are ignored
 * @throws TypeError if the body is not raw, or a secret is no string
 */
export function diagnose(body: RawBody, signature: SignatureSource, secrets: string | readonly string[]): Diagnosis {
  const encoder = new TextEncoder();
  const raw = bodyOf(body);
  const bytes = typeof raw === "string" ? encoder.encode(raw) : raw;
  const value = signatureOf(signature);
  const texts = secretsOf(secrets).map((secret) => encoder.encode(secret));
  const lengths = Uint32Array.from(texts, (text) => text.length);
  const joined = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  try {
    let end = 0;
    for (const text of texts) {
      joined.set(text, end);
      end += text.length;
      text.fill(0);
    }
    // A new instance for each call: nothing of a body or a secret stays in its memory.
    const glue = makeGlue();
    glue.__wbg_set_wasm(makeExports({ "./diagnosis_bg.js": glue }));
    return glue.diagnose(bytes, value === undefined ? undefined : encoder.encode(value), joined, lengths);
  } finally {
    joined.fill(0);
  }
}
