// For Node, Deno, Bun, browsers and bundlers: the module is part of the file.

import { setThresholds } from "./backend.ts";
import { instantiate, provide } from "./instance.ts";

// In browsers Web Crypto works in another thread, which takes some tens of microseconds.
setThresholds(16 * 1024);

/** The module as hexadecimal digits. The build puts them before the bundle. */
declare const verifierHex: string;

provide((imports) => instantiate(compiled(), imports), 2);

let module: WebAssembly.Module | undefined;

/** Compiles the module on first use: a program that never verifies anything pays nothing. */
function compiled(): WebAssembly.Module {
  try {
    module ??= new WebAssembly.Module(bytes());
    return module;
  } catch (cause) {
    throw new Error(
      "cronozen-edge: WebAssembly failed to compile. If your runtime does not allow it, import cronozen-edge/no-wasm",
      { cause },
    );
  }
}

// The loop takes milliseconds, more than the rest of the first call, so it is only for runtimes that have nothing
// better.
function bytes(): Uint8Array<ArrayBuffer> {
  return (
    Uint8Array.fromHex?.(verifierHex) ??
    globalThis.Buffer?.from?.(verifierHex, "hex") ??
    Uint8Array.from({ length: verifierHex.length / 2 }, (_, byte) =>
      Number.parseInt(verifierHex.slice(2 * byte, 2 * byte + 2), 16),
    )
  );
}

export * from "./public.ts";
