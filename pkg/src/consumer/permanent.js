// The error that no retry can cure.

/** Puts a message among the dead letters at once. */
export class Permanent extends Error {
  /** @param {string} reason @param {ErrorOptions} [options] */
  constructor(reason, options) {
    super(reason, options);
    this.name = "Permanent";
  }
}
