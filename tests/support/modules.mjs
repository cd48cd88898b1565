// The modules of Workers, for Miniflare.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../../scripts/command.mjs";

/**
 * The modules of a build, as if they lay in `folder`. The first is the entry point.
 *
 * @param {string} build
 * @param {string} folder
 */
export function builtModules(build, folder) {
  const entry = "worker.js";
  assert.ok(existsSync(join(build, entry)), `${build} is missing: run the whole of npm test`);
  const names = readdirSync(build, { recursive: true, encoding: "utf8" }).filter((name) => /\.(js|wasm)$/.test(name));
  return [entry, ...names.filter((name) => name !== entry)].map((name) => moduleIn(build, name, folder));
}

/**
 * A file of `source` as a module, as if it lay in `folder`.
 *
 * @param {string} source
 * @param {string} name
 * @param {string} folder
 */
export function moduleIn(source, name, folder) {
  const contents = readFileSync(join(source, name));
  const path = `${folder}/${name}`;
  return name.endsWith(".wasm")
    ? { type: /** @type {const} */ ("CompiledWasm"), path, contents }
    : { type: /** @type {const} */ ("ESModule"), path, contents: contents.toString() };
}

/**
 * The modules of a Worker that imports the npm package, bundled as wrangler would. Its import of the gateway is left as it
 * is.
 *
 * @param {string} entry the path of its main file, from the folder
 * @param {{ folder?: string, dist?: string }} [options] the folder whose package is imported, by default the project's
 * root; the package's `dist`
 */
export async function bundled(entry, { folder = root, dist = join(root, "pkg", "dist") } = {}) {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    external: ["cloudflare:*", "node:*", "*.wasm?module", "cronozen-edge/worker"],
    logLevel: "error",
  });
  const [{ text } = { text: "" }] = outputFiles;
  return [
    { type: /** @type {const} */ ("ESModule"), path: "/worker.mjs", contents: text },
    {
      type: /** @type {const} */ ("CompiledWasm"),
      path: "/verifier.wasm?module",
      contents: readFileSync(join(dist, "verifier.wasm")),
    },
  ];
}
