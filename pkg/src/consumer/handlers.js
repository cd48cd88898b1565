// Which handler an event goes to.

/**
 * @typedef {import("../../consumer.js").Handler<any, any>} Handler
 */

/**
 * The handlers by type and wildcard.
 *
 * @param {unknown} handlers
 * @returns {Map<string, Handler>}
 */
export function handlersOf(handlers) {
  const entries = typeof handlers === "object" && handlers !== null ? Object.entries(handlers) : [];
  if (entries.length === 0) {
    throw new TypeError("cronozen-edge: expected handlers as an object from event types to functions");
  }
  for (const [pattern, handler] of entries) {
    if (typeof handler !== "function") {
      throw new TypeError(`cronozen-edge: expected a function as the handler of ${pattern}`);
    }
    if (pattern.replace(/(^|\.)\*$/, "").includes("*")) {
      throw new TypeError(`cronozen-edge: expected a type, a wildcard such as payment.*, or *, got ${pattern}`);
    }
  }
  return new Map(entries);
}

/**
 * The most specific handler of a type: its own, then `agent.decision.*`, then `agent.*`, then `*`.
 *
 * @param {Map<string, Handler>} handlers
 * @param {string | null} type
 */
export function handlerOf(handlers, type) {
  return patternsOf(type)
    .map((pattern) => handlers.get(pattern))
    .find((handler) => handler !== undefined);
}

/** @param {string | null} type */
function patternsOf(type) {
  if (type === null) {
    return ["*"];
  }
  const words = type.split(".");
  const wildcards = words.slice(1).map((_, position) => `${words.slice(0, position + 1).join(".")}.*`);
  return [type, ...wildcards.reverse(), "*"];
}
