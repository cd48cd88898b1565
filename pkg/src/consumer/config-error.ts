// A mistake in the arguments of a consumer, thrown when the Worker starts.

import { closestMatch } from "leven";

/*! Contains leven (MIT, https://github.com/sindresorhus/leven) */

/** A name differs from the one that was meant in at most one of so many letters. */
const lettersPerMistake = 4;

/** Returns the error of an unusable argument. */
export function configError(failure: string): TypeError {
  return new TypeError(`cronozen-edge: ${failure}`);
}

/** Returns a question that ends an error's text, if a name resembles one that exists. */
export function didYouMean(name: string, names: string[]): string {
  const byLowerCase = new Map(names.map((known) => [known.toLowerCase(), known]));
  const maxDistance = Math.floor(name.length / lettersPerMistake);
  const meant = byLowerCase.get(closestMatch(name.toLowerCase(), [...byLowerCase.keys()], { maxDistance }) ?? "");
  return meant === undefined ? "" : `: did you mean ${meant}?`;
}

/**
 * Throws if an option is not known: a misspelt one would have no effect, unnoticed. `prefix` comes before its name.
 */
export function refuseUnknown(prefix: string, options: object, known: string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, known) || ` (known: ${known.join(", ")})`;
    throw configError(`unknown option ${prefix}${unknown}${hint}`);
  }
}
