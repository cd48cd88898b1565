// The consumer's helper in this process, with a queue in memory.

import assert from "node:assert/strict";
import { consume } from "cronozen-edge/consumer";
import { messageOf, secret } from "../support/messages.mjs";

/** @typedef {import("cronozen-edge/consumer").ConsumeOptions<any>} Options */

/** Runs a handler on messages, and tells what became of each. */
export class Run {
  /** @type {{ body: any, options: any }[]} */
  dead = [];
  /** @type {Record<string, any>[]} */
  log = [];

  /**
   * @param {import("cronozen-edge/consumer").Handlers<any>} handlers
   * @param {Partial<Options>} [options]
   */
  constructor(handlers, options) {
    this.consumer = consume(handlers, {
      once: false,
      deadLetters: () => ({ send: async (body, options) => this.dead.push({ body, options }) }),
      secrets: () => secret,
      ...options,
    });
  }

  /** @param {unknown} body @param {number} [attempts] @returns {Promise<any>} what became of it */
  async take(body, attempts = 1) {
    const [ended] = await this.takeAll([body], attempts);
    return ended;
  }

  /** @param {unknown[]} bodies of one batch @param {number} [attempts] @returns {Promise<any[]>} */
  async takeAll(bodies, attempts = 1) {
    /** @type {any[][]} */
    const ended = bodies.map(() => []);
    const messages = bodies.map((body, position) => ({
      id: String(position),
      body,
      attempts,
      ack: () => void ended[position]?.push("acknowledged"),
      retry: (/** @type {any} */ options) => void ended[position]?.push(options.delaySeconds),
    }));
    const restore = this.#capture();
    try {
      await this.consumer({ queue: "cronozen-events", messages }, { name: "env" }, "context");
    } finally {
      restore();
    }
    return ended.map((ends) => {
      assert.equal(ends.length, 1, "every message is acknowledged or tried again, once");
      return ends[0];
    });
  }

  /** How each message has ended, in their order. */
  outcomes() {
    return this.log.map(({ outcome }) => outcome);
  }

  /** @param {string} level @param {string} line */
  keepLog(level, line) {
    this.log.push({ level, ...JSON.parse(line) });
  }

  /** Keeps what is logged in the meantime. */
  #capture() {
    const real = { log: console.log, warn: console.warn, error: console.error };
    for (const level of /** @type {const} */ (["log", "warn", "error"])) {
      console[level] = (/** @type {string} */ line) => this.keepLog(level, line);
    }
    return () => Object.assign(console, real);
  }
}

export const event = {
  eventId: "evt_1",
  type: "payment.completed",
  createdAt: "2026-11-24T06:55:00Z",
  data: { amount: "49.00", currency: "EUR" },
};
export const message = messageOf(event);
