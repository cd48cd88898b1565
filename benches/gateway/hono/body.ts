// Reads the raw body, with limits for its size, its time and the bytes of all bodies together.

import { Refusal } from "./refusal.js";
import { describe, late, within } from "./time.js";

/** An isolate has 128 MB for everything, and a body is held twice while it becomes a message. */
const maxHeldBytes = 32 * 1024 * 1024;

/** Bodies that declare at most this are read whole and not counted, so a flood of large ones does not block them. */
const maxExemptBytes = 16 * 1024;

let heldBytes = 0;

/** The bytes that one delivery holds: its body, then its message until the send has settled. */
export class Holding {
  #bytes = 0;

  add(bytes: number) {
    if (heldBytes + bytes > maxHeldBytes) {
      throw new Refusal("unavailable", `too many bodies held: more than ${maxHeldBytes} bytes at once`);
    }
    heldBytes += bytes;
    this.#bytes += bytes;
  }

  /** Moves the bytes to a new holding, which outlives the request. */
  move() {
    const moved = new Holding();
    moved.#bytes = this.#bytes;
    this.#bytes = 0;
    return moved;
  }

  release() {
    heldBytes -= this.#bytes;
    this.#bytes = 0;
  }
}

export async function readBody(request: Request, maxBytes: number, ms: number, holding: Holding) {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) {
    throw tooLarge(maxBytes);
  }
  const whole = declared !== null && Number(declared) <= maxExemptBytes;
  const reader = whole ? undefined : request.body?.getReader();
  try {
    const body = await within(reader ? readStream(reader, maxBytes, holding) : request.arrayBuffer(), ms);
    if (body === late) {
      throw new Refusal("body_timeout", "body timed out: only a part of it arrived");
    }
    return body;
  } catch (error) {
    // Otherwise the rest would still be read, and counted.
    reader?.cancel().catch(() => {});
    throw error instanceof Refusal ? error : new Refusal("body_timeout", `body broke off: ${describe(error)}`);
  }
}

async function readStream(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number, holding: Holding) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.byteLength;
    if (length > maxBytes) {
      throw tooLarge(maxBytes);
    }
    holding.add(read.value.byteLength);
    chunks.push(read.value);
  }
  return new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer();
}

function tooLarge(maxBytes: number) {
  return new Refusal("body_too_large", `body too large: more than ${maxBytes} bytes`);
}
