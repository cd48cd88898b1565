// For runtimes without WebAssembly, and pages whose policy forbids it: the same code, translated to
// JavaScript.

import makeExports from "built/verifier.js";
import { provide } from "./instance.js";

provide(makeExports);

export { sign, VerificationError, Verifier } from "./verifier.js";
