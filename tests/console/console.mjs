// The console in this process, over a real D1 and R2, with a queue in memory.

import { console as adminConsole } from "cronozen-edge/console";
import { deadLetters } from "cronozen-edge/consumer";
import { miniflareWith } from "../support/bindings.mjs";
import { silent } from "../support/log.mjs";
import { token } from "../support/messages.mjs";

export const origin = "https://edge.example.com";

/** @typedef {{ method?: string, headers?: Record<string, string>, body?: unknown, settings?: object, context?: object }} Asked */

export class TestConsole {
  /** What was put on the queue of events. @type {unknown[]} */
  sent = [];
  /** @type {any} */
  env;

  static async start() {
    const test = new TestConsole();
    await test.miniflare.ready;
    test.env = {
      ADMIN_TOKEN: token,
      DB: await test.miniflare.getD1Database("DB"),
      DEAD: await test.miniflare.getD1Database("DEAD"),
      BODIES: await test.miniflare.getR2Bucket("BODIES"),
      EVENTS: { send: async (/** @type {unknown} */ body) => void test.sent.push(body) },
    };
    return test;
  }

  constructor() {
    this.miniflare = miniflareWith({ d1Databases: ["DB", "DEAD"], r2Buckets: ["BODIES"] });
    /** @type {import("cronozen-edge/consumer").DeadLetters<any>} */
    this.letters = deadLetters({
      queue: (env) => env.DEAD_QUEUE,
      events: (env) => env.EVENTS,
      database: (env) => env.DEAD,
      ledger: (env) => env.DB,
      bodies: (env) => env.BODIES,
      activity: (env) => env.ACTIVITY,
    });
    this.answer = adminConsole({ deadLetters: this.letters });
  }

  async stop() {
    await this.miniflare.dispose();
  }

  /** Sends a request with these headers, and no others. @param {string} path @param {Asked} [asked] */
  async send(path, { method = "GET", headers = {}, body, settings, context } = {}) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const request = new Request(new URL(path, origin), { method, headers, ...(body !== undefined && { body: text }) });
    const response = await this.answer(request, { ...this.env, ...settings }, context);
    const shown = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return {
      status: response.status,
      headers: response.headers,
      text: shown,
      answer: isJson ? JSON.parse(shown) : null,
    };
  }

  /** Asks the admin API with the token. @param {string} path @param {Asked} [asked] */
  ask(path, { headers = {}, ...asked } = {}) {
    const own = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return this.send(`/console/api${path}`, { headers: { ...own, ...headers }, ...asked });
  }

  /** @param {string} path @param {unknown} body */
  post(path, body) {
    return this.ask(path, { method: "POST", body });
  }

  /** Stores a message as a dead letter. @param {string} id @param {unknown} body */
  async bury(id, body, queue = "cronozen-events-dead") {
    /** @type {string[]} */
    const results = [];
    const message = {
      id,
      body,
      attempts: 1,
      timestamp: new Date(),
      ack: () => void results.push("acknowledged"),
      retry: () => void results.push("retried"),
    };
    await silent(() => this.letters.store({ queue, messages: [message] }, this.env));
    return results.join();
  }
}
