// The queue's handler: handles each message on its own, and acknowledges it only when it is done with.

import type { CronozenEvent } from "../event.ts";
import { deadLetterOfOther, deadLetterText, isDeadLetter } from "./dead-letter.ts";
import { type Handlers, handlerOf, ignore, type Routes, routesOf } from "./handlers.ts";
import { log, reasonOf } from "./log.ts";
import { eventIn, fetchBody, type ParsedMessage, parseMessage, verifiedEvent } from "./message.ts";
import { isNonRetryable, NonRetryableError } from "./non-retryable.ts";
import { type ConsumeOptions, type Options, optionsOf } from "./options.ts";
import { bound, type Message, type MessageBatch } from "./platform.ts";
import { delaySeconds } from "./retry.ts";

/**
 * The number of messages of a batch that are handled at once. A Worker has six connections at a time, and all large bodies
 * that it holds must fit into its 128 MB.
 */
const concurrency = 6;

/** The gateway accepts eventIds of 256 bytes; a type may have any length. */
const maxLoggedCharacters = 256;

/**
 * Returns the `queue` function of a Worker, for the queue of events; dead letters need another. It handles up to six
 * messages of a batch at once, each on its own: it acknowledges a message that is done, has one that failed
 * tried again, and puts one that cannot succeed on the dead-letter queue, with the reason. It writes one line of JSON to
 * the log for each.
 *
 * @throws TypeError if a handler or an option is missing, misspelt or of the wrong kind
 */
export function consume<Env, Payloads extends object = Record<never, never>>(
  handlers: Handlers<Env, Payloads>,
  options: ConsumeOptions<Env>,
): (batch: MessageBatch, env: Env, context?: unknown) => Promise<void> {
  const consumer = new Consumer<Env>(routesOf(handlers), optionsOf(options));
  return async ({ messages }, env, context) => {
    const waiting = [...messages].reverse();
    const work = async () => {
      for (let message = waiting.pop(); message !== undefined; message = waiting.pop()) {
        await consumer.process(message, env, context);
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, messages.length) }, work));
  };
}

class Consumer<Env> {
  #routes: Routes<Env>;
  #options: Options<Env>;

  constructor(routes: Routes<Env>, options: Options<Env>) {
    this.#routes = routes;
    this.#options = options;
  }

  /** Handles one message and settles it. Never fails: the whole batch would come again. */
  async process(message: Message, env: Env, context: unknown): Promise<void> {
    const started = Date.now();
    const line: Record<string, unknown> = { attempt: message.attempts };
    try {
      const outcome = await this.#limited(() => this.#handle(message, env, context, line));
      message.ack();
      log("log", outcome, { ...line, ms: Date.now() - started });
    } catch (error) {
      const { outcome, ...details } = await this.#fail(message, env, error);
      log(outcome === "retried" ? "warn" : "error", outcome, { ...line, ...details, ms: Date.now() - started });
      await this.#report(error, message, env, context);
    }
  }

  /** Handles one message. Adds what the message is to `line`. */
  async #handle(message: Message, env: Env, context: unknown, line: Record<string, unknown>): Promise<string> {
    const parsed = parseMessage(message.body);
    const { eventId, type, createdAt, receivedAt, dedupe, window, key } = parsed.envelope;
    Object.assign(line, { eventId: shortened(eventId), type: shortened(type) });
    const event = await this.#event(parsed, env);
    const handler = handlerOf(this.#routes, type);
    if (handler === undefined) {
      throw new NonRetryableError("no_handler: no handler for the event's type, and no wildcard covers it");
    }
    if (handler === ignore) {
      return "ignored";
    }
    const delivery = { receivedAt, dedupe, window, key, attempt: message.attempts };
    return this.#options.once.run({ eventId, createdAt, env }, async () => handler(event, env, delivery, context));
  }

  async #event({ envelope, body }: ParsedMessage, env: Env): Promise<CronozenEvent> {
    const { secrets, bodies } = this.#options;
    const exact = typeof body === "string" ? body : await fetchBody(body, bodies?.(env));
    if (secrets === undefined) {
      return eventIn(envelope, exact);
    }
    const list = await secrets(env);
    if (list === undefined || list.length === 0) {
      throw new Error("signing secrets missing: the option secrets returned none (is CRONOZEN_SIGNING_SECRET set?)");
    }
    return verifiedEvent(envelope, exact, list);
  }

  #limited<T>(work: () => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => reject(new Error(`timed out after ${timeoutMs} ms`)), timeoutMs);
      work()
        .then(resolve, reject)
        .finally(() => clearTimeout(timeout));
    });
  }

  /** Has the message tried again, or puts it among the dead letters. */
  async #fail(message: Message, env: Env, error: unknown) {
    const { schedule } = this.#options;
    const reason = reasonOf(error);
    if (isDeadLetter(message.body)) {
      message.retry({ delaySeconds: schedule.maxSeconds });
      return { outcome: "retried", reason: "dead letter received: the dead-letter queue needs another consumer" };
    }
    if (!isNonRetryable(error) && message.attempts < schedule.maxAttempts) {
      return this.#retry(message, reason);
    }
    try {
      await this.#limited(() => this.#sendDeadLetter(message, env, reason));
    } catch (failure) {
      // The message is kept: in the end the queue itself moves it, without the reason.
      return this.#retry(message, `${reason}; and the dead-letter queue failed: ${reasonOf(failure)}`);
    }
    message.ack();
    return { outcome: "dead", reason };
  }

  #retry(message: Message, reason: string) {
    const delay = delaySeconds(this.#options.schedule, message.attempts, Math.random());
    message.retry({ delaySeconds: delay });
    return { outcome: "retried", reason, delaySeconds: delay };
  }

  async #sendDeadLetter({ body, attempts }: Message, env: Env, reason: string): Promise<void> {
    const queue = bound(this.#options.deadLetters(env), "send", "queue of the option deadLetters");
    const failure = { reason, attempts, failedAt: new Date().toISOString() };
    const text = typeof body === "string" ? deadLetterText(body, failure) : deadLetterOfOther(body, failure);
    // Not the gateway's, and not to be written as JSON: this content type accepts whatever a queue can have delivered.
    await (text === undefined ? queue.send(body, { contentType: "v8" }) : queue.send(text, { contentType: "text" }));
  }

  async #report(error: unknown, message: Message, env: Env, context: unknown): Promise<void> {
    try {
      // It may hang as well, and would keep the message's place.
      await this.#limited(async () => this.#options.onError?.(error, message, env, context));
    } catch (failure) {
      log("error", "on_error_failed", { reason: reasonOf(failure) });
    }
  }
}

function shortened(text: string | null): string | undefined {
  return text?.slice(0, maxLoggedCharacters);
}
