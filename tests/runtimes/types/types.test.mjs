import assert from "node:assert/strict";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "../../../scripts/command.mjs";
import { patience, project, run } from "../project.mjs";

/** @type {string} */
let folder;
before(async () => {
  folder = await project(new URL(".", import.meta.url));
  for (const use of ["use", "consumer"]) {
    cpSync(join(folder, `${use}.ts`), join(folder, `${use}.mts`));
    cpSync(join(folder, `${use}.ts`), join(folder, `${use}.cts`));
  }
  const readme = readFileSync(join(folder, "node_modules", "cronozen-edge", "README.md"), "utf8");
  const [, example = assert.fail("README.md has no example in TypeScript")] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const given = "declare const rawBody: Uint8Array, headers: Record<string, string>;\n";
  writeFileSync(join(folder, "readme.ts"), given + example);
  for (const types of ["@types", "@cloudflare"]) {
    symlinkSync(join(root, "node_modules", types), join(folder, "node_modules", types));
  }
  symlinkSync(join(root, "node_modules", "undici-types"), join(folder, "node_modules", "undici-types"));
}, patience);

const nodenext = ["--module", "nodenext"];
const bundler = ["--module", "esnext", "--moduleResolution", "bundler"];
const cloudflare = ["--lib", "es2024", "--types", "@cloudflare/workers-types"];

for (const [name, file, options] of /** @type {[string, string, string[]][]} */ ([
  ["nodenext, import", "use.mts", [...nodenext, "--lib", "es2022"]],
  ["nodenext, require", "use.cts", [...nodenext, "--lib", "es2022"]],
  ["bundler", "use.ts", [...bundler, "--lib", "es2022"]],
  ["the README's example", "readme.ts", [...bundler, "--lib", "es2022", "--types", "node"]],
  ["Fetch", "fetch.ts", [...bundler, "--lib", "es2022,dom"]],
  ["Node", "node.ts", [...nodenext, "--lib", "es2024", "--types", "node"]],
  ["the gateway", "worker.ts", [...bundler, ...cloudflare]],
  ["a consumer, nodenext, import", "consumer.mts", [...nodenext, ...cloudflare]],
  ["a consumer, nodenext, require", "consumer.cts", [...nodenext, ...cloudflare]],
  ["a consumer, bundler", "consumer.ts", [...bundler, ...cloudflare]],
])) {
  test(`TypeScript, ${name}`, patience, async () => {
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit"];
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    // Libraries are checked too: ours must be right without skipLibCheck.
    await run(folder, process.execPath, [tsc, ...strict, "--target", "es2022", ...options, file]).catch((error) => {
      throw new Error(error.stdout, { cause: error });
    });
  });
}
