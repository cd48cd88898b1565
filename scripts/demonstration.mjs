// The deliveries that `npm start` sends, and their results.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Complaint, dim, green, red } from "./command.mjs";
import { deliver, webhookPath } from "./delivery.mjs";

/**
 * @typedef {ReturnType<typeof sample>} Event
 * @typedef {{ at: string, outcome: string, attempts?: number, reason?: string, deadLetter?: number }} Happening
 */

/** The queue and three attempts take a few seconds; a machine under load may need longer. */
const patienceMs = 30_000;

/** The shorter wait for each result after one was unexpected. */
const impatienceMs = 5000;

const pollMs = 100;

/** Shows one delivery after the other, and if each has the expected result. */
export class Demonstration {
  #url;
  #secret;
  #token;
  #allOk = true;
  /** The reason of the last happening that was looked at. */
  #reason = "";
  /** Zero if the first deliveries fail: they have no effect, so nothing is waited for. */
  #patienceMs = 0;

  /** @param {string} url the Worker's @param {{ secret: string, token: string }} secrets */
  constructor(url, { secret, token }) {
    this.#url = url;
    this.#secret = secret;
    this.#token = token;
  }

  /** Returns true if every result is the expected one. */
  async show() {
    const works = sample("demo.works");
    const failsTwice = sample("demo.fails_twice");
    const fails = sample("demo.fails");
    const forged = { ...works, data: { amount: "0.00", currency: "EUR" } };

    console.log();
    this.#row("signed delivery", "202 accepted", await this.#deliver(works));
    this.#row("the same again", "200 duplicate", await this.#deliver(works));
    this.#row("forged", "401 invalid_signature", await this.#deliver(forged, `not ${this.#secret}`));
    this.#patienceMs = this.#allOk ? patienceMs : 0;
    await this.#deliver(failsTwice);
    await this.#deliver(fails);
    this.#row("ledger", "handled", await this.#history(works, "handled"), `${works.type} ${works.eventId}`);
    this.#row("fails twice", "handled at attempt 3", await this.#handled(failsTwice));
    this.#row("always fails", "dead", await this.#history(fails, "dead"), this.#reason);
    await this.#redrive(fails);
    this.#row("redriven", "dead, redriven, handled", await this.#history(fails, "handled"));
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
    console.log(`  ${verdict}  ${what.padEnd(15)}  ${found.padEnd(23)}  ${details}`.trimEnd());
  }

  /** @param {Event} event */
  async #deliver(event, secret = this.#secret) {
    const { status, answer } = await deliver(new URL(webhookPath, this.#url), JSON.stringify(event), secret);
    return `${status} ${answer.code ?? answer.status}`;
  }

  /**
   * Waits until an outcome is in an event's history, and returns all that is there.
   *
   * @param {Event} event
   * @param {string} outcome
   */
  async #history(event, outcome) {
    const found = await this.#until(async () => {
      const history = await this.#happenings(event);
      return history.some((happening) => happening.outcome === outcome) ? history : undefined;
    });
    this.#reason = found?.at(-1)?.reason ?? "";
    return found?.map((happening) => happening.outcome).join(", ") ?? "nothing";
  }

  /** @param {Event} event */
  async #handled(event) {
    await this.#history(event, "handled");
    const handled = (await this.#happenings(event)).find(({ outcome }) => outcome === "handled");
    return handled === undefined ? "nothing" : `handled at attempt ${handled.attempts}`;
  }

  /** @param {Event} event */
  async #redrive(event) {
    const dead = (await this.#happenings(event)).find(({ outcome }) => outcome === "dead");
    if (dead !== undefined) {
      await this.#json("dead-letters/redrive", { ids: [dead.deadLetter] });
    }
  }

  /** Returns what the console knows of an event. @param {Event} event @returns {Promise<Happening[]>} */
  async #happenings({ eventId }) {
    return (await this.#json(`event?id=${eventId}`))?.history ?? [];
  }

  /** Asks the admin API. Returns undefined if it knows no such thing. @param {string} path @param {object} [change] */
  async #json(path, change) {
    const url = new URL(`/console/api/${path}`, this.#url);
    const headers = { authorization: `Bearer ${this.#token}`, "content-type": "application/json" };
    const body = change && JSON.stringify(change);
    const response = await fetch(url, { headers, ...(body && { method: "POST", body }) });
    const text = await response.text();
    if (response.status === 404) {
      return undefined;
    }
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
