// The instance behind all verifiers: made on first use, and replaced if it ever fails.

import makeGlue from "built/glue.js";
import { Input, maxLength } from "./input.js";

/**
 * @typedef {import("built/glue.js").Glue} Glue
 * @typedef {import("built/glue.js").Exports} Exports
 * @typedef {import("built/glue.js").Keys} Keys
 * @typedef {import("built/glue.js").Refusal} Refusal
 */

/**
 * The most key states that are kept. They lie in WebAssembly's memory, which the garbage collector does not
 * see, so a verifier made for one request must not leave states of its own behind. Where more secrets are in
 * use at a time, the oldest are made anew, which takes a few microseconds.
 */
const maxKept = 256;

/** No signature is longer than 64, and memory that has grown for one never shrinks. */
const maxSignatureUnits = 1024;

/** @type {(imports: any) => unknown} */
let makeExports;

/**
 * Says how an instance is made.
 *
 * @param {typeof makeExports} make
 */
export function provide(make) {
  makeExports = make;
}

export class Instance {
  #glue = makeGlue();
  #input;
  /** @type {Map<string, Keys>} */
  #kept = new Map();

  constructor() {
    // The name that wasm-bindgen gives the glue.
    const exports = /** @type {Exports} */ (makeExports({ "./verifier_bg.js": this.#glue }));
    this.#glue.__wbg_set_wasm(exports);
    this.#input = new Input(new this.#glue.Input(), exports.memory);
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
    const lengths = this.#input.write(secrets);
    const keys = new this.#glue.Verifier(this.#input.native, lengths, maxBodyBytes);
    for (const [oldest, its] of this.#kept) {
      if (this.#kept.size < maxKept) {
        break;
      }
      this.#kept.delete(oldest);
      its.free();
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
   */
  matches(keys, signature, body) {
    return keys.matches(this.#input.native, ...this.#write(keys, signature, body));
  }

  /**
   * Whether the signature is the body's, and the body is a text that may be an event: the position of the
   * secret and the text, or a refusal.
   *
   * @param {Keys} keys
   * @param {string | undefined} signature
   * @param {string | Uint8Array} body
   * @returns {{ key: number, text: string } | Refusal}
   */
  check(keys, signature, body) {
    const lengths = this.#write(keys, signature, body);
    const checked = keys.check(this.#input.native, ...lengths);
    if (typeof checked !== "number") {
      return checked;
    }
    // Not the body itself: another thread may have changed it in the meantime.
    const [before = 0, length] = lengths;
    return { key: checked, text: this.#glue.getStringFromWasm0(this.#input.start + before, length) };
  }

  /**
   * @param {Keys} keys
   * @param {string | undefined} signature
   * @param {string | Uint8Array} body
   * @returns {[signature: number | undefined, body: number]} their lengths, in bytes
   */
  #write(keys, signature, body) {
    // A text has at least as many bytes as units.
    if (body.length > keys.maxBodyBytes) {
      return [undefined, Math.min(body.length, maxLength)];
    }
    const [first = 0, second = 0] = this.#input.write([signature?.slice(0, maxSignatureUnits) ?? "", body]);
    return [signature === undefined ? undefined : first, second];
  }

  /**
   * The refusal of a body of at least this length, which is over the cap.
   *
   * @param {Keys} keys
   * @param {number} length
   * @returns {Refusal}
   */
  tooLarge(keys, length) {
    return /** @type {Refusal} */ (keys.check(this.#input.native, undefined, Math.min(length, maxLength)));
  }

  /** @param {unknown} id @returns {Refusal | undefined} */
  checkEventId(id) {
    return this.#glue.checkEventId(id);
  }

  /** @returns {Refusal} */
  notJson() {
    return this.#glue.notJson();
  }

  /**
   * @param {string | Uint8Array} body
   * @param {string} secret
   */
  sign(body, secret) {
    const [first = 0, second = 0] = this.#input.write([secret, body]);
    return this.#glue.sign(this.#input.native, first, second);
  }
}

/** @type {Instance | undefined} */
let instance;

/**
 * Calls the instance. If anything but a text comes out of it, such as the end of the stack of a caller that
 * was deep in recursion, its memory may be in any state, so the next call gets another instance.
 *
 * @template T
 * @param {(instance: Instance) => T} work
 * @returns {T}
 */
export function call(work) {
  try {
    instance ??= new Instance();
    return work(instance);
  } catch (error) {
    // The core throws what it expected as a text.
    if (typeof error === "string") {
      throw new TypeError(`cronozen-edge: ${error}`);
    }
    instance = undefined;
    throw error;
  }
}
