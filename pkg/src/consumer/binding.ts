// What an option gives of the environment.

/**
 * @template T
 * @param {T} binding
 * @param {string} method that it must have
 * @param {string} expected
 * @returns {NonNullable<T>}
 */
export function bound(binding, method, expected) {
  if (typeof (/** @type {any} */ (binding)?.[method]) !== "function") {
    throw new Error(`expected ${expected}, got none: is it bound by that name?`);
  }
  return /** @type {NonNullable<T>} */ (binding);
}
