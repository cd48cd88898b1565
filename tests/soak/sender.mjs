// An honest sender: it tries each event again until it is answered 2xx, on a compressed schedule. It also sends what must be
// refused.

import { setTimeout as sleep } from "node:timers/promises";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { secret } from "../support/messages.mjs";
import { promisedMs } from "../worker/gateway.mjs";
import { ask } from "./ask.mjs";
import { eventKinds, eventOf, refusalCodes, refusedKinds, refusedRequest } from "./kinds.mjs";
import { failuresPerMinute } from "./world.mjs";

/** For the client's own delays on a busy machine. With it, the whole is the 5 s that the sender waits. */
const marginMs = 500;

/** The most that a machine which is busy with other work may add: what the health check took at the same time. */
const mostPulseMs = 1000;

/** The times between two attempts; the last one is repeated. */
const delaysMs = [300, 700, 1500, 3000];

/** The most attempts of an event: far beyond the longest fault. */
const maxAttempts = 40;

/** The times before a later repetition. */
const laterMs = [1000, 15_000];

/**
 * An attempt that was answered 5xx.
 *
 * @typedef {{ ray: string, kind: string, status: number, code: string, startedAt: number, endedAt: number, operations: Record<string, string> | undefined, lateSendAt: number | undefined }} Failed
 * @typedef {{ eventId: string, body: string, lateSends: { ray: string, at: number }[] }} Event
 */

export class Sender {
  /** The ids of the events that were answered 2xx. @type {Set<string>} */
  accepted = new Set();
  /** The ids in requests that must be refused. @type {Set<string>} */
  forged = new Set();
  /** The statuses and codes of the answers, counted by kind. @type {Record<string, Record<string, number>>} */
  counts = {};
  /** @type {Failed[]} */
  failed = [];
  /** Violations of what was promised. @type {string[]} */
  violations = [];
  /** The code of each request that was answered, until its line in the log is found. @type {Map<string, string>} */
  answered = new Map();
  /** Answers that came after their time. @type {{ detail: string, lateMs: number, startedAt: number, endedAt: number }[]} */
  #late = [];
  /** The times that health checks took. @type {{ at: number, ms: number }[]} */
  #pulses = [];
  /** Whole bodies that were answered 408, by their ray. @type {Set<string>} */
  timedOut = new Set();
  attempts = 0;
  #numbers = 0;
  /** Ends the attempts, too. @type {AbortSignal | undefined} */
  #signal;
  /** @type {Set<Promise<unknown>>} */
  #working = new Set();

  /** @param {URL} url @param {import("./faults.mjs").Faults} faults @param {import("./random.mjs").Random} random */
  constructor(url, faults, random) {
    this.url = url;
    this.faults = faults;
    this.random = random;
  }

  /** Sends `rate` requests a second until `endsAt`, or until the signal. @param {number} rate @param {number} endsAt @param {AbortSignal} signal */
  async run(rate, endsAt, signal) {
    this.#signal = signal;
    const started = performance.now();
    for (let sent = 0; performance.now() < endsAt; sent += 1) {
      signal.throwIfAborted();
      this.#begin(this.#one());
      await sleep(Math.max(0, started + ((sent + 1) * 1000) / rate - performance.now()));
    }
  }

