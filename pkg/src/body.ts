// Takes the raw body, and refuses any other value: a parsed body cannot be verified.

import { kindOf } from "./kind.ts";
import type { HeadersLike } from "./signature.ts";

/** The raw body. Other views of an ArrayBuffer, such as a Node Buffer, are accepted as well. */
export type RawBody = string | ArrayBuffer | ArrayBufferView;

/** A reader of a stream of bytes. */
export interface ReaderLike {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<unknown>;
}

/** The parts of a Fetch `Request` that are used. */
export interface RequestLike {
  readonly headers: HeadersLike;
  readonly body?: { getReader(): ReaderLike } | null | undefined;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
}

const cure = `Pass the raw body, before anything has parsed it:
  Express:   express.raw({ type: () => true }) on the route, above express.json(), then request.body
  Fastify:   addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body)), then request.body
  Lambda:    Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8")
  node:http: Buffer.concat(chunks)
  Fetch, Hono, Next, Workers: await request.arrayBuffer(), or the request itself to verifier.verifyRequest`;

/** The first size of a buffer for a stream. Most events fit. */
const leastRoom = 16 * 1024;

// Reads a slot that only an ArrayBuffer has, of any realm. For any other value it throws.
const byteLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get;

/** Returns the body as a string or as bytes, without a copy. */
export function bodyOf(body: unknown): string | Uint8Array {
  if (typeof body === "string") {
    return body;
  }
  if (ArrayBuffer.isView(body)) {
    return bytesIn(body);
  }
  if (isArrayBuffer(body)) {
    return new Uint8Array(body);
  }
  throw new TypeError(
    `cronozen-edge: body not raw: got ${kindOf(body)}, not a Uint8Array, ArrayBuffer or string. ${cure}`,
  );
}

function bytesIn({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    byteLength?.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Reads a request's body up to the cap. Returns the body, or a number: a length over the cap that it has at least. */
export async function bodyOfRequest(request: RequestLike, maxBodyBytes: number): Promise<Uint8Array | number> {
  if (typeof request?.headers?.get !== "function") {
    throw new TypeError(
      `cronozen-edge: not a Fetch Request: got ${kindOf(request)}. Elsewhere, use verify(body, request.headers)`,
    );
  }
  if (request.bodyUsed) {
    throw new TypeError(
      "cronozen-edge: request body already read. Use verify with the bytes that were read, or pass the request first",
    );
  }
  const declared = declaredLength(request.headers.get("content-length"));
  if (declared > maxBodyBytes) {
    return declared;
  }
  if (request.body === null) {
    return new Uint8Array(0);
  }
  // A declared length is a claim: a proxy may have unpacked the body. So every body is counted.
  if (typeof request.body?.getReader === "function") {
    return readStream(request.body.getReader(), maxBodyBytes);
  }
  const bytes = new Uint8Array(await request.arrayBuffer());
  return bytes.length > maxBodyBytes ? bytes.length : bytes;
}

function declaredLength(value: string | null): number {
  return value !== null && /^\d+$/.test(value) ? Number(value) : 0;
}

async function readStream(reader: ReaderLike, maxBodyBytes: number): Promise<Uint8Array | number> {
  let bytes = new Uint8Array(Math.min(leastRoom, maxBodyBytes));
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return bytes.subarray(0, length);
    }
    if (!ArrayBuffer.isView(value)) {
      cancel(reader);
      throw new TypeError(`cronozen-edge: request body not a stream of bytes: it gave ${kindOf(value)}`);
    }
    const chunk = bytesIn(value);
    const end = length + chunk.length;
    if (end > maxBodyBytes) {
      cancel(reader);
      return end;
    }
    // Copied at once: a list of small chunks would take a hundred times their size.
    if (end > bytes.length) {
      bytes = grown(bytes, Math.min(Math.max(end, 2 * bytes.length), maxBodyBytes));
    }
    bytes.set(chunk, length);
    length = end;
  }
}

function grown(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}

/** Cancels the rest of a body. If that fails, nothing is lost. */
async function cancel(reader: ReaderLike): Promise<void> {
  try {
    await reader.cancel();
  } catch {
    // The body is refused in any case.
  }
}
