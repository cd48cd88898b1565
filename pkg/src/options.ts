// Checks the options of a verifier.

import { type Backend, hasBackend } from "./backend.ts";
import { isPlain, kindOf } from "./kind.ts";

export interface VerifierOptions {
  /** The largest body that is verified, from 1 byte to 67,108,864 (64 MiB). 1,048,576 (1 MiB) by default. */
  readonly maxBodyBytes?: number | undefined;

  /** For tests and comparisons. By default it is the fastest that the runtime has for each body. */
  readonly backend?: Backend | undefined;
}

const names = ["maxBodyBytes", "backend"];
const backends = ["wasm", "native", "subtle"] as const;

/** Returns the options, checked but for the range of the cap. */
export function optionsOf(options: unknown = {}): {
  maxBodyBytes: number | undefined;
  backend: Backend | undefined;
} {
  if (!isPlain(options)) {
    throw new TypeError(`cronozen-edge: options not an object: got ${kindOf(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`cronozen-edge: unknown option ${unknown} (known: ${names.join(", ")})`);
  }
  // Their own: someone may have extended the prototype of all objects.
  const [maxBodyBytes, backend] = names.map((name) => (Object.hasOwn(options, name) ? options[name] : undefined));
  return { maxBodyBytes: maxBodyBytesOf(maxBodyBytes), backend: backendOf(backend) };
}

function maxBodyBytesOf(maxBodyBytes: unknown): number | undefined {
  if (maxBodyBytes === undefined) {
    return undefined;
  }
  if (typeof maxBodyBytes !== "number") {
    throw new TypeError(`cronozen-edge: maxBodyBytes not a number: got ${kindOf(maxBodyBytes)}`);
  }
  // The webhook crate takes an unsigned number of 32 bits, and checks its range.
  if (maxBodyBytes >>> 0 !== maxBodyBytes) {
    throw new TypeError("cronozen-edge: maxBodyBytes not a whole number of bytes");
  }
  return maxBodyBytes;
}

function backendOf(backend: unknown): Backend | undefined {
  if (backend === undefined) {
    return undefined;
  }
  const known = backends.find((name) => name === backend);
  if (known === undefined) {
    throw new TypeError(`cronozen-edge: unknown backend (known: ${backends.join(", ")})`);
  }
  if (!hasBackend(known)) {
    throw new TypeError(`cronozen-edge: backend ${known} not available in this runtime`);
  }
  return known;
}
