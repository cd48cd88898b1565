// For Node, Deno, Bun, browsers and bundlers: the module is part of the file.

import text from "built/verifier.txt";
import { provide } from "./instance.js";

provide((imports) => new WebAssembly.Instance(compiled(), imports).exports);

// The characters of `text`: "#" is 0, there is no backslash, and from "|" on it takes two for a byte.
const first = 35;
const backslash = 92;
const firstOfTwo = 124;
const one = 88;

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

// As `cargo xtask npm` has written it: a byte is a character, or two. In place and with few branches, since
// an interpreter runs it once, in half the time of the first call.
function bytes() {
  const bytes = new TextEncoder().encode(text);
  const end = bytes.length;
  let length = 0;
  let position = 0;
  while (position < end) {
    const code = /** @type {number} */ (bytes[position++]);
    if (code < backslash) {
      bytes[length++] = code - first;
    } else if (code < firstOfTwo) {
      bytes[length++] = code - first - 1;
    } else {
      const low = /** @type {number} */ (bytes[position++]);
      bytes[length++] = (code - firstOfTwo + 1) * one + low - (low < backslash ? first : first + 1);
    }
  }
  return bytes.subarray(0, length);
}

export { sign, VerificationError, Verifier } from "./verifier.js";
