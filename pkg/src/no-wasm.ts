// For runtimes without WebAssembly, and pages whose policy forbids it: the same code, translated to JavaScript.

import makeExports from "built/verifier.js";
import { setThresholds } from "./backend.ts";
import { provide } from "./instance.ts";

// In browsers, as for index.ts, but JavaScript is several times slower than WebAssembly.
setThresholds(4096);

provide(makeExports, 0);

export * from "./public.ts";
