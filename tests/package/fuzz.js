// Random bodies, headers and arguments against an oracle: node:crypto for the signature, and separate
// rules for the rest. Plain JavaScript, so that it runs in workerd as well.

import { backendsOf } from "../runtimes/checks/backends.js";

/**
 * @typedef {typeof import("cronozen-edge")} Package
 * @typedef {typeof import("node:crypto").createHmac} CreateHmac
 * @typedef {{ counts: Record<string, number>, disagreements: string[], backends: string[] }} Result the number of each
 * verdict, and the backends
 */

const header = "x-cronozen-signature";
const maxBodyBytes = 4096;

/** @param {number} seed xorshift32 */
function generator(seed) {
  let state = seed;
  /** A whole number from 0 to `limit - 1`. @param {number} limit */
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/**
 * @param {Package} cronozen
 * @param {CreateHmac} createHmac
 * @param {number} rounds
 * @param {number} seed
 * @returns {Promise<Result>}
 */
export async function fuzz({ Verifier, sign }, createHmac, rounds, seed) {
  const backends = [undefined, ...backendsOf({ Verifier })];
  const random = generator(seed);
  /** @template T @param {readonly T[]} list @returns {T} */
  const pick = (list) => /** @type {T} */ (list[random(list.length)]);
  /** @type {Record<string, number>} */
  const counts = {};
  /** @type {string[]} */
  const disagreements = [];
  for (let round = 0; round < rounds; round += 1) {
    const secrets = Array.from({ length: 1 + random(random(10) === 0 ? 8 : 2) }, () => `whsec_${random(50)}`);
    const bytes = randomBody(random);
    /** @param {string} secret */
    const signed = (secret) => createHmac("sha256", secret).update(bytes).digest("hex");
    const value = randomSignature(random, signed(pick([...secrets, "whsec_unknown"])));
    const { body, wrong } = randomForm(random, bytes);
    const { signature, bad } = randomHeaders(random, value);

    const expected = wrong || bad ? "TypeError" : verdict(bytes, value, secrets.map(signed));
    counts[expected] = (counts[expected] ?? 0) + 1;
    const match = expected === "event" || expected === "invalid_event";
    const matched = expected === "TypeError" ? expected : String(match);
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
          disagreements.push(`round ${round}, ${backend} ${method}: expected ${right}, got ${found}`);
        }
      }
    }
    const [secret = ""] = secrets;
    if (!wrong && sign(/** @type {any} */ (body), secret) !== signed(secret)) {
      disagreements.push(`round ${round}, sign`);
    }
  }
  return { counts, disagreements, backends: backends.map(String) };
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
 * @param {Uint8Array} bytes
 * @param {string | undefined} value
 * @param {string[]} good
 */
function verdict(bytes, value, good) {
  if (bytes.length > maxBodyBytes) {
    return "body_too_large";
  }
  if (value === undefined) {
    return "signature_missing";
  }
  if (!/^[0-9a-f]{64}$/.test(value) || value.length !== 64) {
    return "signature_malformed";
  }
  return good.includes(value) ? (isEvent(bytes) ? "event" : "invalid_event") : "signature_mismatch";
}

/** @param {Uint8Array} bytes */
function isEvent(bytes) {
  try {
    const event = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    const id = Array.isArray(event) || !Object.hasOwn(event, "eventId") ? undefined : event.eventId;
    return typeof id === "string" && /^\P{Cc}{1,256}$/u.test(id) && !/\p{Cs}/u.test(id) && encode(id).length <= 256;
  } catch {
    return false;
  }
}

const encoder = new TextEncoder();
/** @param {string} text */
function encode(text) {
  return encoder.encode(text);
}

/** @param {(limit: number) => number} random @returns {Uint8Array<ArrayBuffer>} */
function randomBody(random) {
  const kind = random(10);
  if (kind === 0) {
    return Uint8Array.from({ length: random(random(20) === 0 ? 6000 : 300) }, () => random(256));
  }
  const ids = [
    "evt_1",
    "",
    "é".repeat(128),
    "é".repeat(129),
    "x".repeat(257),
    "\n",
    "\ud800",
    "🔒",
    "\u0085",
    7,
    null,
    { a: 1 },
    undefined,
  ];
  const eventId = random(2) === 0 ? "evt_1" : ids[random(ids.length)];
  const event = { type: "payment.completed", data: { text: "ü".repeat(random(40)) }, eventId };
  const text = JSON.stringify(kind === 1 ? [event] : event);
  const bytes = encode(random(50) === 0 ? `${text}${" ".repeat(5000)}` : text);
  if (random(4) === 0) {
    bytes[random(bytes.length)] = random(256);
  }
  return bytes;
}

/** @param {(limit: number) => number} random @param {string} good @returns {string | undefined} */
function randomSignature(random, good) {
  const at = random(64);
  const digit = "0123456789abcdefABCDEFg é\n".charAt(random(26));
  switch (random(12)) {
    case 0:
      return undefined;
    case 1:
      return good.slice(0, at);
    case 2:
      return good.slice(0, at) + digit + good.slice(at + 1);
    case 3:
      return good.slice(0, at) + digit + good.slice(at);
    case 4:
      return `${"sha256= v1=,".slice(random(12))}${good}`;
    case 5:
      return good.toUpperCase();
    case 6:
      return String.fromCharCode(...Array.from({ length: random(200) }, () => random(65536)));
    default:
      return good;
  }
}

/** @param {(limit: number) => number} random @param {Uint8Array<ArrayBuffer>} bytes */
function randomForm(random, bytes) {
  const padded = new Uint8Array(bytes.length + 8);
  padded.set(bytes, 3);
  switch (random(8)) {
    case 0:
      return { body: bytes.slice().buffer, wrong: false };
    case 1:
      return { body: padded.subarray(3, 3 + bytes.length), wrong: false };
    case 2:
      return { body: new DataView(padded.buffer, 3, bytes.length), wrong: false };
    case 3: {
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      // The text has the same bytes only if they are UTF-8.
      const same = encode(text).length === bytes.length && encode(text).every((byte, at) => byte === bytes[at]);
      return { body: same ? text : bytes, wrong: false };
    }
    case 4: {
      const wrongs = [
        undefined,
        null,
        7,
        7n,
        true,
        Symbol("body"),
        () => bytes,
        [...bytes],
        { ...bytes },
        new Date(),
        Promise.resolve(bytes),
      ];
      return random(4) === 0 ? { body: wrongs[random(wrongs.length)], wrong: true } : { body: bytes, wrong: false };
    }
    default:
      return { body: bytes, wrong: false };
  }
}

/** @param {(limit: number) => number} random @param {string | undefined} value */
function randomHeaders(random, value) {
  const name = [...header].map((letter) => (random(2) === 0 ? letter : letter.toUpperCase())).join("");
  switch (random(8)) {
    case 0:
      return { signature: { accept: "*/*", [name]: value }, bad: false };
    case 1:
      return { signature: value === undefined ? {} : { [name]: [value] }, bad: false };
    case 2:
      return {
        signature: { get: (/** @type {string} */ asked) => (asked.toLowerCase() === header ? (value ?? null) : null) },
        bad: false,
      };
    case 3: {
      const bads = [
        7,
        7n,
        true,
        Symbol("signature"),
        () => value,
        new Map([[header, value]]),
        new Set([value]),
        { [name]: 7 },
      ];
      return random(4) === 0 ? { signature: bads[random(bads.length)], bad: true } : { signature: value, bad: false };
    }
    default:
      return { signature: value ?? (random(2) === 0 ? null : undefined), bad: false };
  }
}
