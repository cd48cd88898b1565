// The instance behind all verifiers: made on first use, and replaced if it ever fails.

import { EventProblem, PrecomputedPart } from "built/enums";
import makeGlue from "built/glue.js";
import { helpFor } from "./backend.js";
import { bytesPerUnit, hashBytes, Input, maxLength, roomFor } from "./input.js";

/**
 * @typedef {import("built/glue.js").Glue} Glue
 * @typedef {import("built/glue.js").Exports} Exports
 * @typedef {import("built/glue.js").Refusal} Refusal
 */

/**
 * The most key states that are kept. They lie in WebAssembly's memory, which the garbage collector does not
 * see, so a verifier made for one request must not leave states of its own behind. Where more secrets are in
 * use at a time, the oldest are made anew, which takes a few microseconds.
 */
const maxKept = 256;

/**
 * The key states of secrets, in the instance and in Web Crypto, which gets its own when they are needed. `blocks` is
 * where the instance's memory has what the inner hashes begin with.
 *
 * @typedef {{
 *   native: import("built/glue.js").Verifier,
 *   secrets: string[],
 *   maxBodyBytes: number,
 *   blocks: number,
 *   cryptoKeys?: CryptoKey[],
 * }} Keys
 */

/**
 * Who helps with the work: a SHA-256 of the runtime's, or HMACs of Web Crypto's.
 *
 * @typedef {import("./native.js").Sha256 | Uint8Array | undefined} Help
 */

/** SHA-256 works on blocks of this many bytes. */
const blockBytes = 64;

/** Before a secret there is its length. */
const lengthBytes = 4;

/** A signature has this many characters. */
const signatureLength = 64;

/** No signature is longer, and memory that has grown for one never shrinks. */
const maxSignatureUnits = 1024;

/** @type {(imports: any) => unknown} */
let makeExports;

/** The form of a signature, and a body. */
const warm = "0".repeat(64);

/** @type {number} */
let warmUps;

/**
 * Says how an instance is made, and how often it verifies something before its first delivery: the engine compiles only
 * what is called.
 *
 * @param {typeof makeExports} make
 * @param {number} times
 */
export function provide(make, times) {
  makeExports = make;
  warmUps = times;
}

export class Instance {
  #glue = makeGlue();
  #input;
  /** @type {Map<string, Keys>} */
  #kept = new Map();

  // The last input: the signature's length, the part of its HMAC that is computed, and the start of the body.
  /** @type {number | undefined} */
  #signatureLength;
  #precomputed = PrecomputedPart.Nothing;
  #bodyAt = 0;

  #text = "";

