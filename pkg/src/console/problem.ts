// The answers of the admin API: JSON, and errors as problem+json.

/** An error that is answered as it is. */
export class Problem extends Error {
  override name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: keyof typeof titles, code: string, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

/** No answer is stored, shown in another site's frame, held by a window that has opened it, or taken for a page. */
export const guarded = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export function answerOf(body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    headers: { "content-type": "application/json", ...guarded, ...headers },
  });
}

/** As in RFC 9457, like the gateway's. */
export function problemOf({ status, code, message, headers }: Problem): Response {
  const title = titles[status as keyof typeof titles];
  const body = { type: "about:blank", title, status, code, detail: message };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...guarded, ...headers },
  });
}
