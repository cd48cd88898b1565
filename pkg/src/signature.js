// Finds the signature in what a caller has at hand: the header's value, a Headers, or a plain object.

import { kindOf } from "./kind.js";

const header = "x-cronozen-signature";

/**
 * The header's value; several are joined with commas, as HTTP joins them, and so are malformed.
 *
 * @param {unknown} signature
 * @returns {string | undefined} nothing if there is none
 */
export function signatureOf(signature) {
  if (typeof signature === "string" || signature === undefined) {
    return signature;
  }
  if (signature === null) {
    return undefined;
  }
  const values = valuesIn(signature).filter((value) => value !== undefined && value !== null);
  if (!values.every((value) => typeof value === "string")) {
    throw wrong(signature);
  }
  return values.length === 0 ? undefined : values.join(", ");
}

/** @param {unknown} headers @returns {unknown[]} */
function valuesIn(headers) {
  const kind = kindOf(headers);
  if (typeof headers !== "object" || headers === null || Array.isArray(headers) || kind === "Map") {
    throw wrong(headers);
  }
  // Frameworks bring a Headers of their own, so it is known by what it can do.
  if ("get" in headers && typeof headers.get === "function") {
    return [headers.get(header)];
  }
  if ("headers" in headers && typeof headers.headers === "object") {
    throw wrong(headers, "a request: pass its headers");
  }
  const own = Object.entries(headers).filter(([name]) => name.toLowerCase() === header);
  return own.flatMap(([, value]) => value);
}

/** @param {unknown} signature */
function wrong(signature, found = kindOf(signature)) {
  return new TypeError(
    `cronozen-edge: expected the value of the header ${header}, or the headers that hold it, got ${found}`,
  );
}
