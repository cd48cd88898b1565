// Takes the raw body, and refuses what is none: a parsed body cannot be verified.

import { kindOf } from "./kind.js";

const howTo = `Pass the raw body, before anything has parsed it:
  Express:   express.raw({ type: () => true }) on the route, above express.json(), then request.body
  node:http: Buffer.concat(chunks)
  Fetch, Hono, Next, Workers: await request.arrayBuffer(), or the request itself to verifier.receive`;

/** Most events fit into it. */
const leastRoom = 16 * 1024;

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
    return bytesIn(body);
  }
  if (isArrayBuffer(body)) {
    return new Uint8Array(body);
  }
  throw new TypeError(
    `cronozen-edge: expected the body as Uint8Array, ArrayBuffer or string, got ${kindOf(body)}. ${howTo}`,
  );
}

/** @param {ArrayBufferView} view */
function bytesIn({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
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

/** @param {string | null} value */
function declaredLength(value) {
  return value !== null && /^\d+$/.test(value) ? Number(value) : 0;
}

/**
 * @param {import("../index.js").ReaderLike} reader
 * @param {number} maxBodyBytes
 */
async function readStream(reader, maxBodyBytes) {
  let bytes = new Uint8Array(Math.min(leastRoom, maxBodyBytes));
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return bytes.subarray(0, length);
    }
    if (!ArrayBuffer.isView(value)) {
      cancel(reader);
      throw new TypeError(`cronozen-edge: expected a stream of bytes, got one of ${kindOf(value)}`);
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

/**
 * @param {Uint8Array} bytes
 * @param {number} length
 */
function grown(bytes, length) {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}

/**
 * Lets the rest of a body go. Whether that succeeds is of no interest.
 *
 * @param {import("../index.js").ReaderLike} reader
 */
async function cancel(reader) {
  try {
    await reader.cancel();
  } catch {
    // The body is refused in any case.
  }
}
