// The choice of the backend, in separate processes that count the calls of SHA-256 and Web Crypto.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { pathOf } from "./builds.mjs";

/** Runs code in a separate process, and returns what it prints. @param {string} code */
function inProcess(code) {
  const source = `
    const calls = { native: 0, subtle: 0 };
    const { getBuiltinModule } = process;
    const { hash } = getBuiltinModule("node:crypto");
    const replace = (stub) => {
      process.getBuiltinModule = (name) => ({ ...getBuiltinModule(name), hash: stub });
    };
    replace((...parameters) => {
      calls.native += 1;
      return hash(...parameters);
    });
    const { sign: signLater } = crypto.subtle;
    crypto.subtle.sign = function (...parameters) {
      calls.subtle += 1;
      return signLater.apply(this, parameters);
    };
    const print = (value) => console.log(JSON.stringify(value));
    const load = async () => {
      const { sign, Verifier } = await import(${JSON.stringify(pathOf("index.js"))});
      const body = (length) => JSON.stringify({ eventId: "evt_1", text: "x".repeat(length) });
      return { sign, Verifier, body, good: (length) => sign(body(length), "whsec_test") };
    };
    ${code}`;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "--eval", source], { encoding: "utf8" }));
}

test("by default large bodies go to the runtime's SHA-256, and small ones do not", () => {
  const counted = inProcess(`
    const { Verifier, body, good } = await load();
    const verifier = new Verifier("whsec_test");
    const counts = [];
    for (const length of [0, 10_000]) {
      const before = calls.native;
      verifier.verify(body(length), good(length));
      counts.push(calls.native - before);
    }
    await verifier.verifyAsync(body(1e6 - 100), good(1e6 - 100));
    print({ counts, subtle: calls.subtle });`);
  assert.deepEqual(counted, { counts: [0, 1], subtle: 0 });
});

test("a forced backend computes once for each secret", () => {
  const counted = inProcess(`
    const { Verifier, body, good } = await load();
    const found = {};
    for (const backend of ["wasm", "native", "subtle"]) {
      const verifier = new Verifier(["whsec_other", "whsec_test"], { backend });
      const before = { ...calls };
      const { key } = await verifier.checkAsync(body(5000), good(5000));
      found[backend] = [key, calls.native - before.native, calls.subtle - before.subtle];
    }
    print(found);`);
  assert.deepEqual(counted, { wasm: [1, 0, 0], native: [1, 2, 0], subtle: [1, 0, 2] });
});

test("without the runtime's SHA-256, asynchronous calls use Web Crypto for large bodies", () => {
  for (const missing of [
    "delete process.getBuiltinModule",
    "replace(undefined)",
    "replace(() => 'ab')",
    "replace(() => { throw 1; })",
  ]) {
    const counted = inProcess(`
      ${missing};
      const { Verifier, body, good } = await load();
      const verifier = new Verifier("whsec_test");
      const counts = [];
      for (const length of [100, 100_000]) {
        const before = calls.subtle;
        const matched = verifier.matches(body(length), good(length));
        const { eventId } = await verifier.verifyAsync(body(length), good(length));
        counts.push(matched, eventId, calls.subtle - before);
      }
      let wrong = "";
      try {
        new Verifier("whsec_test", { backend: "native" });
      } catch (error) {
        wrong = error.message;
      }
      print({ counts, native: calls.native, wrong });`);
    assert.deepEqual(counted.counts, [true, "evt_1", 0, true, "evt_1", 1], missing);
    assert.equal(counted.native, 0);
    assert.match(counted.wrong, /backend native not available in this runtime/);
  }
});

test("Web Crypto gets a copy of memory that is shared or resizable", () => {
  const matched = inProcess(`
    const { Verifier, body, good } = await load();
    const verifier = new Verifier("whsec_test", { backend: "subtle" });
    const bytes = new TextEncoder().encode(body(100));
    const results = [];
    for (const buffer of [
      new SharedArrayBuffer(bytes.length),
      new ArrayBuffer(bytes.length, { maxByteLength: 2 * bytes.length }),
    ]) {
      const view = new Uint8Array(buffer);
      view.set(bytes);
      results.push(await verifier.matchesAsync(view, good(100)), (await verifier.checkAsync(view, good(100))).ok);
    }
    print(results);`);
  assert.deepEqual(matched, [true, true, true, true]);
});
