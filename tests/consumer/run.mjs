// The consumer's helper in this process, with a queue in memory.

import assert from "node:assert/strict";
import { consume } from "cronozen-edge/consumer";
import { messageOf, secret } from "../support/messages.mjs";

/** @typedef {import("cronozen-edge/consumer").ConsumeOptions<any>} Options */

/** Runs a handler on messages, and tells what became of each. */
export class Run {
  /** @type {any[]} */
  ended = [];
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
    /** @type {any[]} */
    const ended = [];
    const message = {
      id: "1",
      body,
      attempts,
      ack: () => ended.push("acknowledged"),
      retry: (/** @type {any} */ options) => ended.push(options.delaySeconds),
    };
    const real = { log: console.log, warn: console.warn, error: console.error };
    const keep = (/** @type {string} */ line) => this.log.push(JSON.parse(line));
    Object.assign(console, { log: keep, warn: keep, error: keep });
    try {
      await this.consumer({ queue: "cronozen-events", messages: [message] }, { name: "env" }, "context");
    } finally {
      Object.assign(console, real);
    }
    assert.equal(ended.length, 1, "every message is acknowledged or tried again, once");
    return ended[0];
  }
}

export const event = {
  eventId: "evt_1",
  type: "payment.completed",
  createdAt: "2026-11-24T06:55:00Z",
  data: { amount: 1 },
};
export const message = messageOf(event);
