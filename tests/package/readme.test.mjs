// The README's first example, run as printed. tests/runtimes/frameworks has those for the frameworks.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { sign } from "../../scripts/delivery.mjs";
import { pathOf } from "./builds.mjs";

const secret = "whsec_test";
process.env.CRONOZEN_SIGNING_SECRET = secret;

const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-readme-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const readme = readFileSync(new URL("../../pkg/README.md", import.meta.url), "utf8");
const [, example = assert.fail("the README has no example")] = /```js\n(.*?)```/s.exec(readme) ?? [];

let modules = 0;
/**
 * Runs the example as a module, with a delivery.
 *
 * @param {string} rawBody
 * @param {Record<string, string>} headers
 */
async function run(rawBody, headers) {
  modules += 1;
  const file = join(folder, `${modules}.mjs`);
  const given = `const rawBody = ${JSON.stringify(rawBody)};\nconst headers = ${JSON.stringify(headers)};\n`;
  const code = example.replace('"cronozen-edge"', JSON.stringify(pathToFileURL(pathOf("index.js")).href));
  writeFileSync(file, given + code);
  return import(pathToFileURL(file).href);
}

test("the first example checks signatures", async () => {
  const body = '{"eventId":"evt_1","type":"payment.completed","createdAt":"2026-11-24T06:55:00Z"}';
  await run(body, { "x-cronozen-signature": sign(body, secret) });
  await assert.rejects(run(body, { "x-cronozen-signature": sign(body, "whsec_other") }), {
    name: "VerificationError",
    code: "signature_mismatch",
  });
});
