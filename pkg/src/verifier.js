// What people import. It checks what a caller may get wrong; what a sender may get wrong is for the core.

import { bodyOf, bodyOfRequest } from "./body.js";
import { call } from "./instance.js";
import { isPlain, kindOf } from "./kind.js";
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
    // With lengths, so that no two lists look the same.
    const identity = [maxBodyBytes, ...list.map((text) => `${text.length}:${text}`)].join();
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
      // Nothing is looked up that the prototype of all objects could have got from somebody.
      return Array.isArray(checked) ? refused(checked) : parse(instance, checked);
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
  for (const [position, secret] of list.entries()) {
    if (typeof secret !== "string") {
      const hint = secret === undefined ? ": is the variable set that holds it?" : "";
      throw new TypeError(`cronozen-edge: expected a string as secret ${position}, got ${kindOf(secret)}${hint}`);
    }
  }
  return list;
}

/** @param {unknown} options @returns {number | undefined} */
function maxBodyBytesOf(options = {}) {
  if (!isPlain(options)) {
    throw new TypeError(`cronozen-edge: expected options as an object, got ${kindOf(options)}`);
  }
  // Its own alone. What another one is called is not shown: it may be a secret, passed in the wrong place.
  if (Object.keys(options).some((name) => name !== "maxBodyBytes")) {
    throw new TypeError("cronozen-edge: expected the option maxBodyBytes and no other, got another one");
  }
  const maxBodyBytes = Object.hasOwn(options, "maxBodyBytes") ? options.maxBodyBytes : undefined;
  if (maxBodyBytes === undefined) {
    return undefined;
  }
  if (typeof maxBodyBytes !== "number" || maxBodyBytes >>> 0 !== maxBodyBytes) {
    throw new TypeError(
      `cronozen-edge: expected maxBodyBytes to be a whole number of bytes, got another ${kindOf(maxBodyBytes)}`,
    );
  }
  return maxBodyBytes;
}
