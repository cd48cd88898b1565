// The part of the instance's memory that JavaScript writes into.

/** The most bytes that a UTF-16 unit has in UTF-8. */
export const bytesPerUnit = 3;

/** The largest length that WebAssembly takes as it is: a larger number would become a small one. */
export const maxLength = 2 ** 32 - 1;

/** A SHA-256, and so an HMAC, in bytes. */
export const hashBytes = 32;

/** For a signature a loop is faster than the encoder. */
const shortText = 64;

export const encoder = new TextEncoder();

/**
 * The most bytes that a piece may need.
 *
 * @param {string | Uint8Array} piece
 */
export function roomFor(piece) {
  return typeof piece === "string" ? piece.length * bytesPerUnit : piece.length;
}

export class Input {
  #memory;
  #room = 0;

  /** Where it is in the instance's memory. */
  start = 0;

  /** The whole of the instance's memory. */
  bytes = new Uint8Array(0);

  /**
   * @param {import("built/glue.js").Input} native
   * @param {import("built/glue.js").Memory} memory
   */
  constructor(native, memory) {
    this.native = native;
    this.#memory = memory;
  }

  /**
   * Writes over what was there.
   *
   * @param {number} at counted from the start
   * @param {string | Uint8Array} piece there must be room for it
   * @returns {number} its length, in bytes
   */
  write(at, piece) {
    if (typeof piece === "string") {
      return piece.length <= shortText && this.#writeAscii(at, piece)
        ? piece.length
        : encoder.encodeInto(piece, this.bytes.subarray(this.start + at)).written;
    }
    this.bytes.set(piece, this.start + at);
    return piece.length;
  }

  /**
   * Writes a text of ASCII.
   *
   * @param {number} at
   * @param {string} text
   * @returns {boolean} false if it is none
   */
  #writeAscii(at, text) {
    const { bytes } = this;
    const start = this.start + at;
    let all = 0;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      all |= code;
      bytes[start + index] = code;
    }
    return all < 128;
  }

  /** @param {number} room in bytes */
  reserve(room) {
    if (room > this.#room) {
      this.start = room > maxLength ? 0 : this.native.reserve(room);
      if (this.start === 0) {
        throw new RangeError(`cronozen-edge: expected memory for ${room} bytes, got none`);
      }
      this.#room = room;
    }
    // Growing detaches the old memory or, in the build without WebAssembly, leaves it behind.
    const { buffer } = this.#memory;
    if (this.bytes.buffer !== buffer) {
      this.bytes = new Uint8Array(buffer);
    }
  }
}
