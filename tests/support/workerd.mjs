// A Worker with the package's edge build, in workerd.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

/**
 * Returns a Worker's answer, parsed from JSON.
 *
 * @param {string} contents its module, which imports `./verifier.wasm?module`
 * @param {string} dist the package's folder with that file
 * @param {string[]} [compatibilityFlags]
 * @returns {Promise<any>}
 */
export async function answerOf(contents, dist, compatibilityFlags = []) {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      compatibilityDate: "2026-10-01",
      compatibilityFlags,
      modulesRoot: "/",
      modules: [
        { type: "ESModule", path: "/worker.mjs", contents },
        { type: "CompiledWasm", path: "/verifier.wasm?module", contents: readFileSync(join(dist, "verifier.wasm")) },
      ],
    }),
  );
  try {
    const response = await fetch(await miniflare.ready);
    assert.equal(response.status, 200);
    return await response.json();
  } finally {
    await miniflare.dispose();
  }
}