  /** Waits until each event was accepted or given up. */
  async idle() {
    while (this.#working.size > 0) {
      await Promise.all(this.#working);
    }
  }

  /** The requests that are under way. */
  get working() {
    return this.#working.size;
  }

  /** Sends one event until it is accepted. */
  async sendOne() {
    await this.#deliver("good, small", this.#newEvent("good, small"));
  }

  /** Sends one event that makes the instance trap; its next attempt does not. @param {string} trap */
  async trap(trap) {
    await this.#deliver("trap", this.#newEvent("trap"), {}, { "x-test-trap": trap });
  }

  /** Asks for the health, to know how busy the machine is. Only a trap may make it fail. */
  async pulse() {
    const at = performance.now();
    const answer = await ask(this.url, { method: "GET", path: "/healthz", headers: {}, body: "" });
    if ("status" in answer && answer.status === 200) {
      this.#pulses.push({ at, ms: answer.ms });
    } else if (!this.faults.wasOpen("trap", at, performance.now())) {
      const found = "status" in answer ? answer.status : answer.failure;
      this.violations.push(`health check: ${found} after ${Math.round(answer.ms)} ms`);
    }
  }

  /** The slowest health check, in milliseconds. */
  get slowestPulseMs() {
    return this.#slowestPulse(0, Number.POSITIVE_INFINITY);
  }

  /** The answers that came too late, although the machine was not that busy. */
  lateAnswers() {
    return this.#late
      .filter(
        ({ lateMs, startedAt, endedAt }) => lateMs > Math.min(mostPulseMs, this.#slowestPulse(startedAt, endedAt)),
      )
      .map(({ detail }) => detail);
  }

  /** @param {number} from @param {number} to */
  #slowestPulse(from, to) {
    return Math.max(0, ...this.#pulses.filter(({ at, ms }) => at <= to && at + ms >= from).map(({ ms }) => ms));
  }

  /** Sends bad signatures from one address, until they are beyond the limit. */
  async flood() {
    const address = this.#address();
    for (let sent = 0; sent < 2 * failuresPerMinute; sent += 1) {
      await this.#refused("flood", "another secret", address);
    }
  }

  async #one() {
    const kind = this.random.weighted({ ...eventKinds, ...refusedKinds });
    if (kind in refusedKinds) {
      return this.#refused(kind, kind);
    }
    const event = this.#newEvent(kind);
    switch (kind) {
      case "repeated at once":
        return Promise.all([1, 2, 3].map(() => this.#deliver(kind, event)));
      case "repeated later":
        await this.#deliver(kind, event);
        await sleep(this.random.pick(laterMs));
        return this.#deliver(kind, event);
      case "stalled body":
        return this.#deliver(kind, event, { cut: { at: "half" } });
      case "reset in the body":
        return this.#deliver(kind, event, { cut: { at: "half", resetsAfterMs: this.random.between(0, 200) } });
      case "reset after the body":
        return this.#deliver(kind, event, { cut: { at: "end", resetsAfterMs: this.random.between(0, 50) } });
      default:
        return this.#deliver(kind, event);
    }
  }

  /** @param {string} kind @returns {Event} */
  #newEvent(kind) {
    this.#numbers += 1;
    const eventId = `evt_${this.#numbers}`;
    const body = eventOf(eventId, this.#numbers, this.random, kind === "good, large");
    return { eventId, body, lateSends: [] };
  }

  /**
   * @param {string} kind
   * @param {Event} event
   * @param {{ cut?: import("./ask.mjs").Cut }} [first] of the first attempt
   * @param {Record<string, string>} [firstHeaders]
   */
  async #deliver(kind, event, first = {}, firstHeaders = {}) {
    const headers = { "content-type": "application/json", "x-cronozen-signature": sign(event.body, secret) };
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const asked = { method: "POST", path: webhookPath, body: event.body };
      const answer =
        attempt === 0
          ? await this.#attempt(kind, { ...asked, ...first, headers: { ...headers, ...firstHeaders } }, event)
          : await this.#attempt(kind, { ...asked, headers }, event);
      if ("status" in answer && answer.status < 300) {
        this.accepted.add(event.eventId);
        return;
      }
      if ("status" in answer && ![408, 503].includes(answer.status)) {
        this.violations.push(`${kind}: event ${event.eventId} was answered ${answer.status} ${answer.code}`);
      }
      await sleep(delaysMs[Math.min(attempt, delaysMs.length - 1)], undefined, { signal: this.#signal });
    }
    this.violations.push(`${kind}: event ${event.eventId} was not accepted at ${maxAttempts} attempts`);
  }

  /** @param {string} counted @param {string} kind @param {string} [address] */
  async #refused(counted, kind, address = this.#address()) {
    const eventId = `forged_${this.forged.size}`;
    this.forged.add(eventId);
    const request = refusedRequest(kind, eventId, this.random);
    const headers = { ...request.headers, "cf-connecting-ip": address };
    const answer = await this.#attempt(counted, { ...request, headers });
    const codes = [refusalCodes[kind], "unavailable", ...(counted === "flood" ? ["too_many_failures"] : [])];
    if ("status" in answer && !codes.includes(answer.code)) {
      this.violations.push(`${counted}: answered ${answer.status} ${answer.code}`);
    }
  }

  /** @param {string} kind @param {import("./ask.mjs").Asked} asked @param {Event} [event] */
  async #attempt(kind, asked, event) {
    this.attempts += 1;
    const ray = `soak-${this.attempts}`;
    const { operations } = this.faults;
    const headers = {
      "cf-ray": ray,
      "cf-connecting-ip": this.#address(),
      ...(operations && { "x-test-faults": encodeURIComponent(JSON.stringify(operations)) }),
      ...asked.headers,
    };
    const startedAt = performance.now();
    if ((operations?.send ?? operations?.commit) !== undefined) {
      event?.lateSends.push({ ray, at: startedAt });
    }
    const answer = await ask(this.url, { ...asked, headers });
    // An attempt cannot explain its own answer.
    const lateSendAt = event?.lateSends.findLast((late) => late.ray !== ray)?.at;
    this.#judge(kind, ray, answer, { startedAt, operations, lateSendAt });
    return answer;
  }

  /**
   * @param {string} kind
   * @param {string} ray
   * @param {import("./ask.mjs").Answer} answer
   * @param {{ startedAt: number, operations: Record<string, string> | undefined, lateSendAt: number | undefined }} attempt
   */
  #judge(kind, ray, answer, attempt) {
    const counted = "status" in answer ? `${answer.status} ${answer.code}` : answer.failure;
    this.counts[kind] ??= {};
    const counts = /** @type {Record<string, number>} */ (this.counts[kind]);
    counts[counted] = (counts[counted] ?? 0) + 1;
    if (!("status" in answer)) {
      if (answer.failure !== "reset by the sender") {
        this.violations.push(`${kind}: a connection ${answer.failure} after ${Math.round(answer.ms)} ms`);
      }
      return;
    }
    const endedAt = performance.now();
    if (answer.status === 408 && kind !== "stalled body") {
      this.timedOut.add(ray);
    }
    const lateMs = answer.ms - promisedMs - marginMs;
    if (lateMs > 0) {
      const detail = `${kind}: ${counted} after ${Math.round(answer.ms)} ms`;
      this.#late.push({ detail, lateMs, startedAt: attempt.startedAt, endedAt });
    }
    this.answered.set(ray, answer.code);
    if (answer.status >= 500) {
      this.failed.push({ ray, kind, status: answer.status, code: answer.code, endedAt, ...attempt });
    }
  }

  /** An address of its own, so that the limit on failures does not meet it. */
  #address() {
    const part = () => this.random.between(1, 254);
    return `10.${part()}.${part()}.${part()}`;
  }

  /** @param {Promise<unknown>} work */
  #begin(work) {
    const watched = work.catch((error) => void this.violations.push(`the sender failed: ${error.stack}`));
    this.#working.add(watched);
    watched.finally(() => this.#working.delete(watched));
  }
}
