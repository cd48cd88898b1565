// The meaning of each code and outcome in the gateway's log, and its cure.

import type { ActivityRecord } from "../../activity.ts";

export interface Explanation {
  /** The HTTP status of the answer, if the line stands for one. */
  readonly status?: string;
  readonly title: string;
  readonly meaning: string;
  /** The next step, also if it is none. */
  readonly cure: string;
  /** Set if a diagnosis of the whole request finds the mistake. */
  readonly isDiagnosable?: true;
}

const resend =
  "Cronozen tries again for 31 hours. After that, retry the delivery at Cronozen, by its dashboard or its API.";

/** By the code of the answer. */
export const codes: Readonly<Record<string, Explanation>> = {
  accepted: {
    status: "202",
    title: "Accepted",
    meaning: "The signature is right, and the event is on the queue. The consumer takes it from there.",
    cure: "Nothing needs to be done. The event's page shows what became of it.",
  },
  duplicate: {
    status: "200",
    title: "Duplicate",
    meaning: "The event was on the queue before, so it was not queued again. Cronozen delivers at least once.",
    cure: "Nothing needs to be done. If the event was never handled, its page says where it is.",
  },
  invalid_event: {
    status: "400",
    title: "Not an event",
    meaning:
      "The signature is right, but the body is not a JSON object, or its eventId is not a string of 1 to 256 bytes without control characters.",
    cure: "Ask Cronozen about it: only its signer can correct it. In a test of your own, correct the body.",
  },
  invalid_signature: {
    status: "401",
    title: "Signature refused",
    meaning: "The signature is missing, malformed or wrong. The gateway has believed nothing in the body.",
    cure: `If the address is not Cronozen's, nothing needs to be done. If it is, compare the header and the secret. ${resend}`,
    isDiagnosable: true,
  },
  not_found: {
    status: "404",
    title: "Another path",
    meaning: "The request went to another path than the webhook's and /healthz. A slash at the end counts.",
    cure: "If it is Cronozen's, register the URL with exactly the path in WEBHOOK_PATH. Scanners try many paths: leave them.",
  },
  method_not_allowed: {
    status: "405",
    title: "Another method",
    meaning: "The path is right, but the method is not: a delivery is a POST.",
    cure: "Cronozen always sends POST, so this is somebody's browser or scanner. Nothing needs to be done.",
  },
  body_timeout: {
    status: "408",
    title: "The body came too slowly",
    meaning: "The body broke off, or took longer than 3/8 of DEADLINE_MS: 1.5 s by default.",
    cure: "Nothing needs to be done: Cronozen tries again. If it happens often, look at what stands before the gateway.",
  },
  body_too_large: {
    status: "413",
    title: "The event is too large",
    meaning: "The body is over MAX_BODY_BYTES, or its message does not fit the queue and there is no bucket.",
    cure: `Raise MAX_BODY_BYTES; above 127,000 it needs the R2 bucket BODIES. ${resend}`,
  },
  event_too_old: {
    status: "422",
    title: "The event is too old",
    meaning: "Its createdAt is before the replay window, and REPLAY is refuse. It may be an old request, sent again.",
    cure: "If you want the event, set REPLAY to accept, deploy, and retry the delivery at Cronozen.",
  },
  too_many_failures: {
    status: "429",
    title: "Too many wrong signatures",
    meaning:
      "From one address, more wrong signatures came than the limit allows. One line stands for many deliveries. A right signature is never refused for this.",
    cure: "If the address is Cronozen's, the gateway does not know the secret: look at the 401 before it. Otherwise nothing needs to be done.",
    isDiagnosable: true,
  },
  misconfigured: {
    status: "500",
    title: "A setting is wrong",
    meaning:
      "A setting or a binding of the gateway is missing or wrong, so it refuses every delivery. The reason names it.",
    cure: `Correct it and deploy; /healthz of the gateway then says ok. ${resend}`,
  },
  unavailable: {
    status: "503",
    title: "The event could not be queued in time",
    meaning: "The queue, the deduper or the bucket failed or was too slow. The reason names it.",
    cure: "Cronozen tries again, so a few are harmless. If all deliveries fail, look at Cloudflare's status page and at the limits of your plan.",
  },
};

/** By the outcome, for lines without a code. */
export const outcomes: Readonly<Record<string, Explanation>> = {
  accepted: codes.accepted as Explanation,
  duplicate: codes.duplicate as Explanation,
  rejected: {
    title: "Refused",
    meaning: "A fault of the sender: the answer was one of 4xx.",
    cure: "The reason says which.",
  },
  failed: {
    title: "Not accepted",
    meaning: "A fault of the gateway: the answer was 500 or 503.",
    cure: `The reason says which. ${resend}`,
  },
  marker_failed: {
    title: "The event could not be marked as seen",
    meaning: "It is on the queue, but a retry of it may be queued again. The consumer gives a copy no second effect.",
    cure: "Nothing needs to be done. If it happens often, look at KV, or at the deduper.",
  },
  late_commit: {
    title: "Queued after the answer",
    meaning:
      "The delivery was answered 503, because the queue was slow. The event got onto the queue after that, so Cronozen's retry is a duplicate.",
    cure: "Nothing needs to be done. The event may have no line that says accepted.",
  },
  late_send_failed: {
    title: "Not queued after the answer either",
    meaning: "The delivery was answered 503, and the send that was still on its way failed, too.",
    cure: "Nothing needs to be done: Cronozen's retry sends the event again.",
  },
  trapped: {
    title: "The gateway's code failed and was started again",
    meaning:
      "The WebAssembly instance failed. The deliveries that it held were answered 503; the next ones are not affected.",
    cure: "Cronozen sends them again. If it happens again, report it with the lines of the log around it.",
  },
};

