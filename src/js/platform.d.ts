// The part of the platform that @cloudflare/workers-types lacks.

/** Adds a listener for exceptions that nothing has caught. */
declare function addEventListener(type: "error", listener: (event: ErrorEvent) => void): void;
