// For runtimes without WebAssembly, and pages whose policy forbids it: the same code, translated to
// JavaScript.

import makeExports from "built/verifier.js";
import { setCrossings } from "./backend.js";
import { provide } from "./instance.js";

// In browsers, as for index.js, but JavaScript is several times slower than WebAssembly.
setCrossings(4096);

provide(makeExports, 0);

export { sign, VerificationError, Verifier } from "./verifier.js";
