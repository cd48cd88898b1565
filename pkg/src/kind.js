/**
 * What a value is, for a message, without showing any of it.
 *
 * @param {unknown} value
 */
export function kindOf(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) {
    return value === null ? "null" : typeof value;
  }
  // `[object Promise]`, and so on.
  return Object.prototype.toString.call(value).slice(8, -1);
}
