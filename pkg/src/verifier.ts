// The package's public class. It checks the caller's arguments; the webhook crate checks what the sender sent.

import { EventProblem } from "built/enums";
import type { Refusal } from "built/glue.js";
import { type Backend, nativeSha256, prefersSubtle } from "./backend.ts";
import { bodyOf, bodyOfRequest, type RawBody, type RequestLike } from "./body.ts";
import { type CronozenEvent, ownField } from "./event.ts";
import { encoder } from "./input.ts";
import { call, currentInstance, errorOf, type Instance, type Keys, type Precomputation } from "./instance.ts";
import { optionsOf, type VerifierOptions } from "./options.ts";
import { type CheckResult, type Refused, VerificationError } from "./refusal.ts";
import { secretsOf } from "./secrets.ts";
import { type SignatureSource, signatureOf } from "./signature.ts";
import { macsOf } from "./subtle.ts";

/**
 * Verifies deliveries. Shows no secret when it is printed. Make as many as you like: the work on a secret is kept.
 *
 * `Payloads` maps types of event to the types of their `data`: see {@link CronozenEvent}.
 */
export class Verifier<Payloads extends object = Record<never, never>> {
  // A function, because consoles show what is in private fields.
  #keys: (instance: Instance) => Keys;
  #backend: Backend | undefined;

