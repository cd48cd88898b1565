// A stub of the gateway's Durable Object `Activity`, which lists the accepted events.

import assert from "node:assert/strict";

/** @typedef {import("cronozen-edge/consumer").AcceptedEvent} AcceptedEvent */

export class StubActivity {
  /** @type {AcceptedEvent[]} */
  events = [];
  /** The calls of `accepted`. */
  calls = 0;
  #storeId = crypto.randomUUID();
  #last = 0;
  #queued = 0;

  /** The binding. */
  get namespace() {
    return { idFromName: (/** @type {string} */ name) => name, get: () => this };
  }

  /** Records an accepted event. @param {string} eventId @param {string} at @param {string | null} [type] */
  accept(eventId, at, type = "payment.completed") {
    // Refused deliveries have positions, too.
    this.#last += 3;
    this.#queued += 1;
    this.events.push({ position: this.#last, at, eventId, type, queued: this.#queued });
  }

  /** Accepts events without keeping their records. @param {number} events */
  skip(events) {
    this.#queued += events;
  }

  /** The object is deleted, and starts anew. */
  empty() {
    this.events = [];
    this.#storeId = crypto.randomUUID();
    this.#last = 0;
    this.#queued = 0;
  }

  /** @param {{ after: number, limit: number }} query */
  async accepted({ after, limit }) {
    assert.ok(limit <= 500);
    this.calls += 1;
    const left = this.events.filter(({ position }) => position > after);
    const events = left.slice(0, limit);
    const last = events.at(-1)?.position ?? after;
    return { storeId: this.#storeId, events, next: left.length > limit ? last : null };
  }

  /** @param {string} eventId */
  async erase(eventId) {
    const { length } = this.events;
    this.events = this.events.filter((event) => event.eventId !== eventId);
    return length - this.events.length;
  }
}
