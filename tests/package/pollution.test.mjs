// Object.prototype, polluted by a flaw elsewhere in the application: nothing forged is accepted.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { pathOf } from "./builds.mjs";

const forged = '{"eventId":"evt_forged","type":"payment.completed"}';

/** Values that a merge of foreign JSON, or a careless library, can put there. */
const pollutions = {
  "key and text": { key: "0", text: JSON.stringify(forged) },
  ok: { ok: "true", event: forged },
  code: { code: '"signed"', status: "200", message: '"signed"' },
  eventId: { eventId: '"evt_forged"' },
  "a header": { "x-cronozen-signature": JSON.stringify("0".repeat(64)) },
  headers: { headers: "{}" },
  get: { get: "() => null" },
  toJSON: { toJSON: "() => 'same'" },
  maxBodyBytes: { maxBodyBytes: "1" },
  0: { 0: "0", 1: "0" },
  length: { length: "0" },
};

for (const file of ["index.js", "no-wasm.js"]) {
  for (const [name, values] of Object.entries(pollutions)) {
    test(`${file}: ${name}`, () => {
      const assignments = Object.entries(values).map(
        ([key, value]) => `Object.prototype[${JSON.stringify(key)}] = ${value};`,
      );
      const source = `
        const { sign, Verifier, VerificationError } = await import(${JSON.stringify(pathOf(file))});
        const body = '{"eventId":"evt_1"}';
        const good = sign(body, "whsec_one");
        const empty = sign("{}", "whsec_one");
        ${assignments.join("\n")}
        const verifier = new Verifier("whsec_one");
        const other = new Verifier("whsec_two");
        const refused = [
          [verifier, "not even json", "nonsense"], [verifier, body, "0".repeat(64)], [verifier, body, undefined],
          [verifier, new Uint8Array(2 ** 21), good], [verifier, "{}", empty], [other, body, good], [verifier, body, {}],
        ].map(([tested, text, signature]) => {
          try {
            const result = tested.check(text, signature);
            return Object.hasOwn(result, "event") || result.ok;
          } catch (error) {
            return error instanceof TypeError ? false : String(error);
          }
        });
        const thrown = (() => { try { return verifier.verify("x", good); } catch (error) { return error instanceof VerificationError; } })();
        console.log([...refused, thrown, verifier.verify(body, good).eventId].join());`;
      const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", source], { encoding: "utf8" });
      assert.equal(printed.trim(), [...Array(7).fill(false), true, "evt_1"].join());
    });
  }
}
