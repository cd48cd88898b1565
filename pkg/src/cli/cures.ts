// The cures for deliveries that are not answered as expected.

import type { Plan } from "./deliveries.ts";
import type { Attempt } from "./delivery.ts";
import { bold, wrapped } from "./output.ts";
import { isLocal } from "./secrets.ts";

type Answer = Pick<Attempt, "status" | "code" | "retryAfter">;

/** More of them do not help. */
const maxCures = 4;

/** Returns an answer in a few words. */
export function answerOf({ status, code }: Omit<Answer, "retryAfter">): string {
  const words = code.replaceAll("_", " ");
  return status === undefined ? `no answer: ${words}` : `${status} ${noCodes.includes(code) ? `(${words})` : code}`;
}

/** Codes that are this command's words for an answer without one. */
const noCodes = ["no_code", "not_json"];

/** Returns the answers that were not expected, each with what to do about it, for a few of them. */
export function curesOf(answers: readonly Answer[], { url, tamper }: Pick<Plan, "url" | "tamper">): string[] {
  const distinct = new Map(answers.map((answer) => [answerOf(answer), cureOf(answer, url, tamper !== undefined)]));
  return [...distinct].slice(0, maxCures).map(([answer, cure]) => `${bold(answer)}\n${wrapped(cure, 2)}`);
}

function cureOf({ status, code, retryAfter }: Answer, url: URL, forged: boolean): string {
  if (status === undefined) {
    return cureOfSilence(code, url);
  }
  if (status < 300) {
    return cureOfSuccess(code, forged);
  }
  if (status < 400) {
    return "The address redirects, and Cronozen may not follow: give the address that answers itself.";
  }
  const cure = cures.get(status) ?? (status < 500 ? cureOfRefusal : cureOfFailure);
  return retryAfter === undefined ? cure : `${cure} Retry-After: ${retryAfter} s.`;
}

const cureOfRefusal = "Something before the gateway, such as a login or a firewall, refuses it.";

const cureOfFailure = "The receiver failed: look at its log. Cronozen sends the event again later.";

const cures: ReadonlyMap<number, string> = new Map([
  [400, "The gateway needs an event id of 1 to 256 bytes without control characters: look at --id."],
  [
    401,
    "The gateway's secret differs from the one used here. cronozen-edge verify says how a signature differs. After a " +
      "change of .dev.vars, start the gateway again.",
  ],
  [403, "Something before the gateway, such as a login or a firewall, refuses it: the webhook's path must be open."],
  [404, "The gateway has another path: look at WEBHOOK_PATH in wrangler.toml, and give the webhook's whole URL."],
  [405, "This is not the webhook's path, or another program answers: give the webhook's whole URL."],
  [408, "The body did not arrive in time: look at the connection."],
  [413, "The event is larger than the gateway takes: MAX_BODY_BYTES and the bucket BODIES allow more."],
  [429, "Too many signatures from here have failed: find out why they do (401), and wait a minute."],
  [500, "A setting or a binding of the gateway is wrong: its path /healthz names it."],
  [503, "The gateway could not queue the event in time: its log says why. Cronozen sends the event again later."],
]);

function cureOfSilence(code: string, url: URL): string {
  switch (code) {
    case "timeout":
      return "Cronozen waits for 5 s, too, and sends the event again later. Look at the receiver's log.";
    case "connection_refused":
      return isLocal(url)
        ? "Nothing listens there: start the gateway with npm run dev, or give its URL."
        : "Nothing listens there: look at the host and the port.";
    case "host_not_found":
      return "The host has no address: look at the URL, and at the network.";
    case "connection_reset":
      return "The connection was closed before the answer: look at the receiver's log. Cronozen sends the event again later.";
    default:
      return "No connection could be made: look at the URL, its certificate and the network.";
  }
}

function cureOfSuccess(code: string, forged: boolean): string {
  if (forged) {
    return "The receiver takes what Cronozen has not signed: it must verify the signature.";
  }
  if (code === "accepted") {
    return "With DEDUPE=kv, both of two close copies can be accepted; with DEDUPE=durable-object, only one is.";
  }
  if (code === "duplicate") {
    return "The event had been seen before: the gateway has got this id already.";
  }
  return "Cronozen takes it as delivered, but the gateway answers otherwise: another program has this address.";
}
