// A Worker's source as wrangler would bundle it, for Miniflare.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../../scripts/command.mjs";

/**
 * The modules of a Worker that imports the npm package.
 *
 * @param {string} entry the path of its main file, from the project's root
 */
export async function bundled(entry) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    external: ["cloudflare:*", "*.wasm?module"],
    logLevel: "error",
  });
  const [{ text } = { text: "" }] = outputFiles;
  return [
    { type: /** @type {const} */ ("ESModule"), path: "/worker.mjs", contents: text },
    {
      type: /** @type {const} */ ("CompiledWasm"),
      path: "/verifier.wasm?module",
      contents: readFileSync(join(root, "pkg", "dist", "verifier.wasm")),
    },
  ];
}
