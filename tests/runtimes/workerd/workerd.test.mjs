import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { build } from "esbuild";
import { root } from "../../../scripts/command.mjs";
import { answerOf } from "../../support/workerd.mjs";
import { withWrangler } from "../dev.mjs";
import { assertGood, patience, project } from "../project.mjs";

/** @type {string} */
let folder;
before(async () => {
  folder = await project(new URL(".", import.meta.url));
}, patience);

test("workerd in wrangler dev", patience, async () => {
  const wrangler = join(root, "node_modules", "wrangler", "bin", "wrangler.js");
  await withWrangler(folder, wrangler, process.env, async (url) => {
    const response = await fetch(url);
    await assertGood(/** @type {any} */ (await response.json()));
  });
});

test("workerd in Miniflare", patience, async () => {
  const outfile = join(folder, "out", "worker.mjs");
  await build({
    entryPoints: [join(folder, "worker.mjs")],
    outfile,
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    external: ["*.wasm?module"],
    logLevel: "error",
  });
  const dist = join(folder, "node_modules", "cronozen-edge", "dist");
  await assertGood(await answerOf(readFileSync(outfile, "utf8"), dist));
});
