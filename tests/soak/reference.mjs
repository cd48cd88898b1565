// The gateway's answers and the reasons of a 503, as the documents name them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";

/** The rows of the table under a heading. @param {string} page @param {string} heading @returns {string[][]} */
function rowsUnder(page, heading) {
  const text = readFileSync(join(root, "docs", page), "utf8");
  const [, section = ""] = new RegExp(`^## ${heading}\n(.*?)(?=^## )`, "ms").exec(text) ?? [];
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  assert.ok(rows.length > 5, `docs/${page} has no table under ${heading}`);
  return rows.slice(2).map((row) => row.split("|").map((cell) => cell.trim()));
}

/** The answers, such as `401 invalid_signature`. */
export function knownAnswers() {
  return new Set(
    rowsUnder("reference.md", "Answers").flatMap(([, statuses = "", codes = ""]) => {
      const names = [...codes.matchAll(/`(\w+)`/g)].map(([, name]) => name);
      return statuses.split(", ").map((status, index) => `${status} ${names[index]}`);
    }),
  );
}

/** The reasons of a 503, in which … stands for any text. */
export function knownReasons() {
  return rowsUnder("troubleshooting.md", "503").flatMap(([, reasons = ""]) =>
    [...reasons.matchAll(/`([^`]+)`/g)].map(([, reason = ""]) => {
      const escaped = reason.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
      return new RegExp(`^${escaped.replaceAll("…", ".+")}$`);
    }),
  );
}
