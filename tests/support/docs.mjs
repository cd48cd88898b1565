// What docs/consumers.md shows, as it is printed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";

const page = readFileSync(join(root, "docs", "consumers.md"), "utf8");

/** The first example in a language. @param {"js" | "sql" | "toml"} language */
export function example(language) {
  const [, code] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(page) ?? [];
  return code ?? assert.fail(`docs/consumers.md has no example in ${language}`);
}
