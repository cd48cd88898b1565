// For Cloudflare Workers and Vercel's edge runtime, which compile modules when they are deployed and forbid
// it afterwards.

import { provide } from "./instance.js";
import module from "./verifier.wasm?module";

provide((imports) => new WebAssembly.Instance(module, imports).exports);

export { sign, VerificationError, Verifier } from "./verifier.js";
