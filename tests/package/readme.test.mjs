// The README's first example and that of the diagnosis, run as printed. tests/runtimes/frameworks has those for the frameworks.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { signingSecrets } from "cronozen-edge/consumer";
import { sign } from "../../scripts/delivery.mjs";
import { pathOf } from "./builds.mjs";

const secret = "whsec_test";
process.env.CRONOZEN_SIGNING_SECRET = secret;

const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-readme-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const readme = readFileSync(new URL("../../pkg/README.md", import.meta.url), "utf8");
const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code = ""]) => code);
const [example = assert.fail("the README has no example")] = examples;

let modules = 0;
/**
 * Runs an example as a module, with a delivery.
 *
 * @param {string} example
 * @param {string} rawBody
 * @param {Record<string, string>} headers
 */
async function run(example, rawBody, headers) {
  modules += 1;
  const file = join(folder, `${modules}.mjs`);
  const given = `const rawBody = ${JSON.stringify(rawBody)};\nconst headers = ${JSON.stringify(headers)};\n`;
  const code = example
    .replace('"cronozen-edge"', JSON.stringify(pathToFileURL(pathOf("index.js")).href))
    .replace('"cronozen-edge/diagnosis"', JSON.stringify(pathToFileURL(pathOf("diagnosis.js")).href));
  writeFileSync(file, given + code);
  return import(pathToFileURL(file).href);
}

test("the first example checks signatures", async () => {
  const body = '{"eventId":"evt_1","type":"payment.completed","createdAt":"2026-11-24T06:55:00Z"}';
  await run(example, body, { "x-cronozen-signature": sign(body, secret) });
  await assert.rejects(run(example, body, { "x-cronozen-signature": sign(body, "whsec_other") }), {
    name: "VerificationError",
    code: "signature_mismatch",
  });
});

test("the README splits several secrets in one variable as the gateway does", (context) => {
  const [, expression = assert.fail()] =
    /If several secrets are in one\s+variable.+?`new Verifier\(([^`]+)\)`/s.exec(readme) ?? [];
  context.after(() => {
    process.env.CRONOZEN_SIGNING_SECRET = secret;
  });
  process.env.CRONOZEN_SIGNING_SECRET = " whsec_b\u0085whsec_a\u3000\ufeffwhsec_c\n";
  const split = new Function("signingSecrets", `return ${expression}`)(signingSecrets);
  assert.deepEqual(split, ["whsec_b", "whsec_a", "\ufeffwhsec_c"]);
});

test("the example of the diagnosis names the mistake", async (context) => {
  const example = examples.find((code) => code.includes('"cronozen-edge/diagnosis"')) ?? assert.fail("no such example");
  const { mock } = context.mock.method(console, "log", () => undefined);
  const body = '{"eventId":"evt_1"}';
  await run(example, `${body}\n`, { "x-cronozen-signature": sign(body, secret) });
  assert.equal(mock.callCount(), 1);
  assert.match(mock.calls[0]?.arguments[0], /^body_trailing_newline: .+ HMAC-SHA256 of the body without LF at its end/);
});
