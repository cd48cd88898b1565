// The consumer's helper in this process, with a queue in memory.

import assert from "node:assert/strict";
import { consume } from "cronozen-edge/consumer";
import { captureLog } from "../support/log.mjs";
import { messageOf, secret } from "../support/messages.mjs";

/** @typedef {import("cronozen-edge/consumer").ConsumeOptions<any>} Options */

/** Runs handlers on messages, and records the outcome of each. */
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

  /** @param {unknown} body @param {number} [attempts] @param {Date} [timestamp] @returns {Promise<any>} its result */
  async take(body, attempts = 1, timestamp = new Date()) {
    const [result] = await this.takeAll([body], attempts, timestamp);
    return result;
  }

  /** @param {unknown[]} bodies of one batch @param {number} [attempts] @param {Date} [timestamp] @returns {Promise<any[]>} */
  async takeAll(bodies, attempts = 1, timestamp = new Date()) {
    /** @type {any[][]} */
    const results = bodies.map(() => []);
    const messages = bodies.map((body, position) => ({
      id: String(position),
      timestamp,
      body,
      attempts,
      ack: () => void results[position]?.push("acknowledged"),
      retry: (/** @type {any} */ options) => void results[position]?.push(options.delaySeconds),
    }));
    const restore = captureLog((level, line) => this.keepLog(level, line));
    try {
      await this.consumer({ queue: "cronozen-events", messages }, { name: "env" }, "context");
    } finally {
      restore();
    }
    return results.map((calls) => {
      assert.equal(calls.length, 1, "every message is acknowledged or retried, once");
      return calls[0];
    });
  }

  /** The outcomes in the log, in their order. */
  outcomes() {
    return this.log.map(({ outcome }) => outcome);
  }

  /** @param {string} level @param {string} line */
  keepLog(level, line) {
    this.log.push({ level, ...JSON.parse(line) });
  }
}

export const event = {
  eventId: "evt_1",
  type: "payment.completed",
  createdAt: "2026-11-24T06:55:00Z",
  data: { amount: "49.00", currency: "EUR" },
};
export const message = messageOf(event);
