// The queue's handler: each message on its own, acknowledged only when it is done with.

import { bound } from "./binding.js";
import { deadLetterText } from "./dead-letter.js";
import { handlerOf, handlersOf } from "./handlers.js";
import { fetchBody, parseMessage, unverifiedEvent, verifiedEvent } from "./message.js";
import { unguarded } from "./once.js";
import { Permanent } from "./permanent.js";
import { delaySeconds, scheduleOf } from "./retry.js";

/**
 * @typedef {import("../../consumer.js").ConsumeOptions<any>} ConsumeOptions
 * @typedef {import("../../consumer.js").MessageBatch} MessageBatch
 * @typedef {import("../../consumer.js").Message} Message
 * @typedef {import("../../consumer.js").Delivery} Delivery
 * @typedef {import("./message.js").Received} Received
 */

/** A handler that hangs must not hold its batch until Cloudflare ends the Worker, after 15 minutes. */
const defaultTimeoutMs = 30_000;

/** The longest reason that is logged, in characters. */
const maxReasonCharacters = 200;

/**
 * @param {unknown} handlers
 * @param {ConsumeOptions} options
 * @returns {(batch: MessageBatch, env: any, ctx?: any) => Promise<void>}
 */
export function consume(handlers, options) {
  const consumer = new Consumer(handlers, options);
  return async (batch, env, ctx) => {
    await Promise.all(batch.messages.map((message) => consumer.take(message, env, ctx)));
  };
}

class Consumer {
  /** @param {unknown} handlers @param {ConsumeOptions} options */
  constructor(handlers, options) {
    this.handlers = handlersOf(handlers);
    this.options = checked(options);
    this.schedule = scheduleOf(options.retry);
    this.once = options.once === false ? unguarded : /** @type {import("./once.js").Once} */ (options.once);
  }

  /**
   * Does all that is to be done with one message. Never fails.
   *
   * @param {Message} message
   * @param {any} env
   * @param {any} ctx
   */
  async take(message, env, ctx) {
    const started = Date.now();
    /** @type {Record<string, unknown>} */
    const line = { attempt: message.attempts };
    try {
      const outcome = await this.#within(this.#handle(message, env, ctx, line));
      message.ack();
      log("log", outcome, { ...line, ms: Date.now() - started });
    } catch (error) {
      this.options.onError?.(error, message);
      const { outcome, ...details } = await this.#fail(message, env, error);
      const level = outcome === "retried" ? "warn" : "error";
      log(level, outcome, { ...line, ...details, ms: Date.now() - started });
    }
  }

  /**
   * @param {Message} message
   * @param {any} env
   * @param {any} ctx
   * @param {Record<string, unknown>} line learns what the message is
   */
  async #handle(message, env, ctx, line) {
    const { envelope, body } = parseMessage(message.body);
    const { eventId, type, createdAt, receivedAt, dedupe, window, key } = envelope;
    Object.assign(line, { eventId, type });
    const handler = handlerOf(this.handlers, type);
    if (handler === undefined) {
      throw new Permanent(`no_handler: expected a handler of ${type ?? "an event without a type"}, or of *, got none`);
    }
    const event = await this.#event({ envelope, body }, env);
    const delivery = { receivedAt, dedupe, window, key, attempt: message.attempts };
    return this.once.run({ eventId, createdAt, env }, async () => handler(event, env, delivery, ctx));
  }

  /** @param {Received} received @param {any} env */
  async #event({ envelope, body }, env) {
    const { secrets, bodies } = this.options;
    const exact = typeof body === "string" ? body : await fetchBody(body, bodies?.(env));
    if (secrets === undefined) {
      return unverifiedEvent(exact);
    }
    const list = secrets(env);
    if (list === undefined || list.length === 0) {
      throw new Error("expected the option secrets to give the signing secrets, got none: is the secret set?");
    }
    return verifiedEvent(envelope, exact, list);
  }

  /**
   * @template T
   * @param {Promise<T>} work
   * @returns {Promise<T>}
   */
  #within(work) {
    const { timeoutMs = defaultTimeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(
        () => reject(new Error(`expected an end within ${timeoutMs} ms, got none`)),
        timeoutMs,
      );
      work.then(resolve, reject).finally(() => clearTimeout(timeout));
    });
  }

  /**
   * @param {Message} message
   * @param {any} env
   * @param {unknown} error
   */
  async #fail(message, env, error) {
    const reason = reasonOf(error);
    if (error instanceof Permanent || message.attempts >= this.schedule.maxAttempts) {
      try {
        await this.#bury(message, env, reason);
        message.ack();
        return { outcome: "dead", reason };
      } catch (failure) {
        // Kept: in the end the queue itself moves it, without the reason.
        return this.#retry(message, `${reason}; and the dead-letter queue failed: ${reasonOf(failure)}`);
      }
    }
    return this.#retry(message, reason);
  }

  /** @param {Message} message @param {string} reason */
  #retry(message, reason) {
    const delay = delaySeconds(this.schedule, message.attempts, Math.random());
    message.retry({ delaySeconds: delay });
    return { outcome: "retried", reason, delaySeconds: delay };
  }

  /** @param {Message} message @param {any} env @param {string} reason */
  async #bury({ body, attempts }, env, reason) {
    const queue = bound(this.options.deadLetters(env), "send", "the option deadLetters to give a queue");
    if (typeof body !== "string") {
      // Not the gateway's. This content type takes whatever a queue can have delivered.
      await queue.send(body, { contentType: "v8" });
      return;
    }
    const failedAt = new Date().toISOString();
    await queue.send(deadLetterText(body, { reason, attempts, failedAt }), { contentType: "text" });
  }
}

/** @param {ConsumeOptions} options */
function checked(options) {
  if (typeof options?.deadLetters !== "function") {
    throw new TypeError("cronozen-edge: expected the option deadLetters, as in env => env.DEAD_LETTERS");
  }
  if (options.once !== false && typeof Object(options.once).run !== "function") {
    throw new TypeError("cronozen-edge: expected the option once to be d1(...), kv(...), or false");
  }
  for (const name of /** @type {const} */ (["secrets", "bodies", "onError"])) {
    if (options[name] !== undefined && typeof options[name] !== "function") {
      throw new TypeError(`cronozen-edge: expected the option ${name} to be a function, as in env => env.NAME`);
    }
  }
  return options;
}

/** The first line alone: the rest may be a stack. @param {unknown} error */
function reasonOf(error) {
  const text = error instanceof Permanent ? error.message : String(error);
  return text.split("\n", 1).join().slice(0, maxReasonCharacters);
}

/** @param {"log" | "warn" | "error"} level @param {string} outcome @param {Record<string, unknown>} details */
function log(level, outcome, details) {
  console[level](JSON.stringify({ at: new Date().toISOString(), outcome, ...details }));
}
