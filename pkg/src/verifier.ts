// The package's public classes. They check the caller's arguments; the webhook crate checks what the sender sent.

import { EventProblem } from "built/enums";
import { helpFor, prefersSubtle } from "./backend.js";
import { bodyOf, bodyOfRequest } from "./body.js";
import { encoder } from "./input.js";
import { call, failed, present } from "./instance.js";
import { kindOf } from "./kind.js";
import { optionsOf } from "./options.js";
import { signatureOf } from "./signature.js";
import { macsOf } from "./subtle.js";

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
  #backend;

  /**
   * @param {string | readonly string[]} secrets
   * @param {import("../index.js").VerifierOptions} [options]
   */
  constructor(secrets, options) {
    const list = secretsOf(secrets);
    const { maxBodyBytes, backend } = optionsOf(options);
    this.#backend = backend;
    this.#keys = keysOf(list, maxBodyBytes);
    // A wrong secret is refused now, not with the first delivery.
    call(this.#keys);
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   */
  verify(body, signature) {
    return eventOf(this.check(body, signature));
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   */
  async verifyAsync(body, signature) {
    return eventOf(await this.checkAsync(body, signature));
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   * @returns {CheckResult}
   */
  check(body, signature) {
    const raw = bodyOf(body);
    return this.#check(raw, signatureOf(signature), helpFor(raw.length, this.#backend));
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   * @returns {Promise<CheckResult>}
   */
  async checkAsync(body, signature) {
    const raw = bodyOf(body);
    const value = signatureOf(signature);
    if (!prefersSubtle(raw.length, this.#backend)) {
      return this.check(raw, value);
    }
    // A copy, because the caller's may have changed by the time that it is parsed.
    const copy = typeof raw === "string" ? encoder.encode(raw) : raw.slice();
    return this.#check(copy, value, await this.#macs(copy));
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   */
  matches(body, signature) {
    const raw = bodyOf(body);
    return this.#matches(raw, signatureOf(signature), helpFor(raw.length, this.#backend));
  }

  /**
   * @param {unknown} body
   * @param {unknown} signature
   */
  async matchesAsync(body, signature) {
    const raw = bodyOf(body);
    const value = signatureOf(signature);
    if (!prefersSubtle(raw.length, this.#backend)) {
      return this.matches(raw, value);
    }
    const bytes = typeof raw === "string" ? encoder.encode(raw) : raw;
    return this.#matches(bytes, value, await this.#macs(bytes));
  }

  /** @param {import("../index.js").RequestLike} request */
  async receive(request) {
    const { maxBodyBytes } = call(this.#keys);
    const body = await bodyOfRequest(request, maxBodyBytes);
    if (typeof body === "number") {
      throw new VerificationError(call((instance) => refused(instance.tooLarge(this.#keys(instance), body))));
    }
    return this.verifyAsync(body, request.headers);
  }

  /**
   * @param {string | Uint8Array} body
   * @param {string | undefined} signature
   * @param {import("./instance.js").Help} help
   * @returns {CheckResult}
   */
  #check(body, signature, help) {
    // Not by `call`: a function made for each delivery would cost a tenth of a small one.
    try {
      const instance = present();
      const checked = instance.check(this.#keys(instance), signature, body, help);
      return typeof checked === "number" ? parse(instance, checked) : refused(checked);
    } catch (error) {
      throw failed(error);
    }
  }

  /**
   * @param {string | Uint8Array} body
   * @param {string | undefined} signature
   * @param {import("./instance.js").Help} help
   */
  #matches(body, signature, help) {
    try {
      const instance = present();
      return instance.matches(this.#keys(instance), signature, body, help);
    } catch (error) {
      throw failed(error);
    }
  }

  /**
   * The HMACs of a body; none if it is over the cap, which is found afterwards.
   *
   * @param {Uint8Array} body
   */
  async #macs(body) {
    const keys = call(this.#keys);
    return body.length > keys.maxBodyBytes ? undefined : macsOf(keys, body);
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
  const keys = keysOf(secretsOf(typeof secret === "string" ? secret : [secret]));
  return call((instance) => instance.sign(keys(instance), raw));
}

/**
 * Where an instance has the key states of secrets.
 *
 * @param {string[]} secrets
 * @param {number} [maxBodyBytes]
 */
function keysOf(secrets, maxBodyBytes) {
  // With lengths, so that no two lists look the same.
  const identity = [maxBodyBytes, ...secrets.map((text) => `${text.length}:${text}`)].join();
  return (/** @type {Instance} */ instance) => instance.keys(identity, secrets, maxBodyBytes);
}

/** @param {CheckResult} result */
function eventOf(result) {
  if (!result.ok) {
    throw new VerificationError(result);
  }
  return result.event;
}

/**
 * @param {Instance} instance which has checked the text
 * @param {number} key
 * @returns {CheckResult}
 */
function parse(instance, key) {
  const event = jsonOf(instance.takeText());
  if (event === undefined) {
    return refused(instance.refuseEvent(EventProblem.NotJson));
  }
  const id = Object.hasOwn(event, "eventId") ? event.eventId : undefined;
  if (typeof id !== "string") {
    return refused(instance.refuseEvent(id === undefined ? EventProblem.IdMissing : EventProblem.IdNotAString));
  }
  const refusal = instance.checkEventId(id);
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
