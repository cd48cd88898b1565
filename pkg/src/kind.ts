// Names the kinds of values, for checks and messages.

/** Returns what a value is, without showing any of it: `string`, `null`, `Promise`, and so on. */
export function kindOf(value: unknown): string {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) {
    return value === null ? "null" : typeof value;
  }
  // `[object Promise]`
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Returns true if a value is an object of no class, of any realm. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (kindOf(value) !== "Object") {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Returns true if a value has a method of this name. */
export function hasMethod<Name extends string>(
  value: unknown,
  name: Name,
): value is Record<Name, (...values: unknown[]) => unknown> {
  return typeof Object(value)[name] === "function";
}

/** Returns true if a value is a whole number of at least 0 that JavaScript can represent exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
