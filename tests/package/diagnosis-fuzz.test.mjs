// Random bodies, headers and secrets: a diagnosis never throws and ends in time, and a proof is one.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import { Verifier } from "cronozen-edge";
import { diagnose } from "cronozen-edge/diagnosis";
import fc from "fast-check";
import { assertHolds, patience, text } from "../support/fuzz.mjs";

/** Its documentation says two seconds at most; a busy machine takes longer. */
const patienceMs = 10_000;

/** Half of them are right, and so are half of the changes and of the forms: some signatures must be verified. */
const secret = fc.oneof(
  { weight: 3, arbitrary: fc.constant("whsec_0a9b8c7d6e5f4a3b") },
  fc.constantFrom(' "whsec_0a9b8c7d6e5f4a3b"\n', "whsec_c2VjcmV0LW9mLXRoZS1zZW5kZXI="),
  text,
);
const json = fc.record({ eventId: text, data: fc.jsonValue() }).map((event) => JSON.stringify(event));
const body = fc.oneof({ weight: 2, arbitrary: json }, text, fc.uint8Array({ maxLength: 300 }));

/**
 * The changes that a signer may have made to the body, with the codes that a proof may then have.
 *
 * @type {fc.Arbitrary<[change: (bytes: Buffer) => Buffer, codes: string[]]>}
 */
const changes = fc.constantFrom(
  ...Array(4).fill([(/** @type {Buffer} */ bytes) => bytes, []]),
  [(/** @type {Buffer} */ bytes) => Buffer.concat([bytes, Buffer.from("\n")]), ["body_trailing_newline"]],
  [(/** @type {Buffer} */ bytes) => Buffer.concat([Buffer.from("\ufeff"), bytes]), ["body_byte_order_mark"]],
  [(/** @type {Buffer} */ bytes) => bytes.subarray(0, -1), ["body_trailing_newline", "body_empty"]],
  [(/** @type {Buffer} */ bytes) => Buffer.from(bytes.toString("latin1")), ["body_latin1"]],
);

/** @type {fc.Arbitrary<[form: (mac: Buffer) => string, codes: string[]]>} with the same for the signature */
const forms = fc.constantFrom(
  ...Array(4).fill([(/** @type {Buffer} */ mac) => mac.toString("hex"), []]),
  [(/** @type {Buffer} */ mac) => `sha256=${mac.toString("hex")}`, ["signature_prefix"]],
  [(/** @type {Buffer} */ mac) => mac.toString("hex").toUpperCase(), ["signature_upper_case"]],
  [(/** @type {Buffer} */ mac) => mac.toString("base64"), ["signature_base64"]],
  [(/** @type {Buffer} */ mac) => ` ${mac.toString("hex")},`, ["signature_surrounded", "signature_repeated"]],
);

/** @param {string | Uint8Array} body */
const bytesOf = (body) => Buffer.from(typeof body === "string" ? body.toWellFormed() : body);

/** @param {string | Buffer} key @param {Buffer} bytes */
const macOf = (key, bytes) => createHmac("sha256", key).update(bytes).digest();

test("any input is diagnosed, and nothing of it is in the result", patience, async () => {
  await assertHolds(
    300,
    fc.property(
      fc.array(secret, { maxLength: 9 }),
      body,
      fc.option(text, { nil: undefined }),
      (secrets, body, signature) => {
        const started = performance.now();
        const { verified, findings } = diagnose(body, signature, secrets);
        assert.ok(performance.now() - started < patienceMs, "it takes too long");
        assert.equal(verified, undefined);
        assert.ok(findings.length > 0);
        assert.ok(findings.every(({ proof, message, cure }) => proof === undefined && message !== "" && cure !== ""));
        const shown = inspect(findings, { depth: 9 });
        for (const one of [...secrets, String(signature)]) {
          assert.ok(
            one.trim().length < 16 || one.startsWith("xxx") || !shown.includes(one.trim()),
            "a secret or the header is shown",
          );
        }
      },
    ),
  );
});

test(
  "a proof is given only where an HMAC is equal, and where a verifier accepts, so does the diagnosis",
  patience,
  async () => {
    let proved = 0;
    let verifiedOnes = 0;
    const inputs = fc.tuple(
      fc.array(secret, { minLength: 1, maxLength: 3 }),
      body,
      changes,
      forms,
      fc.nat(2),
      fc.boolean(),
    );
    await assertHolds(
      150,
      fc.property(inputs, ([secrets, body, [change, bodyCodes], [form, formCodes], which, isOurs]) => {
        const key = isOurs ? (secrets[which % secrets.length] ?? "") : "whsec_of_somebody_else";
        const signature = form(macOf(key, change(bytesOf(body))));
        const { verified, findings } = diagnose(body, signature, secrets);
        const proofs = findings.flatMap(({ proof }) => proof ?? []);
        // Nobody can have proved a signature of a key that is not there.
        assert.ok(isOurs || (proofs.length === 0 && verified === undefined), "a proof of a foreign signature");
        // Secrets may be mistaken, too. fuzz/fuzz_targets/diagnosis.rs computes the HMAC of each proof.
        const codes = findings.flatMap(({ code, proof }) => (proof === undefined ? [] : code));
        const others = codes.filter((code) => ![...bodyCodes, ...formCodes].includes(code));
        assert.ok(
          others.every((code) => code.startsWith("secret_")),
          `a proof of another mistake: ${others}`,
        );
        proved += proofs.length > 0 ? 1 : 0;
        const position = verifierPosition(secrets, body, signature);
        assert.equal(verified, position);
        if (position !== undefined) {
          verifiedOnes += 1;
          assert.equal(macOf(secrets[position] ?? "", bytesOf(body)).toString("hex"), signature);
        }
      }),
    );
    assert.ok(proved > 10 && verifiedOnes > 1, `${proved} proved, ${verifiedOnes} verified`);
  },
);

/** @param {string[]} secrets @param {string | Uint8Array} body @param {string} signature */
function verifierPosition(secrets, body, signature) {
  try {
    const verifiers = [new Verifier(secrets), ...secrets.map((one) => new Verifier(one))];
    const [all, ...each] = verifiers.map((verifier) => verifier.matches(body, signature));
    return all ? each.indexOf(true) : undefined;
  } catch {
    return undefined;
  }
}
