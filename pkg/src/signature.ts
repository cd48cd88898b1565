// Finds the signature in what a caller has at hand: the header's value, a Headers, or a plain object.

import { isPlain, kindOf } from "./kind.js";

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
  // As the types of node:http have it, though there it is never a list.
  if (Array.isArray(headers)) {
    return headers;
  }
  if (isHeaders(headers)) {
    return [headers.get(header)];
  }
  if (isPlain(headers)) {
    const own = Object.entries(headers).filter(([name]) => name.toLowerCase() === header);
    return own.flatMap(([, value]) => value);
  }
  throw wrong(headers);
}

/**
 * Frameworks bring a Headers of their own, so it is known by what it can do; a Map and its like can do it, too,
 * but tell the cases of names apart.
 *
 * @param {unknown} value
 * @returns {value is { get(name: string): unknown }}
 */
function isHeaders(value) {
  const kind = kindOf(value);
  return (
    (kind === "Headers" || kind === "Object") &&
    typeof (/** @type {Record<string, unknown>} */ (value).get) === "function"
  );
}

/** @param {unknown} signature */
function wrong(signature) {
  return new TypeError(
    `cronozen-edge: expected the value of the header ${header}, or the request's headers, got ${kindOf(signature)}`,
  );
}
