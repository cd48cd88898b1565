// `verify`: captured requests, each with a mistake that is named and proved; the secrets, and the report.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli, scratchFolder } from "./cli.mjs";
import { body, event, newSecret, request, secret, sign, verify } from "./verify.mjs";

/**
 * Captured requests with the mistakes that are in them. `proof` is a part of its text; some findings are facts, and need
 * none.
 *
 * @type {Record<string, { input: string | Buffer, codes: string[], proof?: RegExp, secrets?: Record<string, string>, verified?: number }>}
 */
const captured = {
  "a prefix": {
    input: request(body, `sha256=${sign(body)}`),
    codes: ["signature_prefix"],
    proof: /without its prefix/,
  },
  base64: { input: request(body, sign(body, secret, "base64")), codes: ["signature_base64"], proof: /base64/ },
  "upper case": { input: request(body, sign(body).toUpperCase()), codes: ["signature_upper_case"], proof: /header/ },
  "quotation marks": { input: request(body, `"${sign(body)}"`), codes: ["signature_surrounded"], proof: /header/ },
  "no signature": { input: request(body, undefined), codes: ["signature_missing"] },
  "an empty signature": { input: request(body, ""), codes: ["signature_empty"] },
  "a signature that is cut off": { input: request(body, sign(body).slice(0, 40)), codes: ["signature_length"] },
  "another character": { input: request(body, sign(body).replace(/^./, "z")), codes: ["signature_character"] },
  "an added newline": {
    input: request(`${body}\n`, sign(body)),
    codes: ["body_trailing_newline"],
    proof: /without LF/,
  },
  "a lost newline": { input: request(body, sign(`${body}\n`)), codes: ["body_trailing_newline"], proof: /LF/ },
  "changed line breaks": {
    input: request('{\n"eventId":"evt_1"\n}', sign('{\r\n"eventId":"evt_1"\r\n}')),
    codes: ["body_line_breaks"],
    proof: /CRLF|CR LF/,
  },
  "a byte order mark": { input: request(`\ufeff${body}`, sign(body)), codes: ["body_byte_order_mark"], proof: /mark/ },
  "Latin-1": { input: request(Buffer.from(body, "latin1"), sign(body)), codes: ["body_latin1"], proof: /Latin-1/ },
  "indented JSON": {
    input: request(JSON.stringify(event, null, 2), sign(body)),
    codes: ["body_reserialised"],
    proof: /JSON/,
  },
  "sorted keys": {
    input: request('{"a":1,"eventId":"evt_1","type":"x"}', sign('{"a": 1, "eventId": "evt_1", "type": "x"}')),
    codes: ["body_reserialised"],
    proof: /JSON/,
  },
  "escaped letters": {
    input: request(body, sign(body.replace("ë", "\\u00eb"))),
    codes: ["body_reserialised"],
    proof: /JSON/,
  },
  "an empty body when signed": { input: request(body, sign("")), codes: ["body_empty"], proof: /empty/ },
  "a signed time stamp": {
    input: request(body, `t=1795000000,v1=${sign(`1795000000.${body}`)}`),
    codes: ["signature_prefix", "body_timestamped"],
    proof: /time/,
  },
  "the eighth secret": {
    input: request(body, sign(body)),
    codes: ["secret_previous"],
    verified: 7,
    secrets: { CRONOZEN_SIGNING_SECRET: `${`${newSecret} `.repeat(7)}${secret}` },
  },
  "the previous secret": {
    input: request(body, sign(body)),
    codes: ["secret_previous"],
    verified: 1,
    secrets: { CRONOZEN_SIGNING_SECRET_NEXT: newSecret, CRONOZEN_SIGNING_SECRET: secret },
  },
  "a newline after the signer's secret": {
    input: request(body, sign(body, `${secret}\n`)),
    codes: ["secret_white_space"],
    proof: /LF|line/,
  },
  "white space around the secret, which is harmless": {
    input: request(body, sign(body)),
    codes: [],
    verified: 0,
    secrets: { CRONOZEN_SIGNING_SECRET: ` ${secret}\n` },
  },
  "a byte order mark before the secret": {
    input: request(body, sign(body)),
    codes: ["secret_invisible_character"],
    proof: /position 0/,
    secrets: { CRONOZEN_SIGNING_SECRET: `\ufeff${secret}` },
  },
  "a secret in quotation marks": {
    input: request(body, sign(body)),
    codes: ["secret_quoted"],
    secrets: { CRONOZEN_SIGNING_SECRET: `"${secret}"` },
    proof: /quotation/,
  },
  "a decoded secret": {
    input: request(body, sign(body, Buffer.from("5f1d2c7b9a8e4d31", "hex"))),
    codes: ["secret_decoded"],
    proof: /decoded/,
  },
  "a secret without its prefix": {
    input: request(body, sign(body, "5f1d2c7b9a8e4d31")),
    codes: ["secret_prefix_removed"],
    proof: /prefix/,
  },
  "another secret": { input: request(body, sign(body, "whsec_of_another_registration")), codes: ["unexplained"] },
  "two mistakes": {
    input: request(`${body}\n`, `sha256=${sign(body)}`),
    codes: ["signature_prefix", "body_trailing_newline"],
    proof: /without LF.*without its prefix/,
  },
};

