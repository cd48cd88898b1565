// Bundles run in Node, from a folder where the package itself is out of reach.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build as esbuild } from "esbuild";
import { rollup } from "rollup";
import webpack from "webpack";
import { assertGood, patience, project, run } from "../project.mjs";

/** @type {string} */
let folder;
before(async () => {
  folder = await project(new URL(".", import.meta.url));
}, patience);

/** @type {Record<string, (entry: string, output: string) => Promise<unknown>>} */
const bundlers = {
  esbuild: (entry, output) =>
    esbuild({ entryPoints: [entry], outfile: output, bundle: true, format: "esm", logLevel: "error" }),
  rollup: async (entry, output) => {
    const bundle = await rollup({
      input: entry,
      plugins: [nodeResolve()],
      onwarn: (warning) => assert.fail(warning.message),
    });
    await bundle.write({ file: output, format: "es" });
    await bundle.close();
  },
  webpack: (entry, output) =>
    new Promise((resolve, reject) => {
      const compiler = webpack({
        mode: "production",
        target: "es2022",
        entry,
        experiments: { outputModule: true },
        performance: { hints: false },
        output: { path: join(output, ".."), filename: "bundle.mjs", module: true, library: { type: "module" } },
      });
      compiler.run((error, stats) => {
        const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
        const [problem] = [...errors, ...warnings];
        return (error ?? problem) ? reject(error ?? new Error(problem?.message)) : resolve(undefined);
      });
    }),
};

for (const [name, bundle] of Object.entries(bundlers)) {
  test(name, patience, async () => {
    const output = join(folder, "out", name, "bundle.mjs");
    await bundle(join(folder, "main.mjs"), output);
    assert.ok(!/from\s*["']cronozen-edge/.test(readFileSync(output, "utf8")), "the package is not in the bundle");
    const away = mkdtempSync(join(tmpdir(), "cronozen-edge-bundle-"));
    cpSync(output, join(away, "bundle.mjs"));
    await assertGood(await run(away, process.execPath, ["bundle.mjs"]));
  });
}
