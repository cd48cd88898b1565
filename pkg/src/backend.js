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
  return backend === "wasm" || (backend === "native" ? native() !== null : hasSubtle());
}

/** @type {import("./native.js").Native | null | undefined} */
let found;

/** @type {number} */
let subtleFrom;
/** @type {boolean} */
let subtleBeforeNative;

/**
 * Says when it is worth waiting for Web Crypto.
 *
 * @param {number} length of the body, at least
 * @param {boolean} beforeNative whether also where the runtime has a SHA-256 that answers at once
 */
export function preferSubtleFrom(length, beforeNative) {
  subtleFrom = length;
  subtleBeforeNative = beforeNative;
}

function native() {
  found ??= findNative() ?? null;
  return found;
}

/**
 * The runtime's own SHA-256, where it is the faster way.
 *
 * @param {number} length of the body
 * @param {Backend | undefined} forced
 */
export function helpFor(length, forced) {
  if (forced === undefined || forced === "native") {
    const own = native();
    return own !== null && (length >= own.from || forced !== undefined) ? own.sha256 : undefined;
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
  return length >= subtleFrom && hasSubtle() && (subtleBeforeNative || native() === null);
}
