// cronozen-edge/diagnosis: the vectors that the tests in Rust and JavaScript share, and what only JavaScript can show.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { diagnose } from "cronozen-edge/diagnosis";
import { sign } from "../../scripts/delivery.mjs";
import { bytesOf } from "../runtimes/checks/vectors.js";
import { diagnosisVectors } from "../support/vectors.mjs";
import { answerOf } from "../support/workerd.mjs";
import { pathOf } from "./builds.mjs";

/**
 * @typedef {{ code: string, party?: string, position?: number, proven: boolean }} ExpectedFinding
 * @typedef {ReturnType<typeof diagnosisVectors>[number] & { expect: { findings: ExpectedFinding[] } }} Vector
 */

const vectors = /** @type {Vector[]} */ (diagnosisVectors());
const body = '{"eventId":"evt_1"}';

test("every shared diagnosis is the expected one", () => {
  for (const { name, secrets, body, signature, expect } of vectors) {
    const { verified, findings } = diagnose(bytesOf(body), signature, secrets);
    assert.deepEqual(
      findings.map(({ message, cure, proof, ...finding }) => ({ ...finding, proven: proof !== undefined })),
      expect.findings,
      name,
    );
    assert.equal(verified, expect.verified ?? undefined, name);
    for (const { code, message, cure, proof } of findings) {
      assert.ok(message.length > 10 && cure.length > 10, code);
      assert.match(proof ?? "HMAC-SHA256 of ", /^HMAC-SHA256 of /);
    }
  }
});

test("the types and the reference have every code and no others", () => {
  const codes = [...new Set(vectors.flatMap(({ expect }) => expect.findings.map(({ code }) => code)))].sort();
  const types = readFileSync(pathOf("diagnosis.d.ts"), "utf8");
  const [, union = ""] = /type DiagnosisCode = ([^;]+);/.exec(types) ?? [];
  assert.deepEqual([...union.matchAll(/"(\w+)"/g)].map(([, code]) => code).sort(), codes);
  const reference = readFileSync(new URL("../../docs/reference.md", import.meta.url), "utf8");
  const [, section = ""] = /^## Diagnosis$(.*?)^## /ms.exec(reference) ?? [];
  assert.deepEqual([...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code).sort(), codes);
});

test("nothing that is returned holds a secret, a signature or the body", () => {
  for (const { name, secrets, body, signature } of vectors) {
    const shown = inspect(diagnose(bytesOf(body), signature, secrets), { depth: 9, showHidden: true });
    for (const secret of secrets.map((secret) => secret.replaceAll(/^\W+|\W+$/g, "")).filter(Boolean)) {
      assert.ok(!shown.includes(secret), name);
    }
    assert.doesNotMatch(shown, /[0-9a-f]{12}/i, name);
    assert.ok(!shown.includes("evt_1"), name);
  }
});

test("a proof says which combination matches", () => {
  const [finding] = diagnose(body, `sha256=${sign(`${body}\n`, "whsec_test")}`, "whsec_test").findings;
  assert.equal(
    finding?.proof,
    "HMAC-SHA256 of the body with LF at its end, with the secret at position 0, equals the header without its prefix",
  );
});

test("a body, a signature and secrets are taken in every form that a verifier takes", () => {
  const bytes = new TextEncoder().encode(body);
  const expected = diagnose(body, undefined, "whsec_test");
  assert.deepEqual(
    expected.findings.map(({ code }) => code),
    ["signature_missing"],
  );
  for (const raw of [bytes, bytes.buffer, Buffer.from(body)]) {
    assert.deepEqual(diagnose(raw, null, ["whsec_test"]), expected);
  }
  assert.deepEqual(diagnose(body, new Headers(), "whsec_test"), expected);
  const headers = { "X-Cronozen-Signature": "0" };
  assert.equal(diagnose(body, headers, "whsec_test").findings[0]?.code, "signature_length");
  assert.deepEqual([...bytes], [...new TextEncoder().encode(body)]);
});

test("an argument of another kind is refused with its name", () => {
  for (const [given, message] of /** @type {[unknown[], RegExp][]} */ ([
    [[{ eventId: "evt_1" }, "", "whsec_test"], /^cronozen-edge: body not raw: got Object/],
    [[body, 1, "whsec_test"], /^cronozen-edge: no signature in a value of the kind number/],
    [[body, "", undefined], /^cronozen-edge: secret at position 0 is undefined, not a string: is the environment/],
    [[body, "", ["whsec_test", 1]], /^cronozen-edge: secret at position 1 is number, not a string$/],
  ])) {
    assert.throws(() => Reflect.apply(diagnose, undefined, given), { name: "TypeError", message });
  }
});

test("it runs where WebAssembly and eval are forbidden", () => {
  const code = `
    delete globalThis.WebAssembly;
    const { diagnose } = await import(${JSON.stringify(pathOf("diagnosis.js"))});
    console.log(diagnose("{}", "0".repeat(64), "whsec_test").findings[0].code);`;
  const args = ["--disallow-code-generation-from-strings", "--input-type=module", "--eval", code];
  assert.equal(execFileSync(process.execPath, args, { encoding: "utf8" }), "unexplained\n");
});

test("it runs in workerd", { timeout: 60_000 }, async () => {
  // The module imports itself, because the bundle's names are minified.
  const contents = `
    import { diagnose } from "./worker.mjs";
    export default { fetch: () => Response.json(diagnose("{}", "0".repeat(64), "whsec_test").findings[0].code) };
    ${readFileSync(pathOf("diagnosis.js"), "utf8")}`;
  assert.equal(await answerOf(contents, dirname(pathOf("diagnosis.js"))), "unexplained");
});

test("a body that makes the memory grow is read whole", () => {
  const large = `{"eventId":"${"x".repeat(5_000_000)}"}`;
  assert.deepEqual(diagnose(large, sign(large, "whsec_test"), "whsec_test"), { verified: 0, findings: [] });
});