  constructor() {
    // The name that wasm-bindgen gives the glue.
    const exports = /** @type {Exports} */ (makeExports({ "./verifier_bg.js": this.#glue }));
    this.#glue.__wbg_set_wasm(exports);
    this.#input = new Input(new this.#glue.Input(), exports.memory);
    // An identity that no verifier has.
    const keys = this.keys(warm, [warm], undefined);
    for (let times = 0; times < warmUps; times += 1) {
      this.matches(keys, warm, warm, helpFor(times === 1 ? maxLength : 0));
    }
  }

  /**
   * The key states of secrets.
   *
   * @param {string} identity tells these secrets and this cap from all others
   * @param {string[]} secrets
   * @param {number | undefined} maxBodyBytes
   */
  keys(identity, secrets, maxBodyBytes) {
    const kept = this.#kept.get(identity);
    if (kept !== undefined) {
      return kept;
    }
    const input = this.#input;
    input.reserve(secrets.reduce((room, secret) => room + lengthBytes + roomFor(secret), 0));
    let at = 0;
    for (const secret of secrets) {
      const length = input.write(at + lengthBytes, secret);
      at += input.write(at, Uint8Array.of(length, length >> 8, length >> 16, length >> 24)) + length;
    }
    const native = new this.#glue.Verifier(input.native, secrets.length, maxBodyBytes);
    const keys = { native, secrets, maxBodyBytes: native.maxBodyBytes, blocks: native.blocks() };
    for (const [oldest, its] of this.#kept) {
      if (this.#kept.size < maxKept) {
        break;
      }
      this.#kept.delete(oldest);
      its.native.free();
    }
    this.#kept.set(identity, keys);
    return keys;
  }

  /**
   * Whether the signature is the body's.
   *
   * @param {Keys} keys
   * @param {string | undefined} signature
   * @param {string | Uint8Array} body
   * @param {Help} help
   */
  matches(keys, signature, body, help) {
    // Where all is computed already, nobody looks at the body.
    const length = this.#write(keys, signature, help instanceof Uint8Array ? "" : body, help);
    return keys.native.matches(this.#input.native, this.#signatureLength, this.#precomputed, length);
  }

  /**
   * Whether the signature is the body's, and the body is a text that may be an event: the position of the secret, or
   * a refusal. {@link takeText} has the text then.
   *
   * @param {Keys} keys
   * @param {string | undefined} signature
   * @param {string | Uint8Array} body
   * @param {Help} help
   * @returns {number | Refusal}
   */
  check(keys, signature, body, help) {
    const length = this.#write(keys, signature, body, help);
    const checked = keys.native.check(this.#input.native, this.#signatureLength, this.#precomputed, length);
    if (typeof checked === "number") {
      // A string of ASCII stays what it is. Bytes do not: another thread may have changed them in the meantime.
      this.#text = length === body.length && typeof body === "string" ? body : this.#read(this.#bodyAt, length);
    }
    return checked;
  }

  /** What was checked last. It is not kept any longer: it may be large. */
  takeText() {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /**
   * Writes the signature, what is computed by others, and the body.
   *
   * @param {Keys} keys
   * @param {string | undefined} signature
   * @param {string | Uint8Array} body
   * @param {Help} help
   * @returns {number} the body's length, in bytes
   */
  #write(keys, signature, body, help) {
    // A text has at least as many bytes as units.
    if (body.length > keys.maxBodyBytes) {
      this.#signatureLength = undefined;
      this.#precomputed = PrecomputedPart.Nothing;
      return Math.min(body.length, maxLength);
    }
    const input = this.#input;
    const hashes = keys.secrets.length * hashBytes;
    input.reserve(maxSignatureUnits * bytesPerUnit + hashes + blockBytes + roomFor(body));
    const length = signature === undefined ? 0 : input.write(0, signature.slice(0, maxSignatureUnits));
    this.#signatureLength = signature === undefined ? undefined : length;
    if (help === undefined) {
      this.#precomputed = PrecomputedPart.Nothing;
      this.#bodyAt = length;
      return input.write(length, body);
    }
    if (help instanceof Uint8Array) {
      this.#precomputed = PrecomputedPart.Macs;
      this.#bodyAt = length + input.write(length, help);
      return input.write(this.#bodyAt, body);
    }
    this.#precomputed = PrecomputedPart.InnerHashes;
    this.#bodyAt = length + hashes + blockBytes;
    const bytes = input.write(this.#bodyAt, body);
    const start = input.start + this.#bodyAt - blockBytes;
    for (let secret = 0; secret < keys.secrets.length; secret += 1) {
      const block = keys.blocks + secret * blockBytes;
      input.bytes.copyWithin(start, block, block + blockBytes);
      help(input.bytes, start, start + blockBytes + bytes, input.start + length + secret * hashBytes);
    }
    return bytes;
  }

  /**
   * The refusal of a body of at least this length, which is over the cap.
   *
   * @param {Keys} keys
   * @param {number} length
   * @returns {Refusal}
   */
  tooLarge(keys, length) {
    return /** @type {Refusal} */ (
      keys.native.check(this.#input.native, undefined, PrecomputedPart.Nothing, Math.min(length, maxLength))
    );
  }

  /** @param {string} id @returns {Refusal | undefined} */
  checkEventId(id) {
    this.#input.reserve(roomFor(id));
    const length = this.#input.write(0, id);
    // On its way a lone surrogate has become another character.
    return length === id.length || this.#read(0, length) === id
      ? this.#glue.checkEventId(this.#input.native, length)
      : this.refuseEvent(EventProblem.IdNotUnicode);
  }

  /**
   * Returns the refusal of a text that is no event.
   *
   * @param {EventProblem} problem
   */
  refuseEvent(problem) {
    return this.#glue.refuseEvent(problem);
  }

  /**
   * @param {Keys} keys
   * @param {string | Uint8Array} body
   */
  sign(keys, body) {
    this.#input.reserve(Math.max(roomFor(body), signatureLength));
    keys.native.sign(this.#input.native, this.#input.write(0, body));
    return this.#read(0, signatureLength);
  }

  /**
   * @param {number} at
   * @param {number} length in bytes
   */
  #read(at, length) {
    return this.#glue.getStringFromWasm0(this.#input.start + at, length);
  }
}

/** @type {Instance | undefined} */
let instance;

/** The present instance. */
export function present() {
  instance ??= new Instance();
  return instance;
}

/**
 * What to throw for what a call of the instance has thrown. If it is anything but a text, such as the end of the
 * stack of a caller that was deep in recursion, its memory may be in any state, so the next call gets another one.
 *
 * @param {unknown} error
 */
export function failed(error) {
  // Rust throws a string.
  if (typeof error === "string") {
    return new TypeError(`cronozen-edge: ${error}`);
  }
  instance = undefined;
  return error;
}

/**
 * Calls the instance.
 *
 * @template T
 * @param {(instance: Instance) => T} work
 * @returns {T}
 */
export function call(work) {
  try {
    return work(present());
  } catch (error) {
    throw failed(error);
  }
}
