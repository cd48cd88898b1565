// The package in Node: the checks of all runtimes, and what only Node can show.

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { check } from "../runtimes/checks.js";
import { vectors } from "../support/vectors.mjs";
import { build } from "./builds.mjs";

const secret = "whsec_test";

for (const file of ["index.js", "index.cjs", "no-wasm.js", "no-wasm.cjs"]) {
  const cronozen = await build(file);
  const { Verifier, sign } = cronozen;
  describe(file, () => {
    test("the checks of all runtimes pass", async () => {
      const { failures, verdicts } = await check(cronozen, vectors);
      assert.deepEqual(failures, []);
      assert.ok(verdicts.length > 1000);
    });

    test("shows no secret when it is printed", () => {
      const verifier = new Verifier(["whsec_one", "whsec_two"]);
      for (const shown of [
        inspect(verifier, { showHidden: true, depth: 9 }),
        `${verifier}`,
        JSON.stringify([verifier]),
      ]) {
        assert.match(shown, /redacted/);
        assert.doesNotMatch(shown, /whsec/);
      }
    });

    test("accepts bytes of another realm", () => {
      const verifier = new Verifier(secret);
      const signature = sign("{}", secret);
      for (const code of [
        "new Uint8Array([123, 125])",
        "new Uint8Array([123, 125]).buffer",
        "new DataView(new Uint8Array([123, 125]).buffer)",
      ]) {
        assert.equal(verifier.matches(runInNewContext(code), signature), true, code);
      }
      assert.throws(
        () => verifier.matches(runInNewContext("({ byteLength: 2, 0: 123, 1: 125 })"), signature),
        TypeError,
      );
    });

    test("keeps working after a caller has run out of stack", () => {
      const verifier = new Verifier(secret);
      const body = '{"eventId":"evt_1"}';
      const signature = sign(body, secret);
      let overflows = 0;
      for (let round = 0; round < 20; round += 1) {
        /** @returns {void} */
        const dive = () => {
          try {
            dive();
          } catch {
            // At the greatest depth, then at each one above until it works.
            try {
              verifier.check(body, signature);
            } catch (error) {
              overflows += 1;
              throw error;
            }
          }
        };
        try {
          dive();
        } catch {
          // It failed at every depth.
        }
        assert.equal(verifier.check(body, signature).ok, true);
        assert.equal(new Verifier(`${secret}${round}`).matches(body, signature), false);
      }
      assert.ok(overflows > 0, "the stack was never too short");
    });

    test("more verifiers than kept key states work", () => {
      const body = "{}";
      const verifiers = Array.from({ length: 600 }, (_, number) => new Verifier(`whsec_${number}`));
      for (const round of [1, 2]) {
        for (const [number, verifier] of verifiers.entries()) {
          assert.equal(verifier.matches(body, sign(body, `whsec_${number}`)), true, `${number} in round ${round}`);
          assert.equal(verifier.matches(body, sign(body, `whsec_${number + 1}`)), false);
        }
      }
    });
  });
}

test("while another thread changes the bytes, the event is the one that was signed", { timeout: 60_000 }, async () => {
  const { Verifier, sign } = await build("index.js");
  const text = '{"eventId":"evt_1"}';
  const signature = sign(text, secret);
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
  bytes.set(new TextEncoder().encode(text));
  const code = `
    const { workerData: bytes } = require("node:worker_threads");
    for (;;) bytes[${text.indexOf("1")}] ^= ${"1".charCodeAt(0) ^ "2".charCodeAt(0)};`;
  let accepted = 0;
  let refused = 0;
  const thread = new Worker(code, { eval: true, workerData: bytes });
  await once(thread, "online");
  try {
    const verifier = new Verifier(secret);
    // Until both have been seen often, or the scheduler has had enough chances.
    for (let round = 0; round < 2_000_000 && (accepted < 20_000 || refused < 20_000); round += 1) {
      const result = verifier.check(bytes, signature);
      if (result.ok) {
        accepted += 1;
        assert.equal(result.event.eventId, "evt_1");
      } else {
        refused += 1;
        assert.equal(result.code, "signature_mismatch");
      }
    }
  } finally {
    await thread.terminate();
  }
  assert.ok(accepted > 100 && refused > 100, `accepted ${accepted}, refused ${refused}`);
});