for (const [name, { input, codes, proof, secrets, verified }] of Object.entries(captured)) {
  test(`a captured request with ${name} is diagnosed`, async () => {
    const result = await verify([], { input, ...(secrets && { secrets }) });
    assert.deepEqual(result.codes, codes);
    assert.equal(result.verified, verified ?? null);
    assert.equal(result.code, verified === undefined ? 1 : 0);
    if (proof !== undefined) {
      assert.match(result.findings.at(-1)?.proof ?? "no proof", proof);
    }
    assert.ok(result.findings.every(({ cure }) => cure !== ""));
  });
}

test("a right secret beside one that the gateway refuses does not verify", async () => {
  /** @type {[string, string][]} */
  const refused = [
    [`"${newSecret}"`, "secret_quoted"],
    [`${newSecret}\u200b`, "secret_invisible_character"],
  ];
  for (const [next, code] of refused) {
    const secrets = { CRONOZEN_SIGNING_SECRET_NEXT: next, CRONOZEN_SIGNING_SECRET: secret };
    const result = await verify([], { input: request(body, sign(body)), secrets });
    assert.equal(result.code, 1);
    assert.equal(result.ok, false);
    assert.equal(result.verified, null);
    assert.ok(result.codes.includes(code), String(result.codes));
    const { code: exit, stdout } = await runCli(["verify"], { secrets, input: request(body, sign(body)).toString() });
    assert.equal(exit, 1);
    assert.match(stdout, /^not verified /);
  }
});

test("the report says by which secret, or names the mistake with proof and cure", async () => {
  const secrets = { CRONOZEN_SIGNING_SECRET: secret };
  const right = await runCli(["verify"], { secrets, input: request(body, sign(body)).toString() });
  assert.match(right.stdout, /^verified by the secret at position 0 {2}body of \d+ bytes, 1 secret\n$/);
  const wrong = await runCli(["verify"], { secrets, input: request(`${body}\n`, sign(body)).toString() });
  assert.match(
    wrong.stdout,
    /^not verified .*\n\nbody_trailing_newline\n {2}\S[\s\S]*\n {2}Proof: HMAC-SHA256 [\s\S]*\n {2}Pass /,
  );
  assert.ok(
    wrong.stdout.split("\n").every((line) => line.length <= 80),
    wrong.stdout,
  );
});

test("the report names the variable of each of several secrets", async () => {
  const input = request(body, sign(body)).toString();
  const both = { CRONOZEN_SIGNING_SECRET_NEXT: newSecret, CRONOZEN_SIGNING_SECRET: secret };
  /** @type {[string, Record<string, string>][]} */
  const lines = [
    ["0: CRONOZEN_SIGNING_SECRET_NEXT, 1: CRONOZEN_SIGNING_SECRET", both],
    ["0 to 1: CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: `${newSecret} ${secret}` }],
    [
      "0 to 1: CRONOZEN_SIGNING_SECRET_NEXT, 2 to 4: CRONOZEN_SIGNING_SECRET",
      { CRONOZEN_SIGNING_SECRET_NEXT: `${newSecret} x`, CRONOZEN_SIGNING_SECRET: `y z ${secret}` },
    ],
  ];
  for (const [line, secrets] of lines) {
    const [, second] = (await runCli(["verify"], { secrets, input })).stdout.split("\n");
    assert.equal(second, `secrets  ${line}`);
  }
});

test("a variable that the environment does not set, or sets to white space, is taken from .dev.vars", async () => {
  const folder = scratchFolder();
  const input = request(body, sign(body));
  writeFileSync(join(folder, ".dev.vars"), `CRONOZEN_SIGNING_SECRET="${newSecret} ${secret}"\n`);
  assert.equal((await verify([], { folder, input, secrets: {} })).verified, 1);
  assert.equal((await verify([], { folder, input, secrets: { CRONOZEN_SIGNING_SECRET: "\t" } })).verified, 1);
  const replaced = await verify([], { folder, input });
  assert.deepEqual([replaced.verified, replaced.secrets], [0, 1]);
  // The other variable stays in use.
  writeFileSync(join(folder, ".dev.vars"), `CRONOZEN_SIGNING_SECRET_NEXT=${newSecret}\nCRONOZEN_SIGNING_SECRET=x\n`);
  const merged = await verify([], { folder, input });
  assert.deepEqual([merged.verified, merged.secrets], [1, 2]);
});
