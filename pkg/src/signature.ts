// Finds the signature in what a caller has at hand: the header's value, a Headers, or a plain object.

import { hasMethod, isPlain, kindOf } from "./kind.ts";

/** Headers, as Fetch has them. */
export interface HeadersLike {
  get(name: string): string | null;
}

/** The value of `X-Cronozen-Signature`, or the headers that hold it, in any case of their names. */
export type SignatureSource =
  | string
  | readonly string[]
  | null
  | undefined
  | HeadersLike
  | { readonly [name: string]: string | readonly string[] | undefined };

const header = "x-cronozen-signature";

/**
 * Returns the header's value, or nothing if there is none. Several values are joined with commas, as HTTP joins them, and
 * so are malformed.
 */
export function signatureOf(signature: unknown): string | undefined {
  if (typeof signature === "string" || signature === undefined) {
    return signature;
  }
  if (signature === null) {
    return undefined;
  }
  const values = valuesIn(signature).filter((value) => value !== undefined && value !== null);
  if (!values.every((value) => typeof value === "string")) {
    throw notASignature(signature);
  }
  return values.length === 0 ? undefined : values.join(", ");
}

function valuesIn(headers: unknown): unknown[] {
  // The types of node:http allow a list, though this header never is one.
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
  throw notASignature(headers);
}

/**
 * Frameworks bring a Headers of their own, so it is known by its method. A Map has that, too, but its names depend on their
 * case.
 */
function isHeaders(value: unknown): value is { get(name: string): unknown } {
  const kind = kindOf(value);
  return (kind === "Headers" || kind === "Object") && hasMethod(value, "get");
}

function notASignature(signature: unknown): TypeError {
  return new TypeError(
    `cronozen-edge: no signature in a value of the kind ${kindOf(signature)}: pass the request's headers, or the value of ${header}`,
  );
}
