// Checks what a caller may set.

import { hasBackend } from "./backend.js";
import { isPlain, kindOf } from "./kind.js";

/** @typedef {import("../index.js").Backend} Backend */

const names = ["maxBodyBytes", "backend"];
const backends = /** @type {const} */ (["wasm", "native", "subtle"]);

/**
 * @param {unknown} options
 * @returns {{ maxBodyBytes: number | undefined, backend: Backend | undefined }}
 */
export function optionsOf(options = {}) {
  if (!isPlain(options)) {
    throw new TypeError(`cronozen-edge: expected options as an object, got ${kindOf(options)}`);
  }
  // Its own alone. What another one is called is not shown: it may be a secret, passed in the wrong place.
  if (!Object.keys(options).every((name) => names.includes(name))) {
    throw new TypeError(`cronozen-edge: expected the options ${names.join(" and ")} and no other, got another one`);
  }
  // Its own: the prototype of all objects could have got another from somebody.
  const [maxBodyBytes, backend] = names.map((name) => (Object.hasOwn(options, name) ? options[name] : undefined));
  return { maxBodyBytes: maxBodyBytesOf(maxBodyBytes), backend: backendOf(backend) };
}

/** @param {unknown} maxBodyBytes */
function maxBodyBytesOf(maxBodyBytes) {
  if (maxBodyBytes !== undefined && (typeof maxBodyBytes !== "number" || maxBodyBytes >>> 0 !== maxBodyBytes)) {
    throw new TypeError(
      `cronozen-edge: expected maxBodyBytes to be a whole number of bytes, got another ${kindOf(maxBodyBytes)}`,
    );
  }
  return maxBodyBytes;
}

/** @param {unknown} backend */
function backendOf(backend) {
  const known = backends.find((name) => name === backend);
  if (backend !== undefined && (known === undefined || !hasBackend(known))) {
    throw new TypeError(
      `cronozen-edge: expected ${backends.join(" or ")} as backend in this runtime, got another ${kindOf(backend)}`,
    );
  }
  return known;
}
