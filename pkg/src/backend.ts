// Chooses what computes the HMACs: the instance alone, the runtime's SHA-256, or Web Crypto.

import { findNative, type Native, type Sha256 } from "./native.ts";
import { hasSubtle } from "./subtle.ts";

/**
 * The code that computes the HMACs:
 *
 * - `wasm`: the package alone;
 * - `native`: the runtime's own SHA-256, in Node (20.16 or 22.3 and later), Deno and Bun;
 * - `subtle`: Web Crypto, in the asynchronous methods.
 */
export type Backend = "wasm" | "native" | "subtle";

/** Returns true if the runtime has this backend. */
export function hasBackend(backend: Backend): boolean {
  return backend === "wasm" || (backend === "native" ? native() !== false : hasSubtle());
}

let found: Native | false | undefined;

let subtleFrom: number;
let nativeFrom: number | undefined;

/**
 * Sets the lengths of a body from which on another backend is faster than the instance alone.
 *
 * @param subtle the length from which on it is worth waiting for Web Crypto
 * @param native the length from which on the runtime's SHA-256 is faster, if Web Crypto is no slower than that
 */
export function setThresholds(subtle: number, native?: number): void {
  subtleFrom = subtle;
  nativeFrom = native;
}

function native(): Native | false {
  found ??= findNative();
  return found;
}

/** Returns the runtime's own SHA-256, if it is the fastest way for a body of this length. */
export function nativeSha256(length: number, forced?: Backend): Sha256 | undefined {
  if (forced === undefined || forced === "native") {
    const own = native();
    return own && (forced || length >= (nativeFrom ?? own.from)) ? own.sha256 : undefined;
  }
  return undefined;
}

/** Returns true if it is better to wait for Web Crypto with a body of this length. */
export function prefersSubtle(length: number, forced: Backend | undefined): boolean {
  if (forced !== undefined) {
    return forced === "subtle";
  }
  return length >= subtleFrom && hasSubtle() && (nativeFrom !== undefined || !native());
}
