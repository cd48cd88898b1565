// 100,000 random calls, with every backend, in Node and in workerd.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { root } from "../../scripts/command.mjs";
import { patience, seed } from "../support/fuzz.mjs";
import { answerOf } from "../support/workerd.mjs";
import { build as packageBuild } from "./builds.mjs";
import { fuzz } from "./fuzz.js";

const rounds = 100_000;

/** @param {import("./fuzz.js").Result} result @param {number} expected */
function assertAgreed({ counts, backends }, expected) {
  assert.deepEqual(backends, ["undefined", "wasm", "native", "subtle"]);
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
  assertAgreed(await fuzz(await packageBuild("index.js"), createHmac, rounds), rounds);
});

test("random calls in Node agree with the oracle without WebAssembly", patience, async () => {
  assertAgreed(await fuzz(await packageBuild("no-wasm.js"), createHmac, rounds / 10), rounds / 10);
});

test("random calls in workerd agree with the oracle", patience, async () => {
  const source = `
    import { createHmac } from "node:crypto";
    import * as cronozen from "./pkg/dist/edge.js";
    import { fuzz } from "./tests/package/fuzz.js";
    export default {
      async fetch() {
        try {
          return Response.json(await fuzz(cronozen, createHmac, ${rounds}));
        } catch ({ message, cause }) {
          return Response.json({ failure: message + "\\n" + cause });
        }
      },
    };`;
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root },
    bundle: true,
    write: false,
    format: "esm",
    define: { "process.env.FUZZ_SEED": String(seed) },
    external: ["*.wasm?module", "node:crypto"],
    logLevel: "error",
  });
  const dist = join(root, "pkg", "dist");
  const { failure, ...result } = await answerOf(String(outputFiles[0]?.text), dist, ["nodejs_compat"]);
  assert.equal(failure, undefined);
  assertAgreed(result, rounds);
});
