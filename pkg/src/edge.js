// For Cloudflare Workers and Vercel's edge runtime, which compile modules when they are deployed and forbid
// it afterwards.

import { preferSubtleFrom } from "./backend.js";
import { provide } from "./instance.js";
import module from "./verifier.wasm?module";

// In workerd it computes at once, and costs some microseconds.
preferSubtleFrom(2048, true);

provide((imports) => new WebAssembly.Instance(module, imports).exports);

export { sign, VerificationError, Verifier } from "./verifier.js";
