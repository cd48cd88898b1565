// Takes the raw body, and refuses what is none: a parsed body cannot be verified.

import { kindOf } from "./kind.js";

const howTo = `Pass the raw body, before anything has parsed it:
  Express: express.raw({ type: "application/json" }) on the route, then request.body
  Hono:    await context.req.arrayBuffer()
  Next:    await request.arrayBuffer()
  Workers: await request.arrayBuffer(), or the whole request to verifier.receive(request)`;

// Reads a slot that only an ArrayBuffer has, of whatever realm; anything else makes it throw.
const byteLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get;

/**
 * @param {unknown} body
 * @returns {string | Uint8Array}
 */
export function bodyOf(body) {
  if (typeof body === "string") {
    return body;
  }
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  if (isArrayBuffer(body)) {
    return new Uint8Array(body);
  }
  throw new TypeError(
    `cronozen-edge: expected the body as Uint8Array, ArrayBuffer or string, got ${kindOf(body)}. ${howTo}`,
  );
}

/** @param {unknown} value @returns {value is ArrayBuffer} */
function isArrayBuffer(value) {
  try {
    byteLength?.call(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads a request's body, as far as the cap.
 *
 * @param {import("../index.js").RequestLike} request
 * @param {number} maxBodyBytes
 * @returns {Promise<Uint8Array | number>} the body, or a length beyond the cap that it has at least
 */
export async function bodyOfRequest(request, maxBodyBytes) {
  if (typeof request?.headers?.get !== "function") {
    throw new TypeError(
      `cronozen-edge: expected a Fetch Request, got ${kindOf(request)}. Where there is none, use verify(body, request.headers)`,
    );
  }
  if (request.bodyUsed) {
    throw new TypeError(
      "cronozen-edge: expected a request with its body unread, got one whose body has been read. Use verify with what was read",
    );
  }
  const declared = Number(request.headers.get("content-length"));
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

/**
 * @param {import("../index.js").ReaderLike} reader
 * @param {number} maxBodyBytes
 */
async function readStream(reader, maxBodyBytes) {
  /** @type {Uint8Array[]} */
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return join(chunks, length);
    }
    const chunk = bodyOf(value);
    if (typeof chunk === "string") {
      throw new TypeError("cronozen-edge: expected a stream of bytes, got one of strings");
    }
    length += chunk.length;
    if (length > maxBodyBytes) {
      // Whether the rest can be cancelled is of no interest.
      reader.cancel().catch(() => {});
      return length;
    }
    chunks.push(chunk);
  }
}

/**
 * @param {Uint8Array[]} chunks
 * @param {number} length
 */
function join(chunks, length) {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) {
    return first;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
