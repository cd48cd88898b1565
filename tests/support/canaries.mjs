// Marked private values, and the search for them in every form in which they may leak.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** So many characters in a row count as a leak. A part of a text cut elsewhere, or in an excerpt, has as many. */
const run = 12;

/** Characters around a byte do not change its form here, so a run of characters is a run in the form, too. */
const byCharacter = {
  plain: (/** @type {string} */ text) => text,
  "in capitals": (/** @type {string} */ text) => text.toUpperCase(),
  "in lower case": (/** @type {string} */ text) => text.toLowerCase(),
  hexadecimal: (/** @type {string} */ text) => Buffer.from(text).toString("hex"),
  "hexadecimal in capitals": (/** @type {string} */ text) => Buffer.from(text).toString("hex").toUpperCase(),
  "percent-encoded": (/** @type {string} */ text) => each(text, (code) => `%${hex(code, 2).toUpperCase()}`),
  "percent-encoded in lower case": (/** @type {string} */ text) => each(text, (code) => `%${hex(code, 2)}`),
  "JSON escapes": (/** @type {string} */ text) => each(text, (code) => `\\u${hex(code, 4)}`),
  "a list of bytes": (/** @type {string} */ text) => [...Buffer.from(text)].join(","),
  "UTF-16": (/** @type {string} */ text) => Buffer.from(text, "utf16le").toString("latin1"),
};

/** The first characters of a block, by which it is found. */
const keyLength = 6;

/** @typedef {{ kind: string, form: string, text: string, least: number }} Needle */

/** Places by name, and the kinds that are in each. @typedef {Record<string, string[]>} Places */

export class Canaries {
  /** The needles by kind and text. @type {Map<string, Needle>} */
  #needles = new Map();
  /** The needles and the positions in them, by the characters there. @type {Map<string, [needle: Needle, at: number][]>} */
  #blocks = new Map();
  #made = 0;
  /** The kinds that were found, by place. @type {Map<string, Set<string>>} */
  #found = new Map();
  /** @type {string[]} */
  #examples = [];

  /** Returns a new value of a kind: 40 characters that are nowhere else, after a prefix. @param {string} kind @param {string} [prefix] */
  make(kind, prefix = "") {
    this.#made += 1;
    const random = createHash("sha256").update(`${kind} ${this.#made} ${Math.random()}`).digest("base64");
    return this.add(kind, prefix + random.replaceAll(/[+/=]/g, "x").slice(0, 40));
  }

  /** Searches for this text, too: ASCII characters. @template {string} Text @param {string} kind @param {Text} text */
  add(kind, text) {
    assert.match(text, /^[\x20-\x7e]{20,}$/, "a shorter text is no canary");
    for (const [form, encode] of Object.entries(byCharacter)) {
      const encoded = encode(text);
      const perCharacter = Math.floor(encoded.length / text.length);
      this.#need(kind, form, encoded, run * perCharacter);
    }
    this.#needBytes(kind, Buffer.from(text));
    return text;
  }

  /** Searches for a signature: its digits, and its bytes in each form. @param {string} kind @param {string} digits */
  addSignature(kind, digits) {
    this.add(kind, digits);
    const bytes = Buffer.from(digits, "hex");
    this.#need(kind, "bytes", bytes.toString("latin1"), run);
    this.#need(kind, "a list of bytes", [...bytes].join(","), run * 3);
    this.#needBytes(kind, bytes);
    return digits;
  }

