// Random bodies, headers and arguments against an oracle: node:crypto for the signature, and separate
// rules for the rest. Plain JavaScript, so that it runs in workerd as well.

import fc from "fast-check";
import { backendsOf } from "../runtimes/checks/backends.js";
import { anything, assertHolds, text } from "../support/fuzz.mjs";

/**
 * @typedef {typeof import("cronozen-edge")} Package
 * @typedef {typeof import("node:crypto").createHmac} CreateHmac
 * @typedef {{ counts: Record<string, number>, backends: string[] }} Result the number of each verdict, and the backends
 */

const header = "x-cronozen-signature";
const maxBodyBytes = 4096;

/**
 * Fails with the smallest input on which the package and the oracle differ.
 *
 * @param {Package} cronozen
 * @param {CreateHmac} createHmac
 * @param {number} rounds
 * @returns {Promise<Result>}
 */
export async function fuzz({ Verifier, sign }, createHmac, rounds) {
  const backends = [undefined, ...backendsOf({ Verifier })];
  /** @type {Record<string, number>} */
  const counts = {};
  const agree = fc.asyncProperty(call, async ({ secrets, bytes, signer, edit, bodyForm, signatureForm }) => {
    /** @param {string | undefined} secret */
    const signed = (secret = "whsec_unknown") => createHmac("sha256", secret).update(bytes).digest("hex");
    const value = edited(signed(secrets[signer]), edit);
    const body = "wrong" in bodyForm ? bodyForm.wrong : bodyOf(bytes, bodyForm.as);
    const signature = "wrong" in signatureForm ? signatureForm.wrong : signatureOf(value, signatureForm);

    const isWrong = "wrong" in bodyForm || "wrong" in signatureForm;
    const expected = isWrong ? "TypeError" : verdict(bytes, value, secrets.map(signed));
    counts[expected] = (counts[expected] ?? 0) + 1;
    const matched = isWrong ? expected : String(expected === "event" || expected === "invalid_event");
    for (const backend of backends) {
      const verifier = /** @type {any} */ (new Verifier(secrets, { maxBodyBytes, backend }));
      for (const [method, right] of [
        ["check", expected],
        ["checkAsync", expected],
        ["matches", matched],
        ["matchesAsync", matched],
      ]) {
        const found = await outcome(() => verifier[/** @type {string} */ (method)](body, signature));
        if (found !== right) {
          throw new Error(`${backend} ${method}: expected ${right}, got ${found}`);
        }
      }
    }
    const [secret = ""] = secrets;
    if (!("wrong" in bodyForm) && sign(/** @type {any} */ (body), secret) !== signed(secret)) {
      throw new Error("sign: expected another signature");
    }
  });
  await assertHolds(rounds, agree);
  return { counts, backends: backends.map(String) };
}

const encoder = new TextEncoder();

const secret = fc.nat(50).map((number) => `whsec_${number}`);

/** Valid and invalid ones. */
const eventId = fc.oneof(
  { weight: 3, arbitrary: fc.constant("evt_1") },
  { weight: 2, arbitrary: fc.constantFrom("é".repeat(128), "é".repeat(129), "x".repeat(257), "\n", "🔒", "\u0085") },
  { weight: 1, arbitrary: fc.oneof(text, fc.constantFrom(7, null, { a: 1 }, undefined)) },
);

const json = fc
  .record({ type: fc.constant("payment.completed"), data: fc.string({ unit: "grapheme" }), eventId })
  .map((event) => JSON.stringify(event));

const bytes = fc.oneof(
  { weight: 12, arbitrary: json.map((event) => encoder.encode(event)) },
  { weight: 1, arbitrary: json.map((event) => encoder.encode(`[${event}]`)) },
  { weight: 1, arbitrary: json.map((event) => encoder.encode(event.padEnd(maxBodyBytes + 1))) },
  { weight: 3, arbitrary: fc.tuple(json, fc.nat(), fc.nat(255)).map(damaged) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300, size: "max" }) },
);

