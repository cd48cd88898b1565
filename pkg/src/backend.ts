// Chooses what computes the HMACs: the instance alone, the runtime's SHA-256, or Web Crypto.

import { findNative } from "./native.js";
import { hasSubtle } from "./subtle.js";

/** @typedef {import("../index.js").Backend} Backend */

/**
 * Whether the runtime has what is asked for.
 *
 * @param {Backend} backend
 */
export function hasBackend(backend) {
  return backend === "wasm" || (backend === "native" ? native() !== false : hasSubtle());
}

/** @type {import("./native.js").Native | false | undefined} */
let found;

/** @type {number} */
let subtleFrom;
/** @type {number | undefined} */
let nativeFrom;

/**
 * Says for which lengths of the body something is faster than the instance alone.
 *
 * @param {number} subtle from which on it is worth waiting for Web Crypto
 * @param {number} [native] from which on the runtime's SHA-256 is faster, where Web Crypto is no slower than that
 */
export function setCrossings(subtle, native) {
  subtleFrom = subtle;
  nativeFrom = native;
}

function native() {
  found ??= findNative();
  return found;
}

/**
 * The runtime's own SHA-256, where it is the faster way.
 *
 * @param {number} length of the body
 * @param {Backend} [forced]
 */
export function helpFor(length, forced) {
  if (forced === undefined || forced === "native") {
    const own = native();
    return own && (forced || length >= (nativeFrom ?? own.from)) ? own.sha256 : undefined;
  }
  return undefined;
}

/**
 * Whether one should rather wait for Web Crypto.
 *
 * @param {number} length of the body
 * @param {Backend | undefined} forced
 */
export function prefersSubtle(length, forced) {
  if (forced !== undefined) {
    return forced === "subtle";
  }
  return length >= subtleFrom && hasSubtle() && (nativeFrom !== undefined || !native());
}
