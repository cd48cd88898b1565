// Calls a URL that is a secret: no error has it.

import { reasonOf } from "../consumer/log.ts";

/** Another service did not take a request. */
export class RequestError extends Error {
  override name = "RequestError";
  /** When it may be tried again, in milliseconds from now, if the answer says so. */
  readonly retryAfterMs: number | undefined;

  constructor(failure: string, retryAfterMs?: number) {
    super(failure);
    this.retryAfterMs = retryAfterMs;
  }
}

const timeoutMs = 10_000;

/** Returns true if a URL is HTTPS, or of this machine. */
export function isUsable(url: unknown): url is string {
  try {
    const { protocol, hostname } = new URL(String(url));
    return protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1"].includes(hostname));
  } catch {
    return false;
  }
}

/** @throws RequestError if the answer is not 2xx, or there is none within 10 s */
export async function request(url: string, init: RequestInit): Promise<void> {
  if (!isUsable(url)) {
    throw new RequestError("URL missing or unusable: it must begin with https://");
  }
  let response: Response;
  try {
    // A redirect would take the message to another host.
    response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    // The error's own text may have the URL.
    const isTimeout = Object(error).name === "TimeoutError";
    throw new RequestError(isTimeout ? `no answer within ${timeoutMs} ms` : "connection failed");
  }
  // The answer has come: that its body cannot be cancelled is no failure.
  await response.body?.cancel().catch(() => {});
  if (!response.ok) {
    throw new RequestError(`answer ${response.status}`, retryAfterOf(response.headers.get("retry-after")));
  }
}

/** Returns the first line of an error, without the URLs in it. */
export function failureOf(error: unknown): string {
  return reasonOf(error instanceof RequestError ? error.message : error).replace(
    /\b[a-z][a-z\d+.-]*:\/\/\S+/gi,
    "(URL)",
  );
}

/** A number of seconds, or a date. */
function retryAfterOf(value: string | null): number | undefined {
  const ms = /^\d+(\.\d+)?$/.test(value ?? "") ? Number(value) * 1000 : Date.parse(value ?? "") - Date.now();
  return ms > 0 ? ms : undefined;
}
