// What a developer gets wrong, told when the Worker starts.

/** @param {string} expected */
export function wrong(expected) {
  return new TypeError(`cronozen-edge: expected ${expected}`);
}