type Cause = Partial<Explanation> & { readonly start: string };

/** By the beginning of the reason, which is more precise than the code. */
const causes: Readonly<Record<string, readonly Cause[]>> = {
  accepted: [
    {
      start: "look-up",
      meaning:
        "The event is on the queue, but KV could not say whether it had been seen before. It may be a duplicate, which the consumer gives no second effect.",
    },
  ],
  invalid_signature: [
    {
      start: "signature header missing",
      title: "No signature",
      meaning:
        "The request has no header X-Cronozen-Signature: it is not Cronozen's, or something before the gateway removes the header.",
      cure: `If the address is Cronozen's, have the proxy or the firewall rule let the header through. ${resend}`,
    },
    {
      start: "signature malformed",
      title: "Malformed signature",
      meaning: "The header is not 64 lowercase hexadecimal digits. The reason says what it is instead.",
      cure: "Cronozen sends the digits alone. If you sign a test yourself, send them without a prefix, quotation marks or base64.",
    },
    {
      start: "signature mismatch",
      title: "Wrong signature",
      meaning:
        "The header is well-formed, but none of the active secrets has signed these bytes. Usual causes: a rotated secret, another registration's secret, a changed body.",
      cure: `If the address is not Cronozen's, nothing needs to be done. Otherwise look whether the secret was rotated, or several registrations use this URL: each has a secret of its own. Add it as CRONOZEN_SIGNING_SECRET_NEXT. ${resend}`,
    },
  ],
  body_too_large: [
    {
      start: "body too large",
      meaning: "The body is over MAX_BODY_BYTES. It was not read, so it may be anybody's.",
    },
    {
      start: "message too large",
      meaning: "The signature is right, so this event is Cronozen's: but its message does not fit the queue.",
      cure: `Add an R2 bucket with the binding BODIES, and deploy. ${resend}`,
    },
  ],
  unavailable: [
    {
      start: "queue send failed",
      meaning: "The queue refused the message: it takes no more, is full, or has a fault.",
      cure: "Cronozen tries again. Look at the queue's backlog: if it grows, the consumer does not run, or is too slow.",
    },
    {
      start: "queue send timed out",
      meaning: "The queue was slow. The message may be stored nevertheless: a line late_commit follows if it is.",
      cure: "Nothing needs to be done for a few: Cronozen tries again. If all are slow, look at Cloudflare's status page.",
    },
    {
      start: "deduper granted no lease",
      meaning: "Another delivery of this event is being sent, or the Durable Object is slow (strict mode).",
      cure: "Nothing needs to be done: Cronozen tries again.",
    },
    {
      start: "too many deliveries wait for a lease",
      meaning: "256 deliveries wait for one event, or 1,000 in one Durable Object (strict mode).",
      cure: "Cronozen tries again. If nobody tests with one id, look why one event is sent so often.",
    },
    {
      start: "deduper failed",
      meaning: "The Durable Object restarted or is overloaded (strict mode). A deployment restarts it, too.",
      cure: "Nothing needs to be done for a few: Cronozen tries again. If it stays, look at the limits of your plan.",
    },
    {
      start: "bucket put failed",
      meaning: "R2 did not store the large body, so the event was not queued.",
      cure: "Cronozen tries again. If it stays, look at the bucket of the binding BODIES, and at Cloudflare's status page.",
    },
    {
      start: "bucket put timed out",
      meaning: "R2 was too slow to store the large body, so the event was not queued.",
      cure: "Cronozen tries again. If it stays, look at Cloudflare's status page.",
    },
    {
      start: "too many bodies held",
      meaning: "The Worker held 32 MiB of bodies at once, its limit. Bodies that declare 16 KiB or less are exempt.",
      cure: "Cronozen tries again. If it stays, somebody sends large bodies: look at the addresses of the refused deliveries.",
    },
    {
      start: "instance trapped",
      meaning: "The WebAssembly instance failed while it held this delivery, and was replaced.",
      cure: "Cronozen tries again. If it happens again, report it with the lines of the log around it.",
    },
  ],
};

const unknown: Explanation = {
  title: "Unknown",
  meaning: "This console does not know the code. The gateway may be newer than the console.",
  cure: "Update the Worker that serves the console.",
};

/** Explains a record, by its reason if that is known, otherwise by its code, otherwise by its outcome. */
export function explain({
  outcome,
  code = "",
  reason = "",
}: Pick<ActivityRecord, "outcome" | "code" | "reason">): Explanation {
  const general = known(codes, code) ?? known(outcomes, outcome) ?? unknown;
  const cause = known(causes, code)?.find(({ start }) => reason.startsWith(start));
  return { ...general, ...cause };
}

function known<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
