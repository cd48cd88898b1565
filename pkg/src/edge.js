// For Cloudflare Workers and Vercel's edge runtime, which compile modules when they are deployed and forbid
// it afterwards.

import { provide } from "./instance.js";
import module from "./verifier.wasm?module";

provide((glue) => new WebAssembly.Instance(module, { "./verifier_bg.js": glue }).exports);

export { sign, VerificationError, Verifier } from "./verifier.js";
