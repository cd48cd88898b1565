// For Cloudflare Workers and Vercel's edge runtime, which compile modules when they are deployed and forbid
// it afterwards.

import { setCrossings } from "./backend.js";
import { present, provide } from "./instance.js";
import module from "./verifier.wasm?module";

// In workerd both compute at once, and cost some microseconds.
setCrossings(2048, 2048);

// Before the first request, where it is part of the start: V8 compiles well what has been called often.
provide((imports) => new WebAssembly.Instance(module, imports).exports, 100);
try {
  present();
} catch {
  // Whoever verifies is told.
}

export { sign, VerificationError, Verifier } from "./verifier.js";
