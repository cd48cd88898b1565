// One delivery, as Cronozen makes it: a signed POST, and an answer within 5 seconds.

import { sign } from "cronozen-edge";
import { Failure } from "./output.ts";

/** The sender's time-out. */
export const timeoutMs = 5000;

/** The answers of the gateway take less than 1 KB. More than this is not read, so that memory is bounded. */
const maxAnswerBytes = 65_536;

/** What a delivery came to: the receiver's answer, or the reason why there is none. */
export interface Attempt {
  readonly status: number | undefined;
  /** The `code` of a refusal, the `status` of an acceptance, or why there was no answer. */
  readonly code: string;
  readonly ms: number;
  /** The header `Retry-After`, in seconds. */
  readonly retryAfter: number | undefined;
}

/** Posts a body with a signature, and returns what came back. `signal` aborts it. */
export async function post(url: URL, body: string, signature: string, signal?: AbortSignal): Promise<Attempt> {
  const started = performance.now();
  const ended = (status: number | undefined, code: string, retryAfter?: number): Attempt => ({
    status,
    code,
    ms: Math.round(performance.now() - started),
    retryAfter,
  });
  // AbortSignal.timeout would keep each request for 5 s, also one that was answered.
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new DOMException("no answer in time", "TimeoutError")), timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "x-cronozen-signature": signature },
      body,
      redirect: "manual",
      signal: signal === undefined ? timeout.signal : AbortSignal.any([timeout.signal, signal]),
    });
    const code = codeOf(await textOf(response));
    const [retryAfter] = /^\d{1,9}$/.exec(response.headers.get("retry-after") ?? "") ?? [];
    return ended(response.status, code, retryAfter === undefined ? undefined : Number(retryAfter));
  } catch (error) {
    return ended(undefined, unansweredBecause(error));
  } finally {
    clearTimeout(timer);
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

/** Returns why a request got no answer, as one of a few codes. */
export function unansweredBecause(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") {
    return "timeout";
  }
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return reasons.get(String(cause?.code)) ?? "unreachable";
}

const reasons: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection_refused"],
  ["ECONNRESET", "connection_reset"],
  ["EPIPE", "connection_reset"],
  ["UND_ERR_SOCKET", "connection_reset"],
  ["ENOTFOUND", "host_not_found"],
  ["EAI_AGAIN", "host_not_found"],
]);

/** Returns the beginning of an answer's body. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) {
      break;
    }
  }
  return Buffer.concat(chunks).toString();
}

/** Returns the code in an answer. It is printed, and counted by, so another program's text must not get through. */
function codeOf(text: string): string {
  try {
    const { code, status } = Object(JSON.parse(text));
    return [code, status].find((value) => typeof value === "string" && /^[a-z_]{1,30}$/.test(value)) ?? "no_code";
  } catch {
    return "not_json";
  }
}
