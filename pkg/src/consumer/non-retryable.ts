// The error that no retry can cure.

/** Thrown by a handler, it makes the message a dead letter at once: no retry would help. */
export class NonRetryableError extends Error {
  override name = "NonRetryableError";
}

/** Returns true for other classes of this name, too: a bundle may hold two copies of this one, and Workflows have theirs. */
export function isNonRetryable(error: unknown): error is Error {
  return error instanceof NonRetryableError || (error instanceof Error && error.name === "NonRetryableError");
}