  /** Adds the three alignments of base64, without the characters that depend on the neighbours. @param {string} kind @param {Buffer} bytes */
  #needBytes(kind, bytes) {
    for (const before of [0, 1, 2]) {
      const whole = Buffer.concat([Buffer.alloc(before), bytes])
        .toString("base64")
        .replaceAll("=", "");
      const text = whole.slice(Math.ceil((before * 4) / 3), (before + bytes.length) % 3 === 0 ? undefined : -1);
      const least = Math.floor((run * 4) / 3) - 2;
      this.#need(kind, `base64, ${before} bytes after a boundary`, text, least);
      this.#need(kind, `base64url, ${before} bytes after a boundary`, urlSafe(text), least);
    }
  }

  /** @param {string} kind @param {string} form @param {string} text @param {number} least */
  #need(kind, form, text, least) {
    if (this.#needles.has(`${kind} ${text}`)) {
      return;
    }
    const needle = { kind, form, text, least };
    this.#needles.set(`${kind} ${text}`, needle);
    // A run of `least` characters has at least one block of half its length as a whole, so only the blocks are looked for.
    const size = Math.floor((least + 1) / 2);
    assert.ok(size >= keyLength);
    for (let at = 0; at + size <= text.length; at += size) {
      const key = text.slice(at, at + keyLength);
      this.#blocks.set(key, [...(this.#blocks.get(key) ?? []), [needle, at]]);
    }
  }

  /** Returns the kinds and forms in a text, which may be bytes as latin1. @param {string} text */
  find(text) {
    /** @type {Set<Needle>} */
    const found = new Set();
    for (let at = 0; at + keyLength <= text.length; at += 1) {
      for (const [needle, start] of this.#blocks.get(text.slice(at, at + keyLength)) ?? []) {
        if (!found.has(needle) && runAt(text, at, needle.text, start) >= needle.least) {
          found.add(needle);
        }
      }
    }
    return [...found].map(({ kind, form }) => ({ kind, form }));
  }

  /** Searches a part of a place. @param {string} place @param {unknown} content a text, bytes, or something that has JSON */
  search(place, content) {
    const text = textOf(content);
    const kinds = this.#found.get(place) ?? new Set();
    this.#found.set(place, kinds);
    for (const { kind, form } of this.find(text)) {
      kinds.add(kind);
      this.#examples.push(`${kind} (${form}) in ${place}`);
    }
  }

  /**
   * Searches every file below a folder. `placeOf` names the place of a path.
   *
   * @param {string} folder
   * @param {(path: string) => string} placeOf
   */
  searchFiles(folder, placeOf) {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name);
      this.search(placeOf(path.slice(folder.length + 1)), `${entry.name}\n${readFileSync(path, "latin1")}`);
    }
  }

  /**
   * Fails unless exactly these kinds were in each place, and no other place was searched.
   *
   * @param {Places} expected
   * @param {Places} [possible] kinds that may be there or not
   */
  assertPlaces(expected, possible = {}) {
    const found = Object.fromEntries(
      [...this.#found].map(([place, kinds]) => [
        place,
        [...kinds].filter((kind) => possible[place]?.includes(kind) !== true).sort(),
      ]),
    );
    const sorted = Object.fromEntries(Object.entries(expected).map(([place, kinds]) => [place, [...kinds].sort()]));
    assert.deepEqual(found, sorted, [...new Set(this.#examples)].join("\n"));
  }
}

/** The length of the equal part of two texts around these positions. @param {string} text @param {number} at @param {string} other @param {number} otherAt */
function runAt(text, at, other, otherAt) {
  let before = 0;
  while (at > before && otherAt > before && text[at - before - 1] === other[otherAt - before - 1]) {
    before += 1;
  }
  let after = 0;
  while (otherAt + after < other.length && text[at + after] === other[otherAt + after]) {
    after += 1;
  }
  return before + after;
}

/** @param {unknown} content */
function textOf(content) {
  if (typeof content === "string") {
    return content;
  }
  return content instanceof Uint8Array ? Buffer.from(content).toString("latin1") : JSON.stringify(content);
}

/** @param {string} text @param {(code: number) => string} encode */
function each(text, encode) {
  return Array.from(text, (character) => encode(character.charCodeAt(0))).join("");
}

/** @param {number} code @param {number} digits */
function hex(code, digits) {
  return code.toString(16).padStart(digits, "0");
}

/** @param {string} base64 */
function urlSafe(base64) {
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}
