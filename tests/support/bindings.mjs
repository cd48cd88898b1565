// Cloudflare's bindings without a Worker, for code that runs in this process.

import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";

/** @param {{ d1Databases: string[], r2Buckets?: string[] }} bindings */
export function miniflareWith(bindings) {
  return new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.NONE),
      cf: false,
      compatibilityDate: "2026-10-01",
      modules: true,
      script: "export default {}",
      ...bindings,
    }),
  );
}
