// The queue's handler: handles each message on its own, and acknowledges it only when it is done with.

import type { CronozenEvent } from "../event.ts";
import { deadLetterOfOther, deadLetterText, isDeadLetter } from "./dead-letter.ts";
import { type Handlers, handlerOf, ignore, type Routes, routesOf } from "./handlers.ts";
import { log, reasonOf } from "./log.ts";
import { eventIn, fetchBody, type ParsedMessage, parseMessage, verifiedEvent } from "./message.ts";
import { isNonRetryable, NonRetryableError } from "./non-retryable.ts";
import type { Attempt, Retry } from "./once.ts";
import { type ConsumeOptions, type Options, optionsOf } from "./options.ts";
import { bound, type Message, type MessageBatch } from "./platform.ts";
import { delaySeconds, secondsToBury } from "./retry.ts";
import { shortened } from "./text.ts";
import { inTime } from "./time.ts";

/**
 * The number of messages of a batch that are handled at once. A Worker has six connections at a time, and all large bodies
 * that it holds must fit into its 128 MB.
 */
const concurrency = 6;

/** D1 may be down, and the batch must not wait for it. */
const recordTimeoutMs = 1000;

const defaultEventsQueue = "cronozen-events";

/**
 * Returns the `queue` function of a Worker, for the queue of events, and with `deadLetters({ ... })` for the dead-letter queue,
 * too. It handles up to six messages of a batch at once, each on its own: it acknowledges a message that is done, has one
 * that failed tried again, and puts one that cannot succeed on the dead-letter queue, with the reason. It writes one line
 * of JSON to the log for each.
 *
 * @throws TypeError if a handler or an option is missing, misspelt or of the wrong kind
 */
export function consume<Env, Payloads extends object = Record<never, never>>(
  handlers: Handlers<Env, Payloads>,
  options: ConsumeOptions<Env>,
): (batch: MessageBatch, env: Env, context?: unknown) => Promise<void> {
  const consumer = new Consumer<Env>(routesOf(handlers), optionsOf(options));
  return (batch, env, context) => consumer.take(batch, env, context);
}

/** The outcome of a message that failed. */
interface Failed {
  readonly outcome: "retried" | "dead";
  readonly reason: string;
  readonly delaySeconds?: number;
}

class Consumer<Env> {
  #routes: Routes<Env>;
  #options: Options<Env>;

  constructor(routes: Routes<Env>, options: Options<Env>) {
    this.#routes = routes;
    this.#options = options;
  }