/** A change of a right signature: `undefined` removes it. */
const edit = fc.oneof(
  { weight: 7, arbitrary: fc.constant({ at: 0, removed: 0, inserted: "" }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  {
    weight: 5,
    arbitrary: fc.record({
      at: fc.nat(64),
      removed: fc.constantFrom(0, 1, 64),
      inserted: fc.oneof(fc.constantFrom("", "0", "f", "A", "g", " ", "\n", "é", "sha256=", "v1=", ","), text),
    }),
  },
);

const bodyForm = fc.oneof(
  { weight: 20, arbitrary: fc.record({ as: fc.constantFrom("bytes", "buffer", "part", "view", "text") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      wrong: anything.filter((value) => typeof value !== "string" && !ArrayBuffer.isView(value)),
    }),
  },
);

const noHeaders = [7, 7n, true, Symbol("signature"), () => "", new Map([[header, ""]]), new Set([""]), { [header]: 7 }];

const signatureForm = fc.oneof(
  { weight: 12, arbitrary: fc.record({ as: fc.constantFrom("value", "value or null", "get") }) },
  { weight: 6, arbitrary: fc.record({ as: fc.constantFrom("one", "list"), name: fc.mixedCase(fc.constant(header)) }) },
  { weight: 1, arbitrary: fc.record({ wrong: fc.constantFrom(...noHeaders) }) },
);

/** The arguments of a call. */
const call = fc.record({
  secrets: fc.oneof(
    { weight: 9, arbitrary: fc.array(secret, { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.array(secret, { minLength: 1, maxLength: 8, size: "max" }) },
  ),
  bytes,
  /** The position of the secret that signs; beyond the last, it is an unknown one. */
  signer: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(8) }),
  edit,
  bodyForm,
  signatureForm,
});

/** @param {[string, number, number]} inputs */
function damaged([event, position, byte]) {
  const changed = encoder.encode(event);
  changed[position % changed.length] = byte;
  return changed;
}

/** @param {string} right @param {{ at: number, removed: number, inserted: string } | undefined} change */
function edited(right, change) {
  return change && right.slice(0, change.at) + change.inserted + right.slice(change.at + change.removed);
}

/** @param {Uint8Array<ArrayBuffer>} raw @param {string} as */
function bodyOf(raw, as) {
  const padded = new Uint8Array(raw.length + 8);
  padded.set(raw, 3);
  switch (as) {
    case "buffer":
      return raw.slice().buffer;
    case "part":
      return padded.subarray(3, 3 + raw.length);
    case "view":
      return new DataView(padded.buffer, 3, raw.length);
    case "text": {
      const decoded = new TextDecoder("utf-8", { ignoreBOM: true }).decode(raw);
      // The text has the same bytes only if they are UTF-8.
      return String(encoder.encode(decoded)) === String(raw) ? decoded : raw;
    }
    default:
      return raw;
  }
}

/** @param {string | undefined} value @param {{ as: string, name?: string }} form */
function signatureOf(value, { as, name = "" }) {
  switch (as) {
    case "value or null":
      return value ?? null;
    case "get":
      return { get: (/** @type {string} */ asked) => (asked.toLowerCase() === header ? (value ?? null) : null) };
    case "one":
      return { accept: "*/*", [name]: value };
    case "list":
      return { [name]: value === undefined ? [] : [value] };
    default:
      return value;
  }
}

/** @param {() => any} work */
async function outcome(work) {
  try {
    const found = await work();
    return typeof found === "boolean" ? String(found) : found.ok ? "event" : found.code;
  } catch (error) {
    return /** @type {Error} */ (error).name;
  }
}

/**
 * @param {Uint8Array} raw
 * @param {string | undefined} value
 * @param {string[]} good
 */
function verdict(raw, value, good) {
  if (raw.length > maxBodyBytes) {
    return "body_too_large";
  }
  if (value === undefined) {
    return "signature_missing";
  }
  if (!/^[0-9a-f]{64}$/.test(value) || value.length !== 64) {
    return "signature_malformed";
  }
  return good.includes(value) ? (isEvent(raw) ? "event" : "invalid_event") : "signature_mismatch";
}

/** @param {Uint8Array} raw */
function isEvent(raw) {
  try {
    const event = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw));
    const id = Array.isArray(event) || !Object.hasOwn(event, "eventId") ? undefined : event.eventId;
    return (
      typeof id === "string" && /^\P{Cc}{1,256}$/u.test(id) && !/\p{Cs}/u.test(id) && encoder.encode(id).length <= 256
    );
  } catch {
    return false;
  }
}
