// Tells values apart, for checks and messages.

/**
 * What a value is, without showing any of it: `string`, `null`, `Promise`, and so on.
 *
 * @param {unknown} value
 */
export function kindOf(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) {
    return value === null ? "null" : typeof value;
  }
  // `[object Promise]`
  return Object.prototype.toString.call(value).slice(8, -1);
}

/**
 * Whether a value is an object of no class, of whatever realm.
 *
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isPlain(value) {
  if (kindOf(value) !== "Object") {
    return false;
  }
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
