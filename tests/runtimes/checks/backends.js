// Every backend of the runtime agrees with the default one on the vectors.

import { bytesOf, textOf } from "./vectors.js";

/** @typedef {import("./report.js").Checks} Checks */

const backends = /** @type {const} */ (["wasm", "native", "subtle"]);

/**
 * The available backends.
 *
 * @param {Pick<import("../checks.js").Package, "Verifier">} cronozen
 */
export function backendsOf({ Verifier }) {
  return backends.filter((backend) => {
    try {
      return new Verifier("whsec_test", { backend }) !== undefined;
    } catch {
      return false;
    }
  });
}

/**
 * @param {Checks} report
 * @param {import("../checks.js").Package} cronozen
 * @param {import("../checks.js").Vector[]} vectors
 */
export async function checkBackends(report, { Verifier }, vectors) {
  /** @type {string[]} */
  const differences = [];
  const found = backendsOf({ Verifier });
  for (const { name, secrets, body, signature } of vectors) {
    const verifier = new Verifier(secrets);
    const bytes = bytesOf(body);
    for (const raw of [bytes, textOf(bytes)]) {
      if (raw === undefined) {
        continue;
      }
      const expected = summaryOf(verifier.check(raw, signature));
      const matches = verifier.matches(raw, signature);
      /** @param {string} backend @param {import("cronozen-edge").Verifier} other */
      const compare = async (backend, other) => {
        const results = [other.check(raw, signature), await other.checkAsync(raw, signature)];
        const verdicts = [other.matches(raw, signature), await other.matchesAsync(raw, signature)];
        if (
          results.some((result) => summaryOf(result) !== expected) ||
          verdicts.some((verdict) => verdict !== matches)
        ) {
          differences.push(`${name} by ${backend}`);
        }
      };
      await compare("default", verifier);
      for (const backend of found) {
        await compare(backend, new Verifier(secrets, { backend }));
      }
    }
  }
  report.equal("vectors on which backends differ", differences.join(), "");
}

/** @param {import("cronozen-edge").CheckResult} result */
function summaryOf(result) {
  return result.ok ? `${result.key} ${result.event.eventId}` : `${result.code} ${result.status} ${result.message}`;
}
