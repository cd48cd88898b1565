// The search for canaries finds each of them in every form, in parts, and nothing else.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sign } from "../../scripts/delivery.mjs";
import { Canaries } from "../support/canaries.mjs";

const canaries = new Canaries();
const secret = canaries.make("secret", "whsec_");
const body = canaries.make("body");
const signature = canaries.addSignature("signature", sign(body, secret));

/** @param {string} text */
const kindsIn = (text) => [...new Set(canaries.find(text).map(({ kind }) => kind))];

/** @type {Record<string, (text: string) => string>} */
const forms = {
  "as it is": (text) => text,
  "in capitals": (text) => text.toUpperCase(),
  "in lower case": (text) => text.toLowerCase(),
  "in hexadecimal digits": (text) => Buffer.from(text).toString("hex"),
  "in hexadecimal capitals": (text) => Buffer.from(text).toString("hex").toUpperCase(),
  "percent-encoded": (text) => text.replaceAll(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`),
  "in JSON escapes": (text) => text.replaceAll(/./g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`),
  "as JSON of a list of bytes": (text) => JSON.stringify([...Buffer.from(text)]),
  "in UTF-16": (text) => Buffer.from(text, "utf16le").toString("latin1"),
  "in base64": (text) => Buffer.from(text).toString("base64"),
  "in base64, a byte later": (text) => Buffer.from(`{${text}}`).toString("base64"),
  "in base64, two bytes later": (text) => Buffer.from(`{"${text}"}`).toString("base64"),
  "in base64url": (text) => Buffer.from(text).toString("base64url"),
  "in base64url, a byte later": (text) => Buffer.from(`?${text}?`).toString("base64url"),
  "in base64url, two bytes later": (text) => Buffer.from(`?>${text}?`).toString("base64url"),
};

for (const [name, encode] of Object.entries(forms)) {
  test(`a value ${name} is found, also in part`, () => {
    for (const [kind, value] of Object.entries({ secret, body, signature })) {
      assert.deepEqual(kindsIn(`before ${encode(value)} after`), [kind]);
      // At every position: 16 characters are enough.
      for (let start = 0; start + 16 <= value.length; start += 1) {
        assert.deepEqual(kindsIn(`..${encode(value.slice(start, start + 16))}..`), [kind], `from ${start}`);
      }
    }
  });
}

test("the bytes of a signature are found, as they are, in base64 and in a list", () => {
  const bytes = Buffer.from(signature, "hex");
  assert.deepEqual(kindsIn(bytes.toString("latin1")), ["signature"]);
  assert.deepEqual(kindsIn(bytes.toString("base64")), ["signature"]);
  assert.deepEqual(kindsIn(Buffer.concat([Buffer.from("a"), bytes]).toString("base64url")), ["signature"]);
  assert.deepEqual(kindsIn(JSON.stringify({ signature: [...bytes] })), ["signature"]);
});

test("short parts and other values are not found", () => {
  const other = new Canaries().make("secret", "whsec_");
  for (const text of ["", other, "whsec_", secret.slice(0, 11), signature.slice(0, 8), "0".repeat(64)]) {
    assert.deepEqual(kindsIn(text), [], text);
  }
});

test("a place with a canary too many or too few fails, and so does an unknown place", () => {
  const made = new Canaries();
  const value = made.make("secret");
  made.search("log", { line: value });
  made.search("answers", Buffer.from("nothing"));
  made.assertPlaces({ log: ["secret"], answers: [] });
  made.assertPlaces({ log: [], answers: [] }, { log: ["secret"], answers: ["secret"] });
  assert.throws(() => made.assertPlaces({ log: [], answers: [] }, { answers: ["secret"] }));
  /** @type {import("../support/canaries.mjs").Places[]} */
  const wrongs = [{ log: [], answers: [] }, { log: ["secret"], answers: ["secret"] }, { log: ["secret"] }];
  for (const wrong of wrongs) {
    assert.throws(() => made.assertPlaces(wrong), /secret \(plain\) in log/);
  }
});

test("files are searched below a folder, and so are their names", () => {
  const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  try {
    const made = new Canaries();
    const [content, name] = [made.make("content"), made.make("name")];
    mkdirSync(join(folder, "a", "b"), { recursive: true });
    writeFileSync(join(folder, "a", "b", name), Buffer.from(`\0\xff${content}\0`, "latin1"));
    made.searchFiles(folder, (path) => path.split("/")[0] ?? "");
    made.assertPlaces({ a: ["content", "name"] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
