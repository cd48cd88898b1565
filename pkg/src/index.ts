// For Node, Deno, Bun, browsers and bundlers: the module is part of the file.

import hex from "built/verifier.hex";
import { setCrossings } from "./backend.js";
import { provide } from "./instance.js";

// In browsers Web Crypto works in another thread, which takes some tens of microseconds.
setCrossings(16 * 1024);

provide((imports) => new WebAssembly.Instance(compiled(), imports).exports, 2);

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

// The loop takes milliseconds, more than the rest of the first call, so it is only for runtimes that have nothing
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
  return Uint8Array.from({ length: hex.length / 2 }, (_, byte) =>
    Number.parseInt(hex.slice(2 * byte, 2 * byte + 2), 16),
  );
}

export { sign, VerificationError, Verifier } from "./verifier.js";
