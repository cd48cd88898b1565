import { join } from "node:path";
import { before, describe, test } from "node:test";
import { tool } from "../../support/tools.mjs";
import { assertGood, patience, project, run, tools } from "../project.mjs";

/** @type {string} */
let folder;
before(async () => {
  folder = await project(new URL(".", import.meta.url));
}, patience);

for (const version of [20, 22, 24, 26]) {
  const { path, skip } = tool(`Node ${version}`, [join(tools, `node-${version}`, "bin", "node")]);
  describe(`Node ${version}`, () => {
    for (const [form, file] of [
      ["import", "main.mjs"],
      ["require", "main.cjs"],
      ["no-wasm without WebAssembly", "no-wasm.mjs"],
    ]) {
      test(String(form), { ...patience, skip }, async () => {
        await assertGood(await run(folder, path, [String(file)]));
      });
    }
  });
}
