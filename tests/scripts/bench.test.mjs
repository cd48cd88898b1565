// The bench refuses wrong contenders before it measures, and CI's check refuses a slow verifier.

import assert from "node:assert/strict";
import { test } from "node:test";
import { agree } from "../../benches/verifier/agreement.mjs";
import { checkRatios } from "../../benches/verifier/check.mjs";
import { bodyOf } from "../../benches/verifier/inside/bodies.mjs";
import { secret } from "../../benches/verifier/inside/secrets.mjs";
import { sign } from "../../scripts/delivery.mjs";

/** @typedef {import("../../benches/verifier/types.js").Request} Request */

/**
 * The only contender of a runtime.
 *
 * @param {(request: Request) => boolean} accepts
 */
function entry(accepts) {
  /** @type {import("../../benches/verifier/types.js").Listed} */
  const contender = { name: "one", forms: ["bytes"], parses: false };
  const run = async (/** @type {Request} */ request) => ({ accepted: accepts(request) ? 1 : 0, milliseconds: 1 });
  const runtime = { name: "fake", version: "1", sample: 1, contenders: [contender], run, stop: async () => {} };
  return [{ runtime, contender, form: /** @type {const} */ ("bytes") }];
}

/** @param {Pick<Request, "body" | "headers">} delivery */
function verifies({ body, headers }) {
  return sign(bodyOf(body), secret) === headers.cronozen;
}

test("a contender that verifies may be timed", async () => {
  assert.equal(await agree(entry(verifies), [256, 4096]), 6);
});

test("a contender that accepts everything ends the bench", async () => {
  await assert.rejects(
    agree(
      entry(() => true),
      [256],
    ),
    /accepts an altered body of 256 bytes as bytes\n.*accepts another secret's signature/,
  );
});

test("a contender that refuses everything ends the bench", async () => {
  await assert.rejects(
    agree(
      entry(() => false),
      [256],
    ),
    /refuses \(without an error\) a good delivery of 256 bytes as bytes$/,
  );
});

test("a contender that looks at the signature alone ends the bench", async () => {
  const signatureOnly = (/** @type {Request} */ { body, headers }) =>
    verifies({ body: { ...body, altered: false }, headers });
  await assert.rejects(agree(entry(signatureOnly), [256]), /accepts an altered body/);
});

/**
 * Results in Node where ours takes one microsecond.
 *
 * @param {number} peers the others' time
 */
function results(peers) {
  const names = ["cronozen-edge matches", "svix verify", "node:crypto createHmac"];
  return names.flatMap((name, index) =>
    /** @type {const} */ (["bytes", "string"]).map((form) => {
      const [{ runtime, contender }] = /** @type {[ReturnType<typeof entry>[0]]} */ (entry(() => true));
      const times = [index === 0 ? 1 : peers];
      const samples = new Map([256, 4096].map((size) => [size, times]));
      return { runtime: { ...runtime, name: "node" }, contender: { ...contender, name }, form, samples };
    }),
  );
}

test("the check passes a fast verifier, and fails for a slow one or none", () => {
  checkRatios(results(10));
  assert.throws(() => checkRatios(results(1)), /has become slow:\n256 B: svix verify takes 1.00 times/);
  assert.throws(() => checkRatios([]), /has become slow/);
});
