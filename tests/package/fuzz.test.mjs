// 100,000 random calls, with every backend, in Node and in workerd.

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

/** New every day, to cover more over time. A failure prints it, to be repeated. */
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

test("random calls in Node agree with the oracle", patience, async () => {
  assertAgreed(await fuzz(await packageBuild("index.js"), createHmac, rounds, seed), rounds);
});

test("random calls in Node agree with the oracle without WebAssembly", patience, async () => {
  assertAgreed(await fuzz(await packageBuild("no-wasm.js"), createHmac, rounds / 10, seed), rounds / 10);
});

test("random calls in workerd agree with the oracle", patience, async () => {
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
