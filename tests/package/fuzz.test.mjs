// 100,000 random calls, by every backend, in Node and in workerd.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { root } from "../../scripts/command.mjs";
import { answerOf } from "../support/workerd.mjs";
import { build as packageBuild } from "./builds.mjs";
import { fuzz } from "./fuzz.js";

const rounds = 100_000;

/** Another every day, so that the days add up; it is printed, to repeat a failure. */
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Date.now() / 86_400_000));

const patience = { timeout: 300_000 };

/** @param {import("./fuzz.js").Result} result @param {number} expected */
function assertAgreed({ counts, disagreements, backends }, expected) {
  assert.deepEqual(backends, ["undefined", "wasm", "native", "subtle"]);
  assert.deepEqual(disagreements.slice(0, 10), [], `FUZZ_SEED=${seed}`);
  const codes = [
    "body_too_large",
    "event",
    "invalid_event",
    "signature_malformed",
    "signature_mismatch",
    "signature_missing",
  ];
  assert.deepEqual(Object.keys(counts).sort(), ["TypeError", ...codes]);
  assert.equal(
    Object.values(counts).reduce((sum, count) => sum + count),
    expected,
  );
  for (const [verdict, count] of Object.entries(counts)) {
    assert.ok(count > expected / 1000, `${verdict} came ${count} times`);
  }
}

test("random calls in Node", patience, async () => {
  assertAgreed(await fuzz(await packageBuild("index.js"), createHmac, rounds, seed), rounds);
});

test("random calls in Node, without WebAssembly", patience, async () => {
  assertAgreed(await fuzz(await packageBuild("no-wasm.js"), createHmac, rounds / 10, seed), rounds / 10);
});

test("random calls in workerd", patience, async () => {
  const source = `
    import { createHmac } from "node:crypto";
    import * as cronozen from "./pkg/dist/edge.js";
    import { fuzz } from "./tests/package/fuzz.js";
    export default { fetch: async () => Response.json(await fuzz(cronozen, createHmac, ${rounds}, ${seed})) };`;
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root },
    bundle: true,
    write: false,
    format: "esm",
    external: ["*.wasm?module", "node:crypto"],
    logLevel: "error",
  });
  const dist = join(root, "pkg", "dist");
  assertAgreed(await answerOf(String(outputFiles[0]?.text), dist, ["nodejs_compat"]), rounds);
});
