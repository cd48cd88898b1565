// The numbers in the option `retry` of `consume`, as they stand in the bundled code.

import type { Worker } from "../workers.ts";

/**
 * Returns a number of the option `retry`, or `usual` if the call leaves it out. Returns nothing if the code does not show
 * it: there is no call of `consume` or more than one, or the option is not a literal.
 */
export function retryOption(code: Worker["code"], name: string, usual: number): number | undefined {
  const options = typeof code === "string" ? undefined : optionsOf(code.text);
  const retry = options && propertyOf(options, "retry");
  const value = retry && propertyOf(retry, name);
  if (retry === null || value === null) {
    return usual;
  }
  // A time may be written as 14 * 24 * 3600. esbuild writes long numbers as 12e4.
  return value !== undefined && /^[\d._e*]+$/.test(value)
    ? value.split("*").reduce((product, factor) => product * Number(factor.replaceAll("_", "")), 1)
    : undefined;
}

/** Returns the text of the options in the only call of `consume`. */
function optionsOf(text: string): string | undefined {
  const imports = [...text.matchAll(/\bimport\{([^}]*)\}from"cronozen-edge\/consumer"/g)].flatMap(([, names = ""]) =>
    names.split(","),
  );
  const calls = imports.flatMap((imported) => {
    // esbuild renames the import if the code has another `consume`.
    const [name] = /^consume(?: as |$)/.test(imported) ? imported.split(" ").slice(-1) : [];
    return name === undefined ? [] : [...text.matchAll(new RegExp(`(?<![\\w$.])${name}\\(`, "g"))];
  });
  const [call] = calls;
  return call === undefined || calls.length > 1 ? undefined : partsOf(text, call.index + call[0].length - 1)?.[1];
}

/** Returns the text of a property's value, `null` if the object has none, and nothing if the text does not show it. */
function propertyOf(object: string, name: string): string | null | undefined {
  const parts = object.startsWith("{") ? partsOf(object, 0) : undefined;
  // A spread or a computed name may be the property.
  if (parts === undefined || parts.some((part) => /^(\.\.\.|\[)/.test(part))) {
    return;
  }
  const property = new RegExp(`^"?${name}"?(?::(.*)|\\W.*|)$`, "s");
  const [found, second] = parts.map((part) => property.exec(part)).filter((match) => match !== null);
  if (found === undefined) {
    return null;
  }
  return second === undefined ? found[1] : undefined;
}

/** Strings, templates, regular expressions, brackets and commas. */
const token =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|(?<=[(,=:[!&|?{};>+]|return)\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\]|\\.)*\])+\/|[()[\]{},]/gs;

/** Returns the parts between the commas of a list, whose bracket opens at this position. */
function partsOf(text: string, opening: number): string[] | undefined {
  const parts: string[] = [];
  let start = opening + 1;
  let depth = 0;
  for (const { 0: word, index } of text.slice(opening).matchAll(token)) {
    const at = opening + index;
    if ("([{".includes(word)) {
      depth += 1;
    } else if (")]}".includes(word)) {
      depth -= 1;
    }
    if (depth === 0 || (depth === 1 && word === ",")) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
    if (depth === 0) {
      return parts;
    }
  }
  return;
}
