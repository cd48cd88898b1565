// Vercel's edge VM, which forbids compilation: the module is compiled beforehand and passed in, as at Vercel.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EdgeVM } from "@edge-runtime/vm";
import { build } from "esbuild";
import { assertGood, patience, project } from "../project.mjs";

/** Makes the import of a module a global of the VM. */
const moduleAsGlobal = {
  name: "module-as-global",
  /** @param {import("esbuild").PluginBuild} builder */
  setup(builder) {
    builder.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.replace("?module", "")),
      namespace: "global",
    }));
    builder.onLoad({ filter: /./, namespace: "global" }, () => ({
      contents: "export default globalThis.compiledModule;",
    }));
  },
};

test("Vercel's edge runtime", patience, async () => {
  const folder = await project(new URL(".", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [join(folder, "entry.mjs")],
    bundle: true,
    write: false,
    format: "iife",
    conditions: ["edge-light"],
    plugins: [moduleAsGlobal],
    logLevel: "error",
  });
  const [{ text } = assert.fail()] = outputFiles;
  assert.ok(!text.includes("new WebAssembly.Module"), "the bundle compiles it");
  const wasm = readFileSync(join(folder, "node_modules", "cronozen-edge", "dist", "verifier.wasm"));
  const vm = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { compiledModule: new WebAssembly.Module(wasm) }),
  });
  assert.throws(
    () => vm.evaluate("new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))"),
    /CompileError|disallowed/,
  );
  vm.evaluate(text);
  const { failures, verdicts } = await vm.evaluate("globalThis.report");
  await assertGood({ failures: [...failures], verdicts: [...verdicts] });
});
