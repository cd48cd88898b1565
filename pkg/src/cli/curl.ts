// A captured delivery in a curl command, as browsers and proxies copy it.

import { readFileSync } from "node:fs";
import { type Capture, signatureIn } from "./capture.ts";
import { Failure } from "./output.ts";

/** A command starts so, perhaps after a prompt. */
const start = /^\s*(?:\$ )?curl\s/;

/** The options that have headers and data, and how the data is read. */
const headerOptions = ["-H", "--header"];
const dataOptions: Readonly<Record<string, "text" | "bytes" | "literal">> = {
  "-d": "text",
  "--data": "text",
  "--data-ascii": "text",
  "--data-binary": "bytes",
  "--json": "bytes",
  "--data-raw": "literal",
};

/** Options whose body depends on more than the command. */
const unsupported = ["-F", "--form", "--form-string", "--data-urlencode", "-T", "--upload-file"];

/** The escapes of `$'…'`. */
const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  e: "\x1b",
};

/** Returns true if the text is a curl command. */
export function isCurl(input: Buffer): boolean {
  return start.test(input.toString("latin1", 0, 64));
}

/** Reads a curl command. Each character of its text is a byte, so that the data stays as it is. */
export function readCurl(input: Buffer): Capture {
  const words = wordsIn(input.toString("latin1").replace(start, ""));
  const headers: string[] = [];
  const data: Buffer[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const { option, value, isNext } = optionAt(words, at);
    if (unsupported.includes(option)) {
      throw new Failure(`option ${option} not read: give the body with --data-binary`);
    }
    const kind = dataOptions[option];
    if (headerOptions.includes(option) || kind !== undefined) {
      at += isNext ? 1 : 0;
      if (kind === undefined) {
        headers.push(value);
      } else {
        data.push(dataOf(value, kind));
      }
    }
  }
  if (data.length === 0) {
    throw new Failure("body missing in the curl command: give it with --data-binary");
  }
  const parts = data.flatMap((part, position) => (position === 0 ? [part] : [Buffer.from("&"), part]));
  return { body: Buffer.concat(parts), signature: signatureIn(headers), notes: [] };
}

/** Returns an option and its value: the next word, unless it is attached to the letter of a short option. */
function optionAt(words: readonly string[], at: number): { option: string; value: string; isNext: boolean } {
  const word = words[at] ?? "";
  const [, letter, attached = ""] = /^-[sSikvLfgnq]*([HdFT])(.*)$/s.exec(word) ?? [];
  const option = letter === undefined ? word : `-${letter}`;
  return attached === ""
    ? { option, value: words[at + 1] ?? "", isNext: true }
    : { option, value: attached, isNext: false };
}

/** Returns the bytes of an option's value, which names a file after `@`. */
function dataOf(value: string, kind: "text" | "bytes" | "literal"): Buffer {
  if (!value.startsWith("@") || kind === "literal") {
    return Buffer.from(value, "latin1");
  }
  const file = Buffer.from(value.slice(1), "latin1").toString();
  if (file === "-") {
    throw new Failure("body on curl's standard input: put it into a file, and use --body");
  }
  const content = readFile(file);
  // curl removes these bytes from a file, unless it is --data-binary.
  return kind === "bytes" ? content : Buffer.from(content.filter((byte) => ![0x00, 0x0a, 0x0d].includes(byte)));
}

/** Reads a file that the user names. */
export function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`file ${file} not readable: ${code === "ENOENT" ? "it does not exist" : code}`);
  }
}

/** Splits a command into words by the rules of a POSIX shell. */
function wordsIn(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let rest = text;
  while (rest !== "") {
    const [continuation] = /^\\\r?\n/.exec(rest) ?? [];
    if (continuation !== undefined) {
      // It neither begins nor ends a word.
      rest = rest.slice(continuation.length);
      continue;
    }
    const piece = pieceOf(rest);
    rest = rest.slice(piece.length);
    if (piece.text !== undefined) {
      word = (word ?? "") + piece.text;
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
    if (piece.ends) {
      break;
    }
  }
  return word === undefined ? words : [...words, word];
}

/** A piece of a command. Without `text` it separates words. */
interface Piece {
  readonly length: number;
  readonly text?: string;
  /** True if the command ends here. */
  readonly ends?: true;
}

function pieceOf(rest: string): Piece {
  const match = (pattern: RegExp): RegExpExecArray | null => pattern.exec(rest);
  const space = match(/^[ \t]+/);
  if (space) {
    return { length: space[0].length };
  }
  if (match(/^[\r\n;|&<>]/)) {
    return { length: 1, ends: true };
  }
  const single = match(/^'([^']*)'/);
  if (single) {
    return { length: single[0].length, text: single[1] ?? "" };
  }
  const ansi = match(/^\$'((?:[^'\\]|\\[\s\S])*)'/);
  if (ansi) {
    return { length: ansi[0].length, text: unescaped(ansi[1] ?? "") };
  }
  const double = match(/^"((?:[^"\\]|\\[\s\S])*)"/);
  if (double) {
    const inner = double[1] ?? "";
    refuseExpansion(inner.replaceAll(/\\[\s\S]/g, ""));
    return {
      length: double[0].length,
      text: inner.replaceAll(/\\(\r?\n|[$`"\\])/g, (_, kept) => (kept.endsWith("\n") ? "" : kept)),
    };
  }
  if (match(/^['"]/)) {
    throw new Failure("curl command incomplete: a quotation mark is not closed");
  }
  const escaped = match(/^\\([\s\S])/);
  if (escaped) {
    return { length: escaped[0].length, text: escaped[1] ?? "" };
  }
  // Not \s: the text is Latin-1, where the byte A0 of a character in UTF-8 counts as white space.
  const [plain = rest.slice(0, 1)] = match(/^[^ \t\r\n\\'"$`;|&<>]+/) ?? [];
  refuseExpansion(rest.slice(0, 1));
  return { length: plain.length, text: plain };
}

/** The shell would put something else in the place of these, which is not known here. */
function refuseExpansion(text: string): void {
  if (/[$`]/.test(text)) {
    throw new Failure("curl command with a variable or a command in it: replace it with its value, in single quotes");
  }
}

/** Returns the bytes of the text of `$'…'`. */
function unescaped(text: string): string {
  return text.replaceAll(/((?:\\u[0-9a-f]{4})+)|\\x([0-9a-f]{1,2})|\\([0-7]{1,3})|\\([\s\S])/gi, (...found) => {
    const [, units, hexadecimal, octal, letter] = found as (string | undefined)[];
    if (units !== undefined) {
      // Two of them may be one character.
      const characters = units
        .split("\\u")
        .slice(1)
        .map((unit) => String.fromCharCode(Number.parseInt(unit, 16)));
      return Buffer.from(characters.join("")).toString("latin1");
    }
    if (letter !== undefined) {
      return escapes[letter] ?? letter;
    }
    const byte = hexadecimal === undefined ? Number.parseInt(octal ?? "", 8) : Number.parseInt(hexadecimal, 16);
    return String.fromCharCode(byte & 0xff);
  });
}
