// Which handler an event goes to.

import { wrong } from "./wrong.js";

/**
 * @typedef {import("../../consumer.js").Handler<any, any>} Handler
 *
 * @typedef {object} Handlers
 * @property {Map<string, Handler>} byType and `*`
 * @property {[prefix: string, handler: Handler][]} byPrefix the longest first
 */

/** The handler of events that are let go: they are acknowledged, and not claimed. */
export function ignore() {}

/**
 * @param {unknown} handlers
 * @returns {Handlers}
 */
export function handlersOf(handlers) {
  const entries = Object.entries(Object(handlers)).filter(([, handler]) => handler !== undefined);
  if (typeof handlers !== "object" || Array.isArray(handlers) || entries.length === 0) {
    throw wrong("handlers as an object from event types to functions");
  }
  for (const [pattern, handler] of entries) {
    if (typeof handler !== "function") {
      throw wrong(`a function as the handler of ${pattern}`);
    }
    if (pattern.replace(/(^|\.)\*$/, "").includes("*")) {
      throw wrong(`a type, a wildcard such as payment.*, or *, got ${pattern}`);
    }
  }
  const wildcards = entries.filter(([pattern]) => pattern.endsWith(".*"));
  const byPrefix = wildcards.map(
    ([pattern, handler]) => /** @type {[string, Handler]} */ ([pattern.slice(0, -1), handler]),
  );
  return { byType: new Map(entries), byPrefix: byPrefix.sort(([one], [other]) => other.length - one.length) };
}

/**
 * The most specific handler of a type: its own, then `agent.decision.*`, then `agent.*`, then `*`.
 *
 * @param {Handlers} handlers
 * @param {string | null} type
 */
export function handlerOf({ byType, byPrefix }, type) {
  if (type === null) {
    return byType.get("*");
  }
  return byType.get(type) ?? byPrefix.find(([prefix]) => type.startsWith(prefix))?.[1] ?? byType.get("*");
}