  /** Stores a batch of dead letters, or handles the messages of a batch of events, in their order. */
  async take(batch: MessageBatch, env: Env, context: unknown): Promise<void> {
    const { letters } = this.#options;
    if (letters !== undefined && !isEventBatch(batch, env)) {
      return letters.store(batch, env);
    }
    await this.#prepare(env);
    const { messages } = batch;
    const waiting = [...messages].reverse();
    const retries: Retry[] = [];
    const work = async () => {
      for (let message = waiting.pop(); message !== undefined; message = waiting.pop()) {
        const retry = await this.#process(message, env, context);
        retries.push(...(retry === undefined ? [] : [retry]));
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, messages.length) }, work));
    await this.#recordRetries(retries, env);
  }

  /** Messages that start at once would each look for the tables, and the free plan allows 50 queries for a batch. */
  async #prepare(env: Env): Promise<void> {
    try {
      await this.#limited(async () => this.#options.once.prepare?.(env));
    } catch {
      // Each message does it itself, and reports the failure.
    }
  }

  /**
   * Handles one message and settles it. Returns when its event comes again, if it does. Never fails: the whole batch would
   * come again.
   */
  async #process(message: Message, env: Env, context: unknown): Promise<Retry | undefined> {
    const started = Date.now();
    const line: Record<string, unknown> = { attempt: message.attempts };
    try {
      const outcome = await this.#limited(() => this.#handle(message, env, context, line));
      message.ack();
      log("log", outcome, { ...line, ms: Date.now() - started });
      return undefined;
    } catch (error) {
      const { outcome, ...details } = await this.#fail(message, env, error);
      log(outcome === "retried" ? "warn" : "error", outcome, { ...line, ...details, ms: Date.now() - started });
      await this.#report(error, message, env, context);
      return retryOf(line.eventId, details);
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
    const { attempts } = message;
    const bodyKey = typeof parsed.body === "string" ? null : parsed.body.key;
    const attempt: Attempt<Env> = { eventId, type, createdAt, receivedAt, attempts, bodyKey, env };
    const delivery = { receivedAt, dedupe, window, key, attempt: attempts };
    const outcome =
      handler === ignore
        ? await this.#recordIgnored(attempt)
        : await this.#options.once.run(attempt, async () => handler(event, env, delivery, context));
    if (outcome !== "handled" && bodyKey !== null && (await this.#options.once.isErased?.(attempt))) {
      // The gateway has stored the body after the erasure, or between two attempts, when nothing named it.
      await this.#options.bodies?.(env)?.delete(bodyKey);
    }
    return outcome;
  }

  /** Has no part in what happens to the event: it is acknowledged in any case. */
  async #recordIgnored(attempt: Attempt<Env>): Promise<"ignored"> {
    try {
      await this.#options.once.recordIgnored?.(attempt);
    } catch (error) {
      log("warn", "ignored_not_recorded", { eventId: shortened(attempt.eventId), reason: reasonOf(error) });
    }
    return "ignored";
  }

  /** Once for a batch, when all is settled: each message's own queries would use up the 50 that the free plan allows. */
  async #recordRetries(retries: readonly Retry[], env: Env): Promise<void> {
    if (retries.length === 0) {
      return;
    }
    try {
      const work = async () => this.#options.once.recordRetries?.(env, retries);
      await inTime(work, recordTimeoutMs, `timed out after ${recordTimeoutMs} ms`);
    } catch (error) {
      log("warn", "retries_not_recorded", { messages: retries.length, reason: reasonOf(error) });
    }
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
    return inTime(work, timeoutMs, `timed out after ${timeoutMs} ms`);
  }

  /** Has the message tried again, or puts it among the dead letters. */
  async #fail(message: Message, env: Env, error: unknown): Promise<Failed> {
    const { schedule } = this.#options;
    const reason = reasonOf(error);
    if (this.#options.letters === undefined && isDeadLetter(message.body)) {
      message.retry({ delaySeconds: schedule.maxSeconds });
      return { outcome: "retried", reason: "dead letter received: the dead-letter queue needs another consumer" };
    }
    const delay = delaySeconds(schedule, message.attempts, Math.random());
    const secondsLeft = secondsToBury(schedule, message.timestamp, Date.now());
    if (!isNonRetryable(error) && message.attempts < schedule.maxAttempts && delay < secondsLeft) {
      return this.#retry(message, reason, delay);
    }
    try {
      await this.#limited(() => this.#sendDeadLetter(message, env, reason));
    } catch (failure) {
      // The message is kept: in the end the queue itself moves it, without the reason. Until then it must not expire.
      const soon = Math.min(delay, Math.max(Math.floor(secondsLeft / 2), schedule.firstSeconds));
      return this.#retry(message, `${reason}; and the dead-letter queue failed: ${reasonOf(failure)}`, soon);
    }
    message.ack();
    return { outcome: "dead", reason };
  }

  #retry(message: Message, reason: string, delay: number): Failed {
    message.retry({ delaySeconds: delay });
    return { outcome: "retried", reason, delaySeconds: delay };
  }

  async #sendDeadLetter({ body, attempts }: Message, env: Env, reason: string): Promise<void> {
    const queue = bound(this.#options.deadLetterQueue(env), "send", "dead-letter queue of the option deadLetters");
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

/** Returns when an event comes again; undefined if it does not, or if the message cannot be read. */
function retryOf(eventId: unknown, { delaySeconds }: Pick<Failed, "delaySeconds">): Retry | undefined {
  if (typeof eventId !== "string" || delaySeconds === undefined) {
    return undefined;
  }
  return { eventId, nextAt: new Date(Date.now() + delaySeconds * 1000).toISOString() };
}

/**
 * Returns true if a batch is from the queue of events: from that which the setting `EVENTS_QUEUE` names, by default
 * `cronozen-events`. A batch of any other queue holds dead letters, so that a wrong name loses nothing.
 */
function isEventBatch(batch: MessageBatch, env: unknown): boolean {
  return batch.queue === (Object(env).EVENTS_QUEUE ?? defaultEventsQueue);
}
