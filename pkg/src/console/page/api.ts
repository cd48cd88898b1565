// Asks the admin API.

/** The path under which the console answers. */
export const mount = document.documentElement.dataset.mount ?? "";

/** True on the developer's machine, where no cron runs. */
export const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname);

/** Longer than the API waits for anything that it asks. A step of a redrive may take 20 s. */
const timeoutMs = 25_000;

/** An answer that is no success, or no answer at all. */
export class ApiError extends Error {
  override name = "ApiError";
  /** 0 if there was no answer. */
  readonly status: number;
  /** The `code` of the API, or one of `timeout`, `unreachable`, `access_ended` and `not_json`. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Returns what a request has thrown. Any other error is the page's own. */
export function errorOf(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "failed", String(error));
}

let endSession = () => {};

/** Calls this whenever an answer says that there is no session. */
export function onSessionEnd(call: () => void): void {
  endSession = call;
}

export interface Question {
  /** Makes it a POST. */
  readonly body?: object;
  readonly signal?: AbortSignal;
}

/**
 * Returns the answer to a request for a path under `api/`.
 *
 * @throws ApiError if there is none, or an error; the reason of the signal if that is aborted
 */
export async function ask<Answer>(path: string, { body, signal }: Question = {}): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${mount}/api/${path}`, {
      // Cloudflare Access answers a request without a session with a redirect to another host.
      redirect: "manual",
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body && {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    return await answerOf<Answer>(response);
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) {
      if (error instanceof ApiError && error.code === "unauthorized") {
        endSession();
      }
      throw error;
    }
    throw timeout.aborted
      ? new ApiError(0, "timeout", `no answer within ${timeoutMs / 1000} s`)
      : new ApiError(0, "unreachable", "the Worker cannot be reached");
  }
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  const { status } = response;
  if (response.type === "opaqueredirect") {
    throw new ApiError(401, "access_ended", "the session of Cloudflare Access has ended");
  }
  if (!response.headers.get("content-type")?.includes("json")) {
    throw notJson(status);
  }
  const answer = await response.json().catch((error) => {
    throw error instanceof SyntaxError ? notJson(status) : error;
  });
  if (!response.ok) {
    const { code, detail } = Object(answer);
    throw new ApiError(status, String(code), String(detail));
  }
  if (typeof answer !== "object" || answer === null) {
    throw notJson(status);
  }
  return answer;
}

/** The parameters of the view's address. */
export type Query = Readonly<Record<string, string>>;

function notJson(status: number): ApiError {
  return new ApiError(status, "not_json", `answer ${status} that is not the console's`);
}

/** Returns the parameters with these names: the API refuses others, which an address may have, too. */
export function only(query: Query, names: readonly string[]): Query {
  return Object.fromEntries(Object.entries(query).filter(([name]) => names.includes(name)));
}

/** Returns a path with the parameters that have a value. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length === 0 ? path : `${path}?${query}`;
}

/** Returns the path of a view. */
export function viewPath(view: string, parameters: Parameters<typeof withQuery>[1] = {}): string {
  return withQuery(`${mount}/${view}`, parameters);
}
