// The runtime's own SHA-256, where it has one that answers at once: it uses the processor's instructions for it.

/**
 * Hashes a part of the bytes, and writes the hash at a place in them.
 *
 * @typedef {(bytes: Uint8Array, start: number, end: number, at: number) => void} Sha256
 */

/** @typedef {{ sha256: Sha256, from: number }} Native `from`: the length of the bodies for which it is faster */

/**
 * The lengths from which on it is faster than WebAssembly, in bytes, as `npm run bench` has measured: a call costs half
 * a microsecond in Node, and several in Deno, before the first byte is hashed.
 */
const nodeFrom = 256;
const denoFrom = 1024;
const bunFrom = 0;

/** How the hash of no bytes begins, to see whether what is found is SHA-256. */
const hashOfNothing = "e3b0c442";

/** @returns {Native | false} false if there is none */
export function findNative() {
  try {
    const { Bun, Deno, process } = /** @type {any} */ (globalThis);
    // No import: bundlers would follow it, and browsers have nothing there.
    const hash = process?.getBuiltinModule?.("node:crypto")?.hash;
    if (!hash?.("sha256", "").startsWith(hashOfNothing)) {
      return false;
    }
    if (Bun?.SHA256?.hash) {
      return { sha256: ofBun(Bun.SHA256), from: bunFrom };
    }
    return { sha256: ofCrypto(hash), from: Deno ? denoFrom : nodeFrom };
  } catch {
    return false;
  }
}

/** @param {{ hash(data: Uint8Array, into: Uint8Array): unknown }} SHA256 @returns {Sha256} */
function ofBun(SHA256) {
  return (bytes, start, end, at) => SHA256.hash(bytes.subarray(start, end), bytes.subarray(at, at + 32));
}

/** @param {(algorithm: string, data: Uint8Array, encoding: string) => string} hash @returns {Sha256} */
function ofCrypto(hash) {
  return (bytes, start, end, at) => {
    // A text is made faster than a Buffer.
    const text = hash("sha256", bytes.subarray(start, end), "latin1");
    for (let index = 0; index < text.length; index += 1) {
      bytes[at + index] = text.charCodeAt(index);
    }
  };
}
