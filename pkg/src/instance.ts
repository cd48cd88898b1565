// The instance behind all verifiers: made on first use, and replaced if it ever fails.

import { EventProblem, PrecomputedPart, Size } from "built/enums";
import makeGlue, { type Exports, type Glue, type Verifier as NativeVerifier, type Refusal } from "built/glue.js";
import { nativeSha256 } from "./backend.ts";
import { bytesPerUnit, Input, maxLength, roomFor } from "./input.ts";
import type { Sha256 } from "./native.ts";

/**
 * The most key states that are kept. They are in WebAssembly's memory, which the garbage collector does not see, so a
 * verifier made for one request must not leave states of its own behind. If more secrets are in use at a time, the oldest
 * states are made again, which takes a few microseconds.
 */
const maxKept = 256;

/** The key states of secrets, in the instance and in Web Crypto, which gets its own when they are needed. */
export interface Keys {
  native: NativeVerifier;
  secrets: string[];
  maxBodyBytes: number;
  /** The address of the first blocks of the inner hashes. */
  blocks: number;
  cryptoKeys?: CryptoKey[];
}

/** The runtime's part of a verification: its SHA-256, or HMACs that Web Crypto has computed. */
export type Precomputation = Sha256 | Uint8Array | undefined;

/** A signature has two hexadecimal digits for each byte of the HMAC. */
const signatureLength = 2 * Size.Hash;

/** No signature is longer, and memory that has grown for one never shrinks. */
const maxSignatureUnits = 1024;

/** The imports of the module: the glue, by the name that wasm-bindgen gives it. */
type Imports = { "./verifier_bg.js": Glue };

let makeExports: (imports: Imports) => Exports;

/** Instantiates the module. */
export function instantiate(module: WebAssembly.Module, imports: Imports): Exports {
  // The types of WebAssembly know no single export.
  return new WebAssembly.Instance(module, imports).exports as WebAssembly.Exports & Exports;
}

/** A text with the form of a signature and of a body, with which a new instance is called. */
const warmUpText = "0".repeat(signatureLength);

let warmUps: number;

/**
 * Sets how an instance is made, and how often it verifies something before its first delivery: the engine compiles only
 * what is called.
 */
export function provide(make: typeof makeExports, times: number): void {
  makeExports = make;
  warmUps = times;
}

export class Instance {
  #glue = makeGlue();
  #input;
  #kept = new Map<string, Keys>();

  // The last input: the signature's length, the part of its HMAC that is computed, and the start of the body.
  #signatureLength: number | undefined;
  #precomputed = PrecomputedPart.Nothing;
  #bodyAt = 0;

  #text = "";

