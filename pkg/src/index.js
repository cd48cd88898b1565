// For Node, Deno, Bun, browsers and bundlers: the module is part of the file.

import hex from "built/verifier.hex";
import { provide } from "./instance.js";

provide((imports) => new WebAssembly.Instance(compiled(), imports).exports);

/** @type {WebAssembly.Module | undefined} */
let module;

// On first use: whoever imports the package and never verifies anything pays nothing.
function compiled() {
  try {
    module ??= new WebAssembly.Module(bytes());
    return module;
  } catch (cause) {
    throw new Error(
      "cronozen-edge: expected to compile WebAssembly, got an error. Where that is not allowed, import cronozen-edge/no-wasm",
      { cause },
    );
  }
}

// The loop takes milliseconds, half the time of the first call, so it is only for runtimes that have nothing
// better.
function bytes() {
  const { fromHex } = /** @type {any} */ (Uint8Array);
  if (typeof fromHex === "function") {
    return fromHex.call(Uint8Array, hex);
  }
  const { Buffer } = /** @type {any} */ (globalThis);
  if (typeof Buffer?.from === "function") {
    return Buffer.from(hex, "hex");
  }
  const decoded = new Uint8Array(hex.length / 2);
  for (let position = 0; position < decoded.length; position += 1) {
    decoded[position] = digit(2 * position) * 16 + digit(2 * position + 1);
  }
  return decoded;
}

/** @param {number} position */
function digit(position) {
  const code = hex.charCodeAt(position);
  return code < 58 ? code - 48 : code - 87;
}

export { sign, VerificationError, Verifier } from "./verifier.js";
