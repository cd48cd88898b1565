// Finds the texts of licences in crates, in npm packages and in Rust's toolchain.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { output } from "./command.mjs";

/** The licences that are chosen where a package offers several, the one with the shortest duties first. */
const preference = ["MIT", "BSD-3-Clause", "Unicode-3.0", "Apache-2.0"];

/** A part of a file's name that says whose text it is. */
const marks = /** @type {const} */ ([
  ["MIT", /mit/i],
  ["Apache-2.0", /apache/i],
  ["BSL-1.0", /boost/i],
  ["Unlicense", /unlicense/i],
]);

/** Names of files with a licence or a notice. */
const legal = /^(licen[cs]e|copying|copyright|notice|unlicense)/i;

/** Returns the licences that apply: one of each `OR`. @param {string} expression in SPDX */
export function chooseLicences(expression) {
  return expression.split(" AND ").map((part) => {
    const options = part.replaceAll(/[()]/g, "").split(" OR ");
    const chosen = preference.find((licence) => options.includes(licence));
    if (chosen === undefined) {
      throw new Error(`no licence is accepted of: ${expression}`);
    }
    return chosen;
  });
}

/** Returns a package's licence and the texts of it, without those of alternatives. @param {string} folder @param {string} declared */
export function packageLicence(folder, declared) {
  // Old manifests of crates have a slash.
  const licence = declared.replaceAll("/", " OR ");
  const chosen = chooseLicences(licence);
  const isOther = (/** @type {string} */ file) =>
    marks.some(([name, mark]) => mark.test(file) && !chosen.includes(name));
  const files = readdirSync(folder).filter((file) => legal.test(file) && !isOther(file));
  if (files.length === 0) {
    throw new Error(`no text of a licence in ${folder}, whose licence is ${licence}`);
  }
  return { licence, texts: files.sort().map((file) => tidy(readFileSync(join(folder, file), "utf8"))) };
}

/** Returns the licence of Rust's standard library, as the toolchain states it. */
export function standardLibrary() {
  const [, statement = ""] = /<h1>(.+?)<h2 id="in-tree-files">/s.exec(libraryNotices()) ?? [];
  const [, summary = ""] = /<h2 id="longer-version">.+?<\/h2>(.+)/s.exec(statement) ?? [];
  if (summary === "") {
    throw new Error("Rust's COPYRIGHT-library.html has an unexpected form");
  }
  const licence = "MIT OR Apache-2.0";
  return { licence, texts: [plain(`Rust's standard library\n\n${summary}`)] };
}

/** Returns the licence of a crate that is part of the standard library. @param {string} name */
export function libraryCrate(name) {
  const section =
    libraryNotices()
      .split("<h3>")
      .find((one) => one.includes(` ${name}-`)) ?? "";
  const [, version = ""] = /^\S+ \S+-(\d\S*)<\/h3>/.exec(section) ?? [];
  const [, text = ""] = /<code>LICENSE-MIT<\/code><\/summary>\s*<pre>(.+?)<\/pre>/s.exec(section) ?? [];
  if (version === "" || text === "") {
    throw new Error(`Rust's COPYRIGHT-library.html has no licence of ${name}`);
  }
  return { version, licence: "MIT OR Apache-2.0", texts: [plain(text)] };
}

function libraryNotices() {
  const sysroot = output("rustc", ["--print", "sysroot"]) ?? "";
  return readFileSync(join(sysroot, "share", "doc", "rust", "COPYRIGHT-library.html"), "utf8");
}

/** Returns the text of HTML. @param {string} html */
function plain(html) {
  const text = html.replaceAll(/<[^>]+>/g, "").replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
  return tidy(text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&"));
}

/** @param {string} text */
function tidy(text) {
  return text
    .replaceAll("\r\n", "\n")
    .replaceAll(/[ \t]+$/gm, "")
    .replace(/^\n+|\n+$/g, "");
}
