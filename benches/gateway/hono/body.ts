// The raw body, capped and in its time.

import { Refusal } from "./refusal.js";
import { describe, late, within } from "./time.js";

export async function readBody(request: Request, maxBytes: number, ms: number) {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) {
    throw tooLarge(maxBytes);
  }
  const read = declared === null ? readStream(request, maxBytes) : request.arrayBuffer();
  const body = await within(read, ms).catch((error) => {
    throw error instanceof Refusal
      ? error
      : new Refusal("body_timeout", `expected the whole body, got an error: ${describe(error)}`);
  });
  if (body === late) {
    throw new Refusal("body_timeout", "expected the whole body in time, got only a part of it");
  }
  return body;
}

async function readStream(request: Request, maxBytes: number) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > maxBytes) {
      throw tooLarge(maxBytes);
    }
    chunks.push(chunk);
  }
  return new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer();
}

function tooLarge(maxBytes: number) {
  return new Refusal("body_too_large", `expected a body of at most ${maxBytes} bytes, got more`);
}