  /**
   * @param secrets the signing secrets exactly as Cronozen gave them, one to eight, the newest first
   * @throws TypeError if a secret is empty, has white space, or is no string, or if an option is unknown or unusable
   */
  constructor(secrets: string | readonly string[], options?: VerifierOptions) {
    const list = secretsOf(secrets);
    const { maxBodyBytes, backend } = optionsOf(options);
    this.#backend = backend;
    this.#keys = keysOf(list, maxBodyBytes);
    // An unusable secret is refused now, not with the first delivery.
    call(this.#keys);
  }

  /**
   * Returns the event in a delivery.
   *
   * @throws {@link VerificationError} if the delivery must not be trusted; TypeError if the body is not raw
   */
  verify(body: RawBody, signature: SignatureSource): CronozenEvent<Payloads> {
    return eventOf(this.check(body, signature));
  }

  /**
   * The same as {@link verify}, but asynchronous. In Workers and browsers, where only Web Crypto has SHA-256 in hardware,
   * it is faster for large bodies. The body must not change until it is done.
   */
  async verifyAsync(body: RawBody, signature: SignatureSource): Promise<CronozenEvent<Payloads>> {
    return eventOf(await this.checkAsync(body, signature));
  }

  /**
   * The same as {@link verify}, but returns a result. Nothing that a sender can do makes it throw.
   *
   * @throws TypeError if the body is not raw
   */
  check(body: RawBody, signature: SignatureSource): CheckResult<Payloads> {
    const raw = bodyOf(body);
    return this.#check(raw, signatureOf(signature), nativeSha256(raw.length, this.#backend));
  }

  /** The same as {@link check}, and asynchronous as {@link verifyAsync} is. */
  async checkAsync(body: RawBody, signature: SignatureSource): Promise<CheckResult<Payloads>> {
    const raw = bodyOf(body);
    const value = signatureOf(signature);
    if (!prefersSubtle(raw.length, this.#backend)) {
      return this.#check(raw, value, nativeSha256(raw.length, this.#backend));
    }
    // A copy, because the caller's bytes may have changed by the time that they are parsed.
    const copy = typeof raw === "string" ? encoder.encode(raw) : raw.slice();
    return this.#check(copy, value, await this.#macs(copy));
  }

  /** Returns true if the signature is the body's, which need not be an event. A body over the cap is not looked at. */
  matches(body: RawBody, signature: SignatureSource): boolean {
    const raw = bodyOf(body);
    return this.#matches(raw, signatureOf(signature), nativeSha256(raw.length, this.#backend));
  }

  /** The same as {@link matches}, and asynchronous as {@link verifyAsync} is. */
  async matchesAsync(body: RawBody, signature: SignatureSource): Promise<boolean> {
    const raw = bodyOf(body);
    const value = signatureOf(signature);
    if (!prefersSubtle(raw.length, this.#backend)) {
      return this.#matches(raw, value, nativeSha256(raw.length, this.#backend));
    }
    const bytes = typeof raw === "string" ? encoder.encode(raw) : raw;
    return this.#matches(bytes, value, await this.#macs(bytes));
  }

  /**
   * Reads the body of a Fetch `Request`, up to the cap, and returns the event in it.
   *
   * @throws {@link VerificationError} if the delivery must not be trusted; what the runtime throws if the body cannot be
   *   read
   */
  async verifyRequest(request: RequestLike): Promise<CronozenEvent<Payloads>> {
    const { maxBodyBytes } = call(this.#keys);
    const body = await bodyOfRequest(request, maxBodyBytes);
    if (typeof body === "number") {
      throw new VerificationError(call((instance) => refused(instance.refuseLength(this.#keys(instance), body))));
    }
    return this.verifyAsync(body, request.headers);
  }

  #check(
    body: string | Uint8Array,
    signature: string | undefined,
    precomputation: Precomputation,
  ): CheckResult<Payloads> {
    // Not by `call`: a function made for each delivery would cost a tenth of a small one.
    try {
      const instance = currentInstance();
      const checked = instance.check(this.#keys(instance), signature, body, precomputation);
      return typeof checked === "number" ? parse(instance, checked) : refused(checked);
    } catch (thrown) {
      throw errorOf(thrown);
    }
  }

  #matches(body: string | Uint8Array, signature: string | undefined, precomputation: Precomputation): boolean {
    try {
      const instance = currentInstance();
      return instance.matches(this.#keys(instance), signature, body, precomputation);
    } catch (thrown) {
      throw errorOf(thrown);
    }
  }

  /** Returns the HMACs of a body. Returns none if it is over the cap, which is found afterwards. */
  async #macs(body: Uint8Array): Promise<Uint8Array | undefined> {
    const keys = call(this.#keys);
    return body.length > keys.maxBodyBytes ? undefined : macsOf(keys, body);
  }

  toString(): string {
    return "Verifier(redacted)";
  }

  toJSON(): string {
    return this.toString();
  }

  /** @internal The way in which Node, Deno and Bun print it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/**
 * Returns the signature of a body, as Cronozen makes it, for tests and local senders.
 *
 * @throws TypeError if the secret is empty, has white space, or is no string
 */
export function sign(body: RawBody, secret: string): string {
  const raw = bodyOf(body);
  const keys = keysOf(secretsOf([secret]));
  return call((instance) => instance.sign(keys(instance), raw));
}

/** Returns a function that finds the key states of secrets in an instance. */
function keysOf(secrets: string[], maxBodyBytes?: number): (instance: Instance) => Keys {
  // With lengths, so that no two lists look the same.
  const identity = [maxBodyBytes, ...secrets.map((text) => `${text.length}:${text}`)].join();
  return (instance) => instance.keys(identity, secrets, maxBodyBytes);
}

function eventOf<Payloads extends object>(result: CheckResult<Payloads>): CronozenEvent<Payloads> {
  if (!result.ok) {
    throw new VerificationError(result);
  }
  return result.event;
}

/** Parses the text that the instance has checked. */
function parse<Payloads extends object>(instance: Instance, key: number): CheckResult<Payloads> {
  const event = jsonOf(instance.takeText());
  if (event === undefined) {
    return refused(instance.refuseEvent(EventProblem.NotJson));
  }
  const id = ownField(event, "eventId");
  if (typeof id !== "string") {
    return refused(instance.refuseEvent(id === undefined ? EventProblem.IdMissing : EventProblem.IdNotAString));
  }
  const refusal = instance.checkEventId(id);
  return refusal === undefined ? { ok: true, event, key } : refused(refusal);
}

function refused([code, status, message]: Refusal): Refused {
  return { ok: false, code, status, message };
}

/** Parses a text that begins with `{`, so the result is an object. Nothing of its fields has been checked. */
function jsonOf<Payloads extends object>(text: string): CronozenEvent<Payloads> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
}
