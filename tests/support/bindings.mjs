// Cloudflare's bindings without a Worker, for code that runs in this process.

import assert from "node:assert/strict";
import { after, before } from "node:test";
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

/** Returns a function that gives a test file one empty database after the other. @param {number} count */
export function emptyDatabases(count) {
  const names = Array.from({ length: count }, (_, number) => `DB${number}`);
  /** @type {Miniflare} */
  let miniflare;
  before(async () => {
    miniflare = miniflareWith({ d1Databases: [...names] });
    await miniflare.ready;
  });
  after(() => miniflare.dispose());
  return async () => miniflare.getD1Database(names.pop() ?? assert.fail("no database is left"));
}
