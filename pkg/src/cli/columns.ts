// Rows of text in columns, which fit into the terminal whatever others have put into them.

import { stripVTControlCharacters } from "node:util";
import { width } from "./output.ts";

/** Letters that take two columns: those of Chinese, Japanese and Korean, full-width forms and pictures. */
const wide =
  /[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

/** Returns a text that others have chosen, without what could control the terminal or change the order of letters. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\ufffd");
}

/** Returns such a text with its line breaks. */
export function plainLines(text: string): string {
  return text.split("\n").map(plain).join("\n");
}

/** Lines up rows of cells, two spaces apart and after `indent` spaces. A line that is too long for the terminal is cut. */
export function columns(rows: readonly (readonly string[])[], indent = 2): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
    }
  }
  return rows.map((row) => fitted(row, widths, indent)).join("\n");
}

/** Returns one row of columns with these widths. */
export function fitted(row: readonly string[], widths: readonly number[], indent = 2): string {
  const cells = row.map((cell, index) => cell + " ".repeat(Math.max(0, (widths[index] ?? 0) - widthOf(cell))));
  return cut(" ".repeat(indent) + cells.join("  ").trimEnd());
}

/** Cuts a line to the terminal's width, and leaves it whole for a file. A line that is cut loses its colours. */
export function cut(line: string): string {
  if (process.stdout.isTTY !== true || widthOf(line) <= width) {
    return line;
  }
  let kept = "";
  let taken = 0;
  for (const letter of stripVTControlCharacters(line)) {
    taken += widthOf(letter);
    if (taken > width - 1) {
      break;
    }
    kept += letter;
  }
  return `${kept}…`;
}

function widthOf(text: string): number {
  let sum = 0;
  for (const letter of stripVTControlCharacters(text)) {
    sum += wide.test(letter) ? 2 : 1;
  }
  return sum;
}
