// A user's code, and mistakes that the compiler must refuse. No runtime's types are available.

import {
  type CheckResult,
  type CronozenEvent,
  type EventOf,
  is,
  type KnownEventType,
  sign,
  VerificationError,
  type VerificationErrorCode,
  Verifier,
} from "cronozen-edge";

const verifier = new Verifier(["whsec_new", "whsec_old"] as const, { maxBodyBytes: 1000 });
const one: Verifier = new Verifier("whsec");
const signature: string = sign("{}", "whsec");

const event: CronozenEvent = verifier.verify("{}", signature);
verifier.verify(new Uint8Array(1), { "X-Cronozen-Signature": signature, cookie: undefined, accept: ["a", "b"] });
verifier.verify(new ArrayBuffer(1), { get: (name: string) => (name === "a" ? "b" : null) });
verifier.verify("{}", null);
verifier.verify("{}", ["0"]);
const matched: boolean = one.matches("{}", undefined);

switch (event.type) {
  case "payment.completed": {
    const type: string = event.type;
    const id: string = event.eventId;
    const created: string = event.createdAt;
    const data: unknown = event.data;
    console.log(type, id, created, data);
    break;
  }
  case "comet.sighted":
    break;
  default: {
    const other: string = event.type;
    console.log(other);
  }
}

const known: KnownEventType[] = ["dpu.sealed", "workflow.transitioned"];
// @ts-expect-error no such type is documented
known.push("comet.sighted");

const result: CheckResult = verifier.check("{}", signature);
if (result.ok) {
  const key: number = result.key;
  console.log(key, result.event.eventId);
  // @ts-expect-error an accepted result has no code
  console.log(result.code);
} else {
  const code: VerificationErrorCode = result.code;
  const status: 400 | 401 | 413 = result.status;
  console.log(code, status, result.message);
  // @ts-expect-error a refused result has no event
  console.log(result.event);
  // @ts-expect-error no such code
  console.log(result.code === "signature_wrong");
}

function handle(error: unknown) {
  if (error instanceof VerificationError) {
    const code: VerificationErrorCode = error.code;
    return code;
  }
  return undefined;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertType<_ extends true>() {}

interface Payment {
  amount: string;
  currency: string;
}

const knowing = new Verifier<{ "payment.completed": Payment; "refund.paid": { reason: string } }>("whsec");
const known1 = knowing.verify("{}", signature);
if (is(known1, "payment.completed")) {
  assertType<Equal<typeof known1, EventOf<"payment.completed", Payment>>>();
  const amount: string = known1.data.amount;
  console.log(amount);
  // @ts-expect-error a payment has no such field
  console.log(known1.data.cents);
} else if (is(known1, "refund.paid")) {
  assertType<Equal<typeof known1.data, { reason: string }>>();
} else if (is(known1, "payment.failed")) {
  assertType<Equal<typeof known1.type, "payment.failed">>();
  assertType<Equal<typeof known1.data, unknown>>();
}
// @ts-expect-error an event has one type: after a union, the branch for all others would lose both
is(known1, "payment.failed" as "payment.completed" | "payment.failed");
const parsed = JSON.parse("{}");
if (is(parsed, "payment.completed")) {
  console.log(parsed.data);
}
// @ts-expect-error a mistyped type would never be true
is(known1, "payment.complete");
if (is(event, "certificate.issued")) {
  assertType<Equal<typeof event.type, "certificate.issued">>();
  // @ts-expect-error without a payload map, data is unknown
  console.log(event.data.id);
}
const checked = knowing.check("{}", signature);
if (checked.ok && is(checked.event, "payment.completed")) {
  assertType<Equal<typeof checked.event.data, Payment>>();
}
const later: Promise<CronozenEvent<{ "payment.completed": Payment }>> = new Verifier<{ "payment.completed": Payment }>(
  "whsec",
).verifyRequest({ headers: { get: () => null }, bodyUsed: false, arrayBuffer: async () => new ArrayBuffer(0) });
console.log(later);

// @ts-expect-error a parsed body
verifier.verify({ eventId: "evt_1" }, signature);
// @ts-expect-error the signature is missing
verifier.verify("{}");
// @ts-expect-error a number is no signature
verifier.check("{}", 1);
// @ts-expect-error a Map is case-sensitive
verifier.check("{}", new Map([["x-cronozen-signature", "0"]]));
// @ts-expect-error an unset variable
new Verifier(undefined as string | undefined);
// @ts-expect-error no such option
new Verifier("whsec", { maxBodybytes: 1 });
// @ts-expect-error not a request
verifier.verifyRequest({ headers: {}, body: "" });
// @ts-expect-error an event is read-only
event.eventId = "evt_2";
// @ts-expect-error an error needs a refused check
new VerificationError();
if (!result.ok) {
  console.log(new VerificationError(result).code);
}

declare const console: { log(...values: unknown[]): void };

export { handle, matched };
