// The deliveries that `npm start` sends, and their results.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Complaint, dim, green, red } from "./command.mjs";
import { deliver } from "./delivery.mjs";

/**
 * @typedef {import("./gateway.mjs").Gateway} Gateway
 * @typedef {ReturnType<typeof sample>} Event
 * @typedef {{ id: number, eventId: string | null, reason: string | null, handledAt: string | null }} DeadLetter
 */

/** The queue and three attempts take a few seconds; a machine under load may need longer. */
const patienceMs = 30_000;

/** The shorter wait for each result after one was unexpected. */
const impatienceMs = 5000;

const pollMs = 100;

/** Shows one delivery after the other, and if each has the expected result. */
export class Demonstration {
  #gateway;
  #secret;
  #token;
  #allOk = true;
  /** Zero if the first deliveries fail: they have no effect, so nothing is waited for. */
  #patienceMs = 0;

  /** @param {Gateway} gateway @param {{ secret: string, token: string }} secrets */
  constructor(gateway, { secret, token }) {
    this.#gateway = gateway;
    this.#secret = secret;
    this.#token = token;
  }

  /** Returns true if every result is the expected one. */
  async show() {
    const payment = sample("payment.completed");
    const failsTwice = sample("demo.fails_twice");
    const fails = sample("demo.fails");
    const forged = { ...payment, data: { amount: "0.00", currency: "EUR" } };

    console.log();
    this.#row("signed delivery", "202 accepted", await this.#deliver(payment));
    this.#row("the same again", "200 duplicate", await this.#deliver(payment));
    this.#row("forged", "401 invalid_signature", await this.#deliver(forged, `not ${this.#secret}`));
    this.#patienceMs = this.#allOk ? patienceMs : 0;
    await this.#deliver(failsTwice);
    await this.#deliver(fails);
    this.#row("ledger", "1 row", await this.#rowsOf(payment), `${payment.type} ${payment.eventId}`);
    this.#row("fails twice", "handled at attempt 3", await this.#handled(failsTwice), await this.#rowsOf(failsTwice));
    const letter = await this.#deadLetter(fails);
    this.#row("always fails", "dead letter", letter === undefined ? "nothing" : "dead letter", letter?.reason ?? "");
    this.#row("redriven", "handled, 1 row", await this.#redriven(fails, letter));
    console.log();
    return this.#allOk;
  }

  /**
   * @param {string} what
   * @param {string} expected
   * @param {string} found
   * @param {string} [note]
   */
  #row(what, expected, found, note = "") {
    const ok = found === expected;
    this.#allOk &&= ok;
    this.#patienceMs = Math.min(this.#patienceMs, ok ? patienceMs : impatienceMs);
    const verdict = ok ? green("ok  ") : red("FAIL");
    const details = dim(ok ? note : `expected ${expected}`);
    console.log(`  ${verdict}  ${what.padEnd(15)}  ${found.padEnd(22)}  ${details}`.trimEnd());
  }

  /** @param {Event} event */
  async #deliver(event, secret = this.#secret) {
    const { status, answer } = await deliver(this.#gateway.webhook, JSON.stringify(event), secret);
    return `${status} ${answer.code ?? answer.status}`;
  }

  /** Returns the number of an event's rows in the ledger. Waits for the first. @param {Event} event */
  async #rowsOf({ eventId }) {
    const url = new URL(`/demo/payments?eventId=${eventId}`, this.#gateway.url);
    const rows = await this.#until(async () => (await this.#json(url)).count || undefined);
    return rows === 1 ? "1 row" : `${rows ?? "no"} rows`;
  }

  /** Returns the attempt at which an event was handled, from the log. @param {Event} event */
  async #handled({ eventId }) {
    const isIt = (/** @type {string} */ line) => line.includes('"outcome":"handled"') && line.includes(eventId);
    const line = await this.#gateway.line(isIt, this.#patienceMs);
    return line === undefined ? "nothing" : `handled at attempt ${/"attempt":(\d+)/.exec(line)?.[1]}`;
  }

  /** @param {Event} event @returns {Promise<DeadLetter | undefined>} */
  async #deadLetter({ eventId }) {
    return this.#until(async () => {
      const url = new URL("?all=true&limit=1000", this.#gateway.deadLetters);
      const { deadLetters } = await this.#json(url);
      return deadLetters.find((/** @type {DeadLetter} */ letter) => letter.eventId === eventId);
    });
  }

  /** @param {Event} event @param {DeadLetter} [letter] */
  async #redriven(event, letter) {
    if (letter === undefined) {
      return "nothing";
    }
    await this.#json(new URL(`/dead-letters/${letter.id}/redrive`, this.#gateway.url), "POST");
    const rows = await this.#rowsOf(event);
    return (await this.#deadLetter(event))?.handledAt ? `handled, ${rows}` : "nothing";
  }

  /** @param {URL} url @returns {Promise<any>} */
  async #json(url, method = "GET") {
    const response = await fetch(url, { method, headers: { authorization: `Bearer ${this.#token}` } });
    const text = await response.text();
    if (!response.ok) {
      throw new Complaint(`expected an answer from ${url.pathname}, got ${response.status}: ${text.slice(0, 500)}`);
    }
    return JSON.parse(text);
  }

  /**
   * Repeats `look` until it returns a value. Returns `undefined` if there is none in time.
   *
   * @template T
   * @param {() => Promise<T | undefined>} look
   * @returns {Promise<T | undefined>}
   */
  async #until(look) {
    const end = performance.now() + this.#patienceMs;
    for (;;) {
      const found = await look();
      if (found !== undefined || performance.now() >= end) {
        return found;
      }
      await sleep(pollMs);
    }
  }
}

/** Returns a new event. @param {string} type */
function sample(type) {
  return {
    // Short enough for a row of the terminal.
    eventId: `evt_${randomUUID().slice(0, 8)}`,
    type,
    createdAt: new Date().toISOString(),
    data: { amount: "49.00", currency: "EUR" },
  };
}
