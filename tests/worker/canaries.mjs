// A gateway with marked secrets, headers and bodies, and the search of all that it leaves behind.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { Canaries } from "../support/canaries.mjs";
import { newEvent, sleep, TestGateway } from "./gateway.mjs";

/** @typedef {import("./gateway.mjs").Circumstances} Circumstances */

/** A body of this size does not fit its message. */
export const large = 130_000;

/**
 * Sends a first delivery, does the work, and checks each place.
 *
 * @param {string} mode
 * @param {(run: Run) => Promise<void>} work
 * @param {string} [build]
 */
export async function runIn(mode, work, build) {
  const run = new Run();
  try {
    await run.start(mode, build);
    const { body } = run.event();
    await run.deliver(202, body);
    await run.deliver(200, body);
    const next = run.event({ createdAt: run.canaries.make("body"), event: { type: run.canaries.make("body") } });
    await run.deliver(202, next.body, { signature: run.signature(next.body, run.next) });
    const data = run.canaries.make("body") + "x".repeat(large);
    await run.deliver(202, run.event({ data }).body, { settings: { MAX_BODY_BYTES: 1_000_000 } });
    await work(run);
    const last = run.event();
    await run.deliver(202, last.body);
    await run.recorded(last.eventId);
    await run.gateway.messages(last.eventId);
    await run.searchAnswers();
    await run.stop();
    run.canaries.assertPlaces(placesOf(mode, run));
  } finally {
    await run.remove();
  }
}

/** A gateway whose secrets, headers and bodies are all private. */
export class Run {
  canaries = new Canaries();
  /** @type {Record<string, unknown>} */
  settings = {};
  statuses = new Set();
  /** True after a binding has failed. */
  isFaulty = false;
  secret = this.canaries.make("secret", "whsec_");
  next = this.canaries.make("secret", "whsec_");
  bindings = {
    CRONOZEN_SIGNING_SECRET: this.secret,
    CRONOZEN_SIGNING_SECRET_NEXT: this.next,
    ADMIN_TOKEN: this.canaries.make("token"),
    SLACK_URL: `https://hooks.example/${this.canaries.make("URL of a sink")}`,
    CRONOZEN_API_KEY: this.canaries.make("API key"),
    // A misspelt name gets a hint.
    REPLAI: this.canaries.make("setting"),
  };
  headers = {
    authorization: `Bearer ${this.canaries.make("header")}`,
    cookie: `session=${this.canaries.make("header")}`,
    "cf-access-jwt-assertion": this.canaries.make("header"),
    "user-agent": this.canaries.make("header"),
    "x-forwarded-for": this.canaries.make("header"),
  };
  query = `?token=${this.canaries.make("query")}`;
  storage = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  /** @type {TestGateway} */
  gateway = /** @type {any} */ (undefined);

  /** @param {string} mode @param {string} [build] */
  async start(mode, build) {
    const { storage, bindings } = this;
    this.settings = { DEDUPE: mode };
    this.gateway = await TestGateway.start(build, { storage, bindings: { ...bindings, DEDUPE: mode } });
  }

  /** A new event whose data is private. @param {Record<string, unknown>} [more] */
  event(more = {}) {
    const eventId = this.canaries.make("event id", "evt_");
    const { body } = newEvent({
      eventId,
      createdAt: new Date().toISOString(),
      data: { name: this.canaries.make("body"), card: this.canaries.make("body"), at: this.canaries.make("body") },
      ...more,
    });
    return { eventId, body };
  }

  /** @param {string} body @param {string} [secret] @param {string} [kind] */
  signature(body, secret = this.secret, kind = "signature") {
    return this.canaries.addSignature(kind, sign(body, secret));
  }

  /**
   * Sends a request with private headers and a private query, and searches its answer.
   *
   * @param {string} path
   * @param {RequestInit & { headers?: Record<string, string> }} init
   * @param {Circumstances} [circumstances]
   */
  async request(path, init, circumstances = {}) {
    const headers = { ...this.headers, ...init.headers };
    const settings = { ...this.settings, ...circumstances.settings };
    const answered = await this.gateway.request(
      path + this.query,
      { ...init, headers },
      { ...circumstances, settings },
    );
    this.statuses.add(answered.status);
    this.canaries.search("answers", [answered.status, [...answered.headers], answered.answer]);
    return answered;
  }

  /** Delivers a body, and checks the answer's status. @param {number} status @param {string} body @param {Circumstances & { signature?: string }} [circumstances] */
  async deliver(status, body, { signature = this.signature(body), headers = {}, ...circumstances } = {}) {
    const all = { "x-cronozen-signature": signature, ...headers };
    const answered = await this.request(webhookPath, { method: "POST", body, headers: all }, circumstances);
    assert.equal(answered.status, status, JSON.stringify([circumstances, answered.answer]));
  }

  /** Waits until `Activity` has a record of an event, and those before it. @param {string} eventId */
  async recorded(eventId) {
    for (
      let tries = 0;
      !JSON.stringify(await this.gateway.activity("deliveries", { limit: 10 })).includes(eventId);
      tries += 1
    ) {
      assert.ok(tries < 200, "Activity has no record of the event");
      await sleep(100);
    }
  }

  /** Searches what the running Worker answers. */
  async searchAnswers() {
    const { received } = await this.gateway.observed();
    this.canaries.search("queue messages", received.join("\n"));
    const deliveries = await this.gateway.activity("deliveries", { limit: 200 });
    const status = await this.gateway.activity("status");
    this.canaries.search("answers of Activity", [deliveries, status]);
  }

  /** Stops the Worker, and searches its log and all its files. */
  async stop() {
    await this.gateway?.stop();
    this.canaries.search("log", this.gateway?.log.join("\n") ?? "");
    /** @type {Record<string, string>} */
    const names = {
      do: "Durable Objects",
      kv: "KV",
      r2: "R2",
      ratelimit: "limits of failures",
      cache: "cache",
    };
    this.canaries.searchFiles(this.storage, (path) => names[path.split("/")[0] ?? ""] ?? path);
  }

  async remove() {
    await this.gateway?.stop();
    rmSync(this.storage, { recursive: true });
  }
}

/**
 * Where each kind is, and nowhere else. The error of a binding is in clear text, up to 200 characters of its first line.
 *
 * @param {string} mode
 * @param {Run} run
 */
function placesOf(mode, { isFaulty }) {
  const logged = ["event id", ...(isFaulty ? ["first line of a binding's error"] : [])];
  return {
    answers: ["event id"],
    log: logged,
    "answers of Activity": logged,
    "Durable Objects": logged,
    "queue messages": ["body", "event id", "signature"],
    // An event's id is in a body.
    R2: ["body", "event id"],
    KV: mode === "kv" ? ["event id"] : [],
    "limits of failures": [],
    cache: [],
  };
}
