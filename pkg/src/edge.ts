// For Cloudflare Workers and Vercel's edge runtime, which compile modules when they are deployed and forbid it
// afterwards.

import { setThresholds } from "./backend.ts";
import { currentInstance, instantiate, provide } from "./instance.ts";
import module from "./verifier.wasm?module";

// In workerd both compute at once, and cost some microseconds.
setThresholds(2048, 2048);

// Before the first request, as a part of the start: V8 compiles well what has been called often.
provide((imports) => instantiate(module, imports), 100);
try {
  currentInstance();
} catch {
  // The first verification throws the same error.
}

export * from "./public.ts";
