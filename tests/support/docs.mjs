// The examples in docs/consumers.md, as printed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";

const page = readFileSync(join(root, "docs", "consumers.md"), "utf8");

/**
 * Returns an example in a language.
 *
 * @param {"js" | "sql" | "toml"} language
 * @param {number} [position] the first by default
 */
export function example(language, position = 0) {
  const examples = [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))];
  return examples[position]?.[1] ?? assert.fail(`docs/consumers.md has no example ${position} in ${language}`);
}
