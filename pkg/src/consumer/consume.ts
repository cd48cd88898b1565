// The queue's handler: each message on its own, acknowledged only when it is done with.

import { bound } from "./binding.js";
import { deadLetterOfOther, deadLetterText, isDeadLetter } from "./dead-letter.js";
import { handlerOf, handlersOf, ignore } from "./handlers.js";
import { log, reasonOf } from "./log.js";
import { eventIn, fetchBody, parseMessage, verifiedEvent } from "./message.js";
import { optionsOf } from "./options.js";
import { isPermanent, Permanent } from "./permanent.js";
import { delaySeconds } from "./retry.js";

/**
 * @typedef {import("../../consumer.js").MessageBatch} MessageBatch
 * @typedef {import("../../consumer.js").Message} Message
 * @typedef {import("./message.js").Received} Received
 */

/**
 * So many messages of a batch are handled at once. A Worker has six connections at a time, and all that is held of
 * large bodies must fit into its 128 MB.
 */
const lanes = 6;

/** The gateway takes eventIds of 256 bytes; a type may have any length. */
const maxLoggedCharacters = 256;

/**
 * @param {unknown} handlers
 * @param {unknown} options
 * @returns {(batch: MessageBatch, env: any, context?: any) => Promise<void>}
 */
export function consume(handlers, options) {
  const consumer = new Consumer(handlers, options);
  return async ({ messages }, env, context) => {
    const waiting = [...messages].reverse();
    const lane = async () => {
      for (let message = waiting.pop(); message !== undefined; message = waiting.pop()) {
        await consumer.take(message, env, context);
      }
    };
    await Promise.all(Array.from({ length: Math.min(lanes, messages.length) }, lane));
  };
}

class Consumer {
  #handlers;
  #options;

  /** @param {unknown} handlers @param {unknown} options */
  constructor(handlers, options) {
    this.#handlers = handlersOf(handlers);
    this.#options = optionsOf(options);
  }

  /**
   * Does all that is to be done with one message. Never fails: that would have the whole batch come again.
   *
   * @param {Message} message
   * @param {any} env
   * @param {any} context
   */
  async take(message, env, context) {
    const started = Date.now();
    /** @type {Record<string, unknown>} */
    const line = { attempt: message.attempts };
    try {
      const outcome = await this.#within(() => this.#handle(message, env, context, line));
      message.ack();
      log("log", outcome, { ...line, ms: Date.now() - started });
    } catch (error) {
      const { outcome, ...details } = await this.#fail(message, env, error);
      log(outcome === "retried" ? "warn" : "error", outcome, { ...line, ...details, ms: Date.now() - started });
      await this.#report(error, message, env, context);
    }
  }

  /**
   * @param {Message} message
   * @param {any} env
   * @param {any} context
   * @param {Record<string, unknown>} line learns what the message is
   */
  async #handle(message, env, context, line) {
    const received = parseMessage(message.body);
    const { eventId, type, createdAt, receivedAt, dedupe, window, key } = received.envelope;
    Object.assign(line, { eventId: logged(eventId), type: logged(type) });
    const event = await this.#event(received, env);
    const handler = handlerOf(this.#handlers, type);
    if (handler === undefined) {
      throw new Permanent("no_handler: expected a handler of the event's type, or a wildcard, got none");
    }
    if (handler === ignore) {
      return "ignored";
    }
    const delivery = { receivedAt, dedupe, window, key, attempt: message.attempts };
    return this.#options.once.run({ eventId, createdAt, env }, async () => handler(event, env, delivery, context));
  }

  /** @param {Received} received @param {any} env */
  async #event({ envelope, body }, env) {
    const { secrets, bodies } = this.#options;
    const exact = typeof body === "string" ? body : await fetchBody(body, bodies?.(env));
    if (secrets === undefined) {
      return eventIn(envelope, exact);
    }
    const list = await secrets(env);
    if (list === undefined || list.length === 0) {
      throw new Error("expected the option secrets to give the signing secrets, got none: is the secret set?");
    }
    return verifiedEvent(envelope, exact, list);
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #within(work) {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(
        () => reject(new Error(`expected an end within ${timeoutMs} ms, got none`)),
        timeoutMs,
      );
      work()
        .then(resolve, reject)
        .finally(() => clearTimeout(timeout));
    });
  }

  /**
   * Puts the message off, or among the dead letters.
   *
   * @param {Message} message
   * @param {any} env
   * @param {unknown} error
   */
  async #fail(message, env, error) {
    const { schedule } = this.#options;
    const reason = reasonOf(error);
    if (isDeadLetter(message.body)) {
      message.retry({ delaySeconds: schedule.maxSeconds });
      return { outcome: "retried", reason: "expected an event, got a dead letter: that queue needs another consumer" };
    }
    if (!isPermanent(error) && message.attempts < schedule.maxAttempts) {
      return this.#retry(message, reason);
    }
    try {
      await this.#within(() => this.#bury(message, env, reason));
    } catch (failure) {
      // Kept: in the end the queue itself moves it, without the reason.
      return this.#retry(message, `${reason}; and the dead-letter queue failed: ${reasonOf(failure)}`);
    }
    message.ack();
    return { outcome: "dead", reason };
  }

  /** @param {Message} message @param {string} reason */
  #retry(message, reason) {
    const delay = delaySeconds(this.#options.schedule, message.attempts, Math.random());
    message.retry({ delaySeconds: delay });
    return { outcome: "retried", reason, delaySeconds: delay };
  }

  /** @param {Message} message @param {any} env @param {string} reason */
  async #bury({ body, attempts }, env, reason) {
    const queue = bound(this.#options.deadLetters(env), "send", "the option deadLetters to give a queue");
    const death = { reason, attempts, failedAt: new Date().toISOString() };
    const text = typeof body === "string" ? deadLetterText(body, death) : deadLetterOfOther(body, death);
    // Not the gateway's, and not to be told as JSON: this content type takes whatever a queue can have delivered.
    await (text === undefined ? queue.send(body, { contentType: "v8" }) : queue.send(text, { contentType: "text" }));
  }

  /** @param {unknown} error @param {Message} message @param {any} env @param {any} context */
  async #report(error, message, env, context) {
    try {
      // It may hang like any other, and would keep its lane.
      await this.#within(async () => this.#options.onError?.(error, message, env, context));
    } catch (failure) {
      log("error", "on_error_failed", { reason: reasonOf(failure) });
    }
  }
}

/** @param {string | null} text */
function logged(text) {
  return text?.slice(0, maxLoggedCharacters);
}