  constructor() {
    const exports = makeExports({ "./verifier_bg.js": this.#glue });
    this.#glue.__wbg_set_wasm(exports);
    this.#input = new Input(new this.#glue.Input(), exports.memory);
    // An identity that no verifier has.
    const keys = this.keys(warmUpText, [warmUpText], undefined);
    for (let times = 0; times < warmUps; times += 1) {
      this.matches(keys, warmUpText, warmUpText, nativeSha256(times === 1 ? maxLength : 0));
    }
  }

  /**
   * Returns the key states of secrets.
   *
   * @param identity a text that no other secrets with another cap have
   */
  keys(identity: string, secrets: string[], maxBodyBytes: number | undefined): Keys {
    const kept = this.#kept.get(identity);
    if (kept !== undefined) {
      return kept;
    }
    const input = this.#input;
    input.reserve(secrets.reduce((room, secret) => room + Size.SecretLength + roomFor(secret), 0));
    let at = 0;
    for (const secret of secrets) {
      const length = input.write(at + Size.SecretLength, secret);
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

  /** Returns true if the signature is the body's. */
  matches(
    keys: Keys,
    signature: string | undefined,
    body: string | Uint8Array,
    precomputation: Precomputation,
  ): boolean {
    // If the HMACs are computed already, the instance does not read the body.
    const length = this.#write(keys, signature, precomputation instanceof Uint8Array ? "" : body, precomputation);
    return keys.native.matches(this.#input.native, this.#signatureLength, this.#precomputed, length);
  }

  /**
   * Returns the position of the secret that has signed the body, or a refusal: the signature is not the body's, or the
   * body is no text that may be an event. {@link takeText} returns the text afterwards.
   */
  check(
    keys: Keys,
    signature: string | undefined,
    body: string | Uint8Array,
    precomputation: Precomputation,
  ): number | Refusal {
    const length = this.#write(keys, signature, body, precomputation);
    const checked = keys.native.check(this.#input.native, this.#signatureLength, this.#precomputed, length);
    if (typeof checked === "number") {
      // A string of ASCII is the same text. Bytes may be another one: another thread may have changed them since.
      this.#text = length === body.length && typeof body === "string" ? body : this.#read(this.#bodyAt, length);
    }
    return checked;
  }

  /** Returns the text that was checked last, and forgets it: it may be large. */
  takeText(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** Writes the signature, what is precomputed, and the body. Returns the body's length, in bytes. */
  #write(keys: Keys, signature: string | undefined, body: string | Uint8Array, precomputation: Precomputation): number {
    // A text has at least as many bytes as units.
    if (body.length > keys.maxBodyBytes) {
      this.#signatureLength = undefined;
      this.#precomputed = PrecomputedPart.Nothing;
      return Math.min(body.length, maxLength);
    }
    const input = this.#input;
    const hashes = keys.secrets.length * Size.Hash;
    input.reserve(maxSignatureUnits * bytesPerUnit + hashes + Size.Block + roomFor(body));
    const length = signature === undefined ? 0 : input.write(0, signature.slice(0, maxSignatureUnits));
    this.#signatureLength = signature === undefined ? undefined : length;
    if (precomputation === undefined) {
      this.#precomputed = PrecomputedPart.Nothing;
      this.#bodyAt = length;
      return input.write(length, body);
    }
    if (precomputation instanceof Uint8Array) {
      this.#precomputed = PrecomputedPart.Macs;
      this.#bodyAt = length + input.write(length, precomputation);
      return input.write(this.#bodyAt, body);
    }
    this.#precomputed = PrecomputedPart.InnerHashes;
    this.#bodyAt = length + hashes + Size.Block;
    const bytes = input.write(this.#bodyAt, body);
    const start = input.start + this.#bodyAt - Size.Block;
    for (let secret = 0; secret < keys.secrets.length; secret += 1) {
      const block = keys.blocks + secret * Size.Block;
      input.bytes.copyWithin(start, block, block + Size.Block);
      precomputation(input.bytes, start, start + Size.Block + bytes, input.start + length + secret * Size.Hash);
    }
    return bytes;
  }

  /** Returns the refusal of a body of at least this length, which is over the cap. */
  refuseLength(keys: Keys, length: number): Refusal {
    const checked = keys.native.check(
      this.#input.native,
      undefined,
      PrecomputedPart.Nothing,
      Math.min(length, maxLength),
    );
    if (typeof checked === "number") {
      throw new RangeError(`body not over the cap: ${length} bytes`);
    }
    return checked;
  }

  /** Returns the refusal of an unusable `eventId`, or undefined. */
  checkEventId(id: string): Refusal | undefined {
    this.#input.reserve(roomFor(id));
    const length = this.#input.write(0, id);
    // The encoder has replaced a lone surrogate by another character.
    return length === id.length || this.#read(0, length) === id
      ? this.#glue.checkEventId(this.#input.native, length)
      : this.refuseEvent(EventProblem.IdNotUnicode);
  }

  /** Returns the refusal of a text that is no event. */
  refuseEvent(problem: EventProblem): Refusal {
    return this.#glue.refuseEvent(problem);
  }

  /** Signs a body with the newest secret. */
  sign(keys: Keys, body: string | Uint8Array): string {
    this.#input.reserve(Math.max(roomFor(body), signatureLength));
    keys.native.sign(this.#input.native, this.#input.write(0, body));
    return this.#read(0, signatureLength);
  }

  #read(at: number, bytes: number): string {
    return this.#glue.getStringFromWasm0(this.#input.start + at, bytes);
  }
}

let instance: Instance | undefined;

/** Returns the current instance. */
export function currentInstance(): Instance {
  instance ??= new Instance();
  return instance;
}

/**
 * Returns what to throw for what a call of the instance has thrown. If that is anything but a string, such as a stack
 * overflow of a caller deep in recursion, the instance's memory may be in any state, so the next call gets another one.
 */
export function errorOf(thrown: unknown): unknown {
  // Rust throws a string.
  if (typeof thrown === "string") {
    return new TypeError(`cronozen-edge: ${thrown}`);
  }
  instance = undefined;
  return thrown;
}

/** Calls the instance. */
export function call<T>(work: (instance: Instance) => T): T {
  try {
    return work(currentInstance());
  } catch (thrown) {
    throw errorOf(thrown);
  }
}
