// The error that no retry can cure.

/** Puts a message among the dead letters at once. */
export class Permanent extends Error {
  /** @param {string} reason @param {ErrorOptions} [options] */
  constructor(reason, options) {
    super(reason, options);
    this.name = "Permanent";
  }
}

/** By its name, too: a bundle may hold two copies of this class. @param {unknown} error @returns {error is Error} */
export function isPermanent(error) {
  return error instanceof Permanent || (error instanceof Error && error.name === "Permanent");
}
