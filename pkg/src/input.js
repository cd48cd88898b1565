// The part of the instance's memory that JavaScript writes into.

/** The most bytes that a UTF-16 unit has in UTF-8. */
const bytesPerUnit = 3;

/** The largest length that WebAssembly takes as it is: a larger number would become a small one. */
export const maxLength = 2 ** 32 - 1;

const encoder = new TextEncoder();

export class Input {
  #memory;
  #start = 0;
  #room = 0;
  #bytes = new Uint8Array(0);

  /**
   * @param {import("built/glue.js").Input} native
   * @param {import("built/glue.js").Memory} memory
   */
  constructor(native, memory) {
    this.native = native;
    this.#memory = memory;
  }

  /**
   * Writes pieces one after the other, over what was there.
   *
   * @param {(string | Uint8Array)[]} pieces
   * @returns {number[]} their lengths, in bytes
   */
  write(pieces) {
    let room = 0;
    for (const piece of pieces) {
      room += typeof piece === "string" ? piece.length * bytesPerUnit : piece.length;
    }
    this.#reserve(room);
    let at = this.#start;
    const lengths = [];
    for (const piece of pieces) {
      const length = this.#writeAt(at, piece);
      lengths.push(length);
      at += length;
    }
    return lengths;
  }

  /** Where it is in the instance's memory. */
  get start() {
    return this.#start;
  }

  /**
   * @param {number} at
   * @param {string | Uint8Array} piece
   */
  #writeAt(at, piece) {
    if (typeof piece === "string") {
      return encoder.encodeInto(piece, this.#bytes.subarray(at)).written;
    }
    this.#bytes.set(piece, at);
    return piece.length;
  }

  /** @param {number} room */
  #reserve(room) {
    if (room > this.#room) {
      this.#start = room > maxLength ? 0 : this.native.reserve(room);
      if (this.#start === 0) {
        throw new RangeError(`cronozen-edge: expected memory for ${room} bytes, got none`);
      }
      this.#room = room;
    }
    // Growing detaches the old memory or, in the build without WebAssembly, leaves it behind.
    const { buffer } = this.#memory;
    if (this.#bytes.buffer !== buffer) {
      this.#bytes = new Uint8Array(buffer);
    }
  }
}
