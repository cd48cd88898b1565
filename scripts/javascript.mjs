// Writes a file of TypeScript as JavaScript, as a person would: without types, with the comments, formatted.
// usage: node scripts/javascript.mjs SOURCE OUTPUT

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { root } from "./command.mjs";

const [source = "", output = ""] = process.argv.slice(2);

// Not the warning that the function is new.
process.removeAllListeners("warning");
const stripped = stripTypeScriptTypes(readFileSync(source, "utf8")).replaceAll(/(from ".*)\.ts"/g, '$1.js"');
// The types have left blanks behind.
const biome = join(root, "node_modules", ".bin", "biome");
const format = spawnSync(biome, ["format", "--stdin-file-path=starter.js"], {
  cwd: root,
  input: stripped,
  encoding: "utf8",
});
if (format.status !== 0) {
  throw new Error(`biome cannot format ${source}: ${format.stderr}`);
}
writeFileSync(output, format.stdout);
