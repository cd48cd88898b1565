// The parts that all checks use.

/** The sender's header, in a case that no runtime uses. */
export const header = "X-CRONOZEN-Signature";

export const secret = "whsec_test";

export class Checks {
  /** @type {string[]} */
  verdicts = [];
  /** @type {string[]} */
  failures = [];

  /** @param {string} name @param {unknown} found @param {unknown} expected */
  equal(name, found, expected) {
    this.verdicts.push(`${name}: ${found}`);
    if (!Object.is(found, expected)) {
      this.failures.push(`${name}: expected ${expected}, got ${found}`);
    }
  }

  /** @param {string} name @param {() => unknown} work @param {string} kind @param {string} [text] */
  throws(name, work, kind, text = "") {
    let found = "nothing";
    try {
      work();
    } catch (error) {
      const { name: thrown, message } = /** @type {Error} */ (error);
      found = message.includes(text) ? thrown : `${thrown}: ${message}`;
    }
    this.equal(name, found, kind);
  }
}

/**
 * Returns true if two JSON values are the same, with the order of keys and the sign of zero.
 *
 * @param {any} one
 * @param {any} other
 * @returns {boolean}
 */
export function same(one, other) {
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null) {
    return Object.is(one, other);
  }
  const keys = Object.keys(one);
  return (
    Object.getPrototypeOf(one) === Object.getPrototypeOf(other) &&
    keys.join("\0") === Object.keys(other).join("\0") &&
    keys.every((key) =>
      same(Object.getOwnPropertyDescriptor(one, key)?.value, Object.getOwnPropertyDescriptor(other, key)?.value),
    )
  );
}
