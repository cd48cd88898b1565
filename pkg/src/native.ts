// The runtime's own SHA-256, if it has one that answers at once: it uses the processor's instructions for it.

import { Size } from "built/enums";

/** Hashes the bytes from `start` to `end`, and writes the hash at `at`. */
export type Sha256 = (bytes: Uint8Array, start: number, end: number, at: number) => void;

export interface Native {
  sha256: Sha256;
  /** The length of the bodies from which on it is faster than WebAssembly, in bytes. */
  from: number;
}

/**
 * The lengths from which on it is faster than WebAssembly, in bytes, as `npm run bench` has measured: a call costs half
 * a microsecond in Node, and several in Deno, before the first byte is hashed.
 */
const nodeFrom = 256;
const denoFrom = 1024;
const bunFrom = 0;

/** The start of the hash of no bytes. It shows that the function that was found is SHA-256. */
const hashOfNothing = "e3b0c442";

/** Returns false if the runtime has none. */
export function findNative(): Native | false {
  try {
    // No import: bundlers would follow it, and browsers have no such module.
    const hash = globalThis.process?.getBuiltinModule?.("node:crypto")?.hash;
    if (!hash?.("sha256", "").startsWith(hashOfNothing)) {
      return false;
    }
    const { SHA256 } = globalThis.Bun ?? {};
    if (SHA256?.hash) {
      return { sha256: ofBun(SHA256), from: bunFrom };
    }
    return { sha256: ofCrypto(hash), from: globalThis.Deno ? denoFrom : nodeFrom };
  } catch {
    return false;
  }
}

function ofBun(SHA256: BunSha256): Sha256 {
  return (bytes, start, end, at) => SHA256.hash(bytes.subarray(start, end), bytes.subarray(at, at + Size.Hash));
}

function ofCrypto(hash: CryptoHash): Sha256 {
  return (bytes, start, end, at) => {
    // Node makes a string faster than a Buffer.
    const text = hash("sha256", bytes.subarray(start, end), "latin1");
    for (let index = 0; index < text.length; index += 1) {
      bytes[at + index] = text.charCodeAt(index);
    }
  };
}
