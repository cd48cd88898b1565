// The part of the instance's memory that JavaScript writes into.

import type { Memory, Input as NativeInput } from "built/glue.js";

/** The most bytes that a UTF-16 unit has in UTF-8. */
export const bytesPerUnit = 3;

/** The largest length that WebAssembly takes as it is: a larger number would become a small one. */
export const maxLength = 2 ** 32 - 1;

/** Up to this length, such as a signature's, a loop is faster than the encoder. */
const shortText = 64;

export const encoder = new TextEncoder();

/** Returns the most bytes that a piece may need. */
export function roomFor(piece: string | Uint8Array): number {
  return typeof piece === "string" ? piece.length * bytesPerUnit : piece.length;
}

export class Input {
  readonly native: NativeInput;
  #memory;
  #room = 0;

  /** The input's address in the instance's memory. */
  start = 0;

  /** The whole of the instance's memory. */
  bytes = new Uint8Array(0);

  constructor(native: NativeInput, memory: Memory) {
    this.native = native;
    this.#memory = memory;
  }

  /**
   * Writes a piece over what was there, and returns its length in bytes. There must be room for it.
   *
   * @param at the position, counted from the start
   */
  write(at: number, piece: string | Uint8Array): number {
    if (typeof piece === "string") {
      return piece.length <= shortText && this.#writeAscii(at, piece)
        ? piece.length
        : encoder.encodeInto(piece, this.bytes.subarray(this.start + at)).written;
    }
    this.bytes.set(piece, this.start + at);
    return piece.length;
  }

  /** Writes a string of ASCII. Returns false if it has other characters. */
  #writeAscii(at: number, text: string): boolean {
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

  /**
   * Makes room for this many bytes.
   *
   * @throws RangeError if there is no memory for them
   */
  reserve(room: number): void {
    if (room > this.#room) {
      this.start = room > maxLength ? 0 : this.native.reserve(room);
      if (this.start === 0) {
        throw new RangeError(`cronozen-edge: out of memory: no room for ${room} bytes`);
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
