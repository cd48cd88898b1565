// Checks that secrets are strings. The webhook crate checks their text.

import { kindOf } from "./kind.ts";

/** Returns a list of the secrets. */
export function secretsOf(secrets: unknown): string[] {
  const list: unknown[] = Array.isArray(secrets) ? [...secrets] : [secrets];
  return list.map((secret, position) => {
    if (typeof secret !== "string") {
      const cure =
        secret === undefined || secret === null ? ": is the environment variable CRONOZEN_SIGNING_SECRET set?" : "";
      throw new TypeError(`cronozen-edge: secret at position ${position} is ${kindOf(secret)}, not a string${cure}`);
    }
    return secret;
  });
}
