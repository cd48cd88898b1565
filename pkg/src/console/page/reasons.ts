// The well-known reasons of dead letters, and what to do about each.

export interface Hint {
  readonly text: string;
  /** It is not the gateway's message, or a redrive cannot help. */
  readonly mustNotRedrive?: true;
}

/** The starts of reasons. `Error: ` may stand before them. */
const hints: readonly (readonly [start: string, hint: Hint])[] = [
  ["no_handler:", { text: "No handler takes this type. Add one, or a wildcard, deploy the consumer, then redrive." }],
  [
    "data.amount or data.currency missing or not a string",
    {
      text: "The starter's sample handler of payments expects other fields. Write your own handler, deploy it, then redrive.",
    },
  ],
  [
    "signature mismatch",
    {
      text: "The gateway knew the secret, and the consumer does not. Set the secret at the consumer, then redrive. If the consumer has all secrets, somebody else has written to the queue: look at the message before you redrive it.",
    },
  ],
  [
    "timed out after",
    { text: "The handler took longer than timeoutMs. Make it faster or raise the limit, then redrive." },
  ],
  [
    "signing secrets missing",
    { text: "The consumer has no CRONOZEN_SIGNING_SECRET. Set it at the consumer's Worker, then redrive." },
  ],
  [
    "R2 bucket of the option bodies missing",
    { text: "The body is in R2, and the consumer has no such bucket. Bind it, add the option bodies, then redrive." },
  ],
  [
    "body_missing:",
    {
      text: "The bucket does not have the body: its lifecycle rule is too short, or it is another bucket. If the body is gone, a redrive fails again: retry the delivery at Cronozen.",
    },
  ],
  [
    "body_mismatch:",
    { text: "The object in the bucket is not the body that the message names. Look at who else writes to the bucket." },
  ],
  [
    "not_a_message:",
    { text: "The gateway did not write this message. Do not redrive it: prune it.", mustNotRedrive: true },
  ],
  [
    "envelope_mismatch:",
    { text: "The gateway did not write this message. Do not redrive it: prune it.", mustNotRedrive: true },
  ],
  [
    "unknown_version:",
    { text: "The gateway is newer than the consumer. Update the consumer's package, deploy it, then redrive." },
  ],
  [
    "handler returned something else than D1 statements",
    { text: "The handler must return its statements and must not run them. Correct it, deploy it, then redrive." },
  ],
  [
    "createdAt missing or not RFC 3339",
    { text: "ifNewest compares times, and this event has none. Handle this type without ifNewest, then redrive." },
  ],
  [
    "D1 database of d1() missing",
    { text: "The binding has another name than the option once asks for. Correct it, deploy, then redrive." },
  ],
];

const failedStatement: Hint = {
  text: "A statement failed in D1: a table is missing, a constraint refused it, or a value has another type. Correct it, then redrive.",
};

const noReason: Hint = {
  text: "The queue itself gave up: the consumer ended without an answer, or max_retries is less than 10. Or EVENTS_QUEUE does not name your queue of events: correct it, deploy, then redrive. Or the message is not the gateway's: look at it before you redrive it.",
};

/** Returns what to do about a reason, if it is a known one. */
export function hintOf(reason: string | null): Hint | undefined {
  if (reason === null) {
    return noReason;
  }
  const plain = reason.replace(/^Error: /, "");
  const [, hint] = hints.find(([start]) => plain.startsWith(start)) ?? [];
  return hint ?? (reason.includes("D1_ERROR:") ? failedStatement : undefined);
}
