// The secrets in .dev.vars are split as the gateway splits them.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { localSecrets } from "../../pkg/src/cli/local-secrets.ts";
import { scratchFolder } from "./cli.mjs";

const token = "t".repeat(32);

/** @param {string} signing the value of the variable */
function secretsWith(signing) {
  const folder = scratchFolder();
  const file = join(folder, ".dev.vars");
  writeFileSync(file, `CRONOZEN_SIGNING_SECRET="${signing}"\nADMIN_TOKEN="${token}"\n`);
  return { ...localSecrets(folder), text: readFileSync(file, "utf8") };
}

for (const [name, value, expected] of /** @type {const} */ ([
  ["a blank", "whsec_new whsec_old", "whsec_new"],
  ["U+0085", "\u0085whsec_new\u0085whsec_old", "whsec_new"],
  ["U+3000", "whsec_new\u3000whsec_old", "whsec_new"],
  ["no byte order mark, which the gateway refuses", "\ufeffwhsec_new whsec_old", "\ufeffwhsec_new"],
])) {
  test(`the newest secret ends at ${name}`, () => {
    const { secret, created } = secretsWith(value);
    assert.deepEqual([secret, created], [expected, []]);
  });
}

test("a secret of white space alone is made up, one of a byte order mark is left for the gateway to refuse", () => {
  const { secret, created, text } = secretsWith(" \u0085\u3000");
  assert.deepEqual(created, ["CRONOZEN_SIGNING_SECRET"]);
  assert.ok(secret.startsWith("whsec_") && text.includes(secret));
  assert.deepEqual(secretsWith("\ufeff").created, []);
});
