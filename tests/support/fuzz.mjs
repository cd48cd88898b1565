// Properties with random inputs, which fast-check makes smaller once one fails.

import fc from "fast-check";

/** New every day, to cover more over time. A failure prints it as `seed`, to be repeated with FUZZ_SEED. */
export const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Date.now() / 86_400_000));

/** The options of a test with random inputs: a busy machine needs minutes for some. */
export const patience = { timeout: 240_000 };

/** Shrinking must not outlast the test: the smallest input matters more than the very smallest. */
const limitMs = 220_000;

/**
 * Fails with the seed and the smallest input for which the property does not hold, or if not all runs are made in time.
 *
 * @template {[unknown, ...unknown[]]} Inputs
 * @param {number} numRuns
 * @param {import("fast-check").IAsyncProperty<Inputs> | import("fast-check").IProperty<Inputs>} property
 */
export async function assertHolds(numRuns, property) {
  const found = await fc.check(/** @type {import("fast-check").IAsyncProperty<Inputs>} */ (property), {
    numRuns,
    seed,
    interruptAfterTimeLimit: limitMs,
    markInterruptAsFailure: true,
  });
  if (found.failed) {
    throw new Error(`FUZZ_SEED=${seed}: ${fc.defaultReportMessage(found)}`, { cause: found.errorInstance });
  }
}

/** Any value that JavaScript has, hostile ones included. */
export const anything = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withTypedArray: true }),
  fc.constantFrom(undefined, null, Symbol("any"), () => {}, Number.NaN, -0, "__proto__", "\ud800", "\ufeff", "\0"),
);

/** Any text: also half of a character, and characters that cannot be seen. */
export const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "",
    "\ufeff",
    "\ud800",
    "\0",
    "constructor",
    "__proto__",
    "' OR 1=1 --",
    "%",
    "\u202e",
    "x".repeat(5000),
  ),
);
