// The console's explanations of codes, against the tables of the documents.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { codes, explain, outcomes } from "../../pkg/src/console/page/codes.ts";

const reference = readFileSync(new URL("../../docs/reference.md", import.meta.url), "utf8");
const troubleshooting = readFileSync(new URL("../../docs/troubleshooting.md", import.meta.url), "utf8");

/** @returns the rows of the tables in a section, each as its cells */
function rowsOf(/** @type {string} */ document, /** @type {string} */ heading) {
  const [, section = ""] = document.split(`\n## ${heading}\n`);
  const [text = ""] = section.split("\n## ");
  return text
    .split("\n")
    .filter((line, index, lines) => line.startsWith("| ") && !lines[index + 1]?.startsWith("|--"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
}

const quoted = (/** @type {string | undefined} */ cell = "") =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);

test("every code of an answer is explained, with its status", () => {
  const rows = rowsOf(reference, "Answers");
  assert.ok(rows.length > 8);
  for (const [, status = "", names] of rows) {
    for (const name of quoted(names)) {
      assert.ok(Object.hasOwn(codes, name), name);
      assert.ok(status.includes(String(codes[name]?.status)), name);
    }
  }
});

test("every outcome of the gateway's log is explained", () => {
  const names = rowsOf(reference, "The gateway's log").flatMap(([, first, level = ""]) =>
    /^(info|warning|error)/.test(level) ? quoted(first) : [],
  );
  assert.ok(names.length >= 7);
  for (const name of [...names, "trapped"]) {
    assert.ok(Object.hasOwn(outcomes, name), name);
  }
});

test("every documented reason of a 401, a 413 and a 503 has an explanation of its own", () => {
  for (const [section, code] of [
    ["401", "invalid_signature"],
    ["413", "body_too_large"],
    ["503", "unavailable"],
  ]) {
    const reasons = rowsOf(troubleshooting, String(section)).flatMap(([, cell]) =>
      quoted(cell).filter((text) => text.includes(" ")),
    );
    assert.ok(reasons.length >= 2, section);
    for (const reason of reasons) {
      const { meaning } = explain({ outcome: "rejected", code, reason: reason.replaceAll("…", "4000") });
      assert.notEqual(meaning, codes[String(code)]?.meaning, reason);
    }
  }
});

test("an unknown code is explained by its outcome, and an unknown outcome is said", () => {
  assert.equal(explain({ outcome: "failed", code: "toString" }).title, "Not accepted");
  assert.equal(explain({ outcome: "constructor" }).title, "Unknown");
});
