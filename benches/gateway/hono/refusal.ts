// The reasons why a delivery is not acknowledged.

export type Code =
  | "invalid_event"
  | "invalid_signature"
  | "not_found"
  | "method_not_allowed"
  | "body_timeout"
  | "body_too_large"
  | "event_too_old"
  | "misconfigured"
  | "unavailable";

const answers = {
  invalid_event: [400, "Bad Request"],
  invalid_signature: [401, "Unauthorized"],
  not_found: [404, "Not Found"],
  method_not_allowed: [405, "Method Not Allowed"],
  body_timeout: [408, "Request Timeout"],
  body_too_large: [413, "Content Too Large"],
  event_too_old: [422, "Unprocessable Content"],
  misconfigured: [500, "Internal Server Error"],
  unavailable: [503, "Service Unavailable"],
} as const;

/** The details for the sender if the reason is only for the log. */
const details: Partial<Record<Code, string>> = {
  invalid_signature: "the signature did not verify",
  misconfigured: "the gateway is not configured; /healthz lists what is wrong",
  unavailable: "the event could not be queued in time; send it again",
};

export class Refusal extends Error {
  constructor(
    readonly code: Code,
    /** For the log. */
    readonly reason: string,
    readonly level: "warn" | "error" = answers[code][0] >= 500 ? "error" : "warn",
  ) {
    super(reason);
  }

  get status() {
    return answers[this.code][0];
  }

  get outcome() {
    return this.status >= 500 ? "failed" : "rejected";
  }

  /** The answer's body, as in RFC 9457. */
  problem() {
    const [status, title] = answers[this.code];
    return { type: "about:blank", title, status, code: this.code, detail: details[this.code] ?? this.reason };
  }
}
