// What people import. It checks what a caller may get wrong; what a sender may get wrong is for the core.

import { bodyOf, bodyOfRequest } from "./body.js";
import { call } from "./instance.js";
import { kindOf } from "./kind.js";
import { signatureOf } from "./signature.js";

/**
 * @typedef {import("../index.js").CheckResult} CheckResult
 * @typedef {Extract<CheckResult, { ok: false }>} Refused
 * @typedef {import("./instance.js").Instance} Instance
 * @typedef {import("./instance.js").Refusal} Refusal
 */

export class VerificationError extends Error {
  /** @param {Refused} refused */
  constructor({ code, status, message }) {
    super(message);
    this.name = "VerificationError";
    this.code = code;
    this.status = status;
  }
}

export class Verifier {
  // A function, because consoles show what is in private fields.
  #keys;

  /**
   * @param {string | readonly string[]} secrets
   * @param {import("../index.js").VerifierOptions} [options]
   */
  constructor(secrets, options) {
    const list = secretsOf(secrets);
    const maxBodyBytes = maxBodyBytesOf(options);
    const identity = JSON.stringify([maxBodyBytes, ...list]);
    this.#keys = (/** @type {Instance} */ instance) => instance.keys(identity, list, maxBodyBytes);
    // A wrong secret is refused now, not with the first delivery.
    call(this.#keys);
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   */
  verify(body, signature) {
    const result = this.check(body, signature);
    if (!result.ok) {
      throw new VerificationError(result);
    }
    return result.event;
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   * @returns {CheckResult}
   */
  check(body, signature) {
    const raw = bodyOf(body);
    const value = signatureOf(signature);
    return call((instance) => {
      const checked = instance.check(this.#keys(instance), value, raw);
      return "key" in checked ? parse(instance, checked) : refused(checked);
    });
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   */
  matches(body, signature) {
    const raw = bodyOf(body);
    const value = signatureOf(signature);
    return call((instance) => instance.matches(this.#keys(instance), value, raw));
  }

  /** @param {import("../index.js").RequestLike} request */
  async receive(request) {
    const maxBodyBytes = call((instance) => this.#keys(instance).maxBodyBytes);
    const body = await bodyOfRequest(request, maxBodyBytes);
    if (typeof body === "number") {
      throw new VerificationError(call((instance) => refused(instance.tooLarge(this.#keys(instance), body))));
    }
    return this.verify(body, request.headers);
  }

  toString() {
    return "Verifier(redacted)";
  }

  toJSON() {
    return this.toString();
  }

  // How Node, Deno and Bun print it.
  [Symbol.for("nodejs.util.inspect.custom")]() {
    return this.toString();
  }
}

/**
 * @param {unknown} body
 * @param {unknown} secret
 * @returns {string}
 */
export function sign(body, secret) {
  const raw = bodyOf(body);
  const [text = ""] = secretsOf(typeof secret === "string" ? secret : [secret]);
  return call((instance) => instance.sign(raw, text));
}

/**
 * @param {Instance} instance
 * @param {{ key: number, text: string }} checked
 * @returns {CheckResult}
 */
function parse(instance, { key, text }) {
  const event = jsonOf(text);
  if (event === undefined) {
    return refused(instance.notJson());
  }
  const refusal = instance.checkEventId(Object.hasOwn(event, "eventId") ? event.eventId : undefined);
  return refusal === undefined ? { ok: true, event, key } : refused(refusal);
}

/** @param {string} text */
function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
}

/**
 * @param {Refusal} refusal
 * @returns {Refused}
 */
function refused([code, status, message]) {
  return { ok: false, code, status, message };
}

/**
 * @param {unknown} secrets
 * @returns {string[]}
 */
function secretsOf(secrets) {
  const list = Array.isArray(secrets) ? [...secrets] : [secrets];
  for (const secret of list) {
    if (typeof secret !== "string") {
      throw new TypeError(
        `cronozen-edge: expected the secret as a string, got ${kindOf(secret)}. Is the variable set that holds it?`,
      );
    }
  }
  return list;
}

/** @param {unknown} options @returns {number | undefined} */
function maxBodyBytesOf(options = {}) {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`cronozen-edge: expected options as an object, got ${kindOf(options)}`);
  }
  const { maxBodyBytes, ...others } = /** @type {Record<string, unknown>} */ (options);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new TypeError(`cronozen-edge: expected the option maxBodyBytes, got ${unknown}`);
  }
  if (maxBodyBytes === undefined) {
    return undefined;
  }
  if (typeof maxBodyBytes !== "number" || maxBodyBytes >>> 0 !== maxBodyBytes) {
    throw new TypeError("cronozen-edge: expected maxBodyBytes to be a whole number of bytes, got something else");
  }
  return maxBodyBytes;
}
