// One delivery, as Cronozen makes it: a signed POST, and an answer within 5 seconds.

import { sign } from "cronozen-edge";
import { Failure } from "./output.ts";

/** The sender's time-out. */
export const timeoutMs = 5000;

/** What a delivery came to: the receiver's answer, or the reason why there is none. */
export interface Attempt {
  readonly status: number | undefined;
  /** The `code` of a refusal, the `status` of an acceptance, or why there was no answer. */
  readonly code: string;
  readonly ms: number;
}

/** Posts a body with a signature, and returns what came back. */
export async function post(url: URL, body: string, signature: string): Promise<Attempt> {
  const started = performance.now();
  const ended = (status: number | undefined, code: string): Attempt => ({
    status,
    code,
    ms: Math.round(performance.now() - started),
  });
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "x-cronozen-signature": signature },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return ended(response.status, codeOf(await response.text()));
  } catch (error) {
    return ended(undefined, unansweredBecause(error));
  }
}

/** Returns the signature of a body. */
export function signatureOf(body: string, secret: string): string {
  try {
    return sign(body, secret);
  } catch (error) {
    // The verifier's message names the mistake, and holds no secret.
    throw new Failure(`signing secret unusable: ${(error as Error).message.replace(/^cronozen-edge: /, "")}`);
  }
}

function codeOf(text: string): string {
  try {
    const { code, status } = JSON.parse(text);
    return String(code ?? status ?? "no code");
  } catch {
    return "not JSON";
  }
}

function unansweredBecause(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") {
    return "timeout";
  }
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return typeof cause?.code === "string" ? cause.code : "unreachable";
}
