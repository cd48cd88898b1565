// A mistake in the arguments of a consumer, thrown when the Worker starts.

import { closestMatch } from "leven";

/*! Contains leven (MIT, https://github.com/sindresorhus/leven) */

/** The most letters by which a name may differ from the one that was meant. */
const maxDistance = 3;

/** Returns the error of a wrong argument. */
export function configError(failure: string): TypeError {
  return new TypeError(`cronozen-edge: ${failure}`);
}

/** Returns a question that ends an error's text, if a name resembles one that exists. */
export function didYouMean(name: string, names: string[]): string {
  const meant = closestMatch(name, names, { maxDistance });
  return meant === undefined ? "" : `: did you mean ${meant}?`;
}
