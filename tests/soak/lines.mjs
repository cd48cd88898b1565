// The lines of the log: finds each answer's line, and the reasons of those that failed.

import { until } from "../support/waiting.mjs";

/** A line may come so long after its answer. */
const patienceMs = 5000;

export class Lines {
  /** The lines of gateway and consumer, counted by outcome. @type {Record<string, number>} */
  counts = {};
  /** The reasons of deliveries that were answered 5xx or 408, by their ray. @type {Map<string, string>} */
  reasons = new Map();
  /** The codes of lines whose answer has not come yet. @type {Map<string, string>} */
  #early = new Map();
  /** The code of each answer without a line. @type {Map<string, string>} */
  #answered;

  /** @param {Map<string, string>} answered shared with the sender, who adds to it */
  constructor(answered) {
    this.#answered = answered;
  }

  /** The lines of workerd itself, counted. @type {Record<string, number>} */
  others = {};

  /** @param {string} text one or more lines */
  read(text) {
    for (const line of text.split("\n")) {
      if (line.startsWith("{")) {
        this.add(JSON.parse(line));
      } else if (line !== "") {
        this.others[line] = (this.others[line] ?? 0) + 1;
      }
    }
  }

  /** @param {Record<string, any>} line */
  add({ outcome, code, ray, reason }) {
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    if (ray === undefined || code === undefined) {
      return;
    }
    if (outcome === "failed" || code === "body_timeout") {
      this.reasons.set(ray, reason);
    }
    this.#early.set(ray, code);
    this.#match();
  }

  #match() {
    for (const [ray, code] of this.#early) {
      if (this.#answered.get(ray) === code) {
        this.#answered.delete(ray);
        this.#early.delete(ray);
      }
    }
    // A sender that has gone has no answer.
    for (const ray of this.#early.keys()) {
      if (this.#early.size <= 500) {
        break;
      }
      this.#early.delete(ray);
    }
  }

  /** Waits for the last lines, and returns the answers that have none. Those of 429 need none. */
  async missing() {
    await until(async () => this.#missing().length === 0, patienceMs);
    return this.#missing();
  }

  #missing() {
    this.#match();
    return [...this.#answered].filter(([, code]) => code !== "too_many_failures");
  }
}
