// The faults: in turn, each for a window of the run.

import { setTimeout as sleep } from "node:timers/promises";

/** A window begins in each of these periods, and is open for a fifth of it. */
const periodMs = 5000;
const windowMs = 1000;

/**
 * Faults of the gateway's bindings, by operation, as tests/worker/inside/faults.mjs knows them; or what else happens.
 *
 * @typedef {{ operations?: Record<string, string>, trap?: string, restart?: true }} GatewayFault
 * @type {readonly GatewayFault[]}
 */
export const gatewayFaults = [
  // The most telling ones first: a run of 30 s, as in CI, sees six.
  { operations: { send: "throws an error" } },
  { trap: "unreachable after a wait" },
  { operations: { send: "after 4000 ms" } },
  { restart: true },
  { operations: { put: "throws an error", commit: "throws an error" } },
  { operations: { get: "hangs", acquire: "hangs" } },
  { operations: { send: "hangs" } },
  { trap: "unreachable" },
  { operations: { store: "throws an error" } },
  { operations: { send: "after 1500 ms" } },
  { operations: { get: "throws an error", acquire: "throws a string" } },
  { operations: { send: "fails after 2000 ms" } },
  { operations: { record: "hangs" } },
  { trap: "panic" },
  { operations: { store: "hangs" } },
  { operations: { get: "after 300 ms", acquire: "after 300 ms" } },
  { operations: { put: "after 1000 ms", commit: "after 1000 ms", mark: "throws an error" } },
  { trap: "exception" },
  { operations: { send: "throws synchronously" } },
  { operations: { limit: "throws an error" } },
  { operations: { record: "throws an error" } },
  { trap: "stack overflow" },
  { operations: { limit: "hangs" } },
  { operations: { put: "hangs", commit: "hangs" } },
  { trap: "unreachable in a timer" },
  { operations: { send: "hangs", get: "hangs", put: "hangs", record: "hangs" } },
];

/** Six, so that a run of 30 s sees them all. @type {readonly { d1?: string, acknowledgements?: string }[]} */
export const consumerFaults = [
  { d1: "throws" },
  { acknowledgements: "are lost" },
  { d1: "is late" },
  { d1: "hangs" },
  { acknowledgements: "are late" },
  { d1: "fails after its commit" },
];

/** The faults that leave a lease with a late send: for so long, the event's next attempts may be refused. */
const lateMs = 35_000;

/** Opens the windows, and knows which were open when. */
export class Faults {
  /** The faults of the gateway's bindings at this moment. @type {Record<string, string> | undefined} */
  operations;
  /** The number of windows by what they did. @type {Record<string, number>} */
  counts = {};
  /** @type {{ name: string, detail: string, from: number, to: number }[]} */
  #past = [];
  #random;

  /** @param {import("./random.mjs").Random} random */
  constructor(random) {
    this.#random = random;
  }

  /**
   * Opens one window after the other until `endsAt`, or until the signal.
   *
   * @param {number} endsAt
   * @param {AbortSignal} signal
   * @param {{ trap: (kind: string) => Promise<void>, restart: () => Promise<void>, setConsumer: (state: object) => Promise<void> }} does
   */
  async run(endsAt, signal, does) {
    const next = this.#endless(gatewayFaults);
    const nextOfConsumer = this.#endless(consumerFaults);
    while (performance.now() + periodMs / 2 <= endsAt) {
      signal.throwIfAborted();
      await sleep(periodMs / 2 - windowMs);
      await this.#openGateway(next(), endsAt, does);
      await sleep(periodMs / 2 - windowMs);
      const fault = nextOfConsumer();
      this.#count(Object.entries(fault).flat().join(" "));
      await does.setConsumer(fault);
      await sleep(windowMs);
      await does.setConsumer({});
    }
  }

  /** @param {GatewayFault} fault @param {number} endsAt @param {{ trap: (kind: string) => Promise<void>, restart: () => Promise<void> }} does */
  async #openGateway({ operations, trap, restart }, endsAt, does) {
    if (trap !== undefined) {
      this.#count(`trap: ${trap}`);
      // Several, so that they meet other deliveries.
      await this.#during("trap", `trap: ${trap}`, () =>
        Promise.all([does.trap(trap), sleep(windowMs / 2).then(() => does.trap(trap))]),
      );
    } else if (restart) {
      this.#count("restart of Durable Objects");
      await this.#during("restart", "restart", async () => {
        await does.restart();
        await sleep(windowMs);
      });
    } else if (operations !== undefined) {
      this.#count(Object.entries(operations).flat().join(" "));
      await this.#during("binding", JSON.stringify(operations), async () => {
        this.operations = operations;
        await sleep(Math.max(0, Math.min(windowMs, endsAt - performance.now())));
        this.operations = undefined;
      });
    }
  }

  /** @param {string} name @param {string} detail @param {() => Promise<unknown>} work */
  async #during(name, detail, work) {
    const window = { name, detail, from: performance.now(), to: Number.POSITIVE_INFINITY };
    this.#past.push(window);
    await work();
    window.to = performance.now();
  }

  /** True if such a window was open between two times. @param {string} name @param {number} from @param {number} to */
  wasOpen(name, from, to) {
    return this.#past.some((window) => window.name === name && window.from <= to && window.to >= from);
  }

  /** The windows that were open between two times. @param {number} from @param {number} to */
  windowsIn(from, to) {
    return this.#past.filter((window) => window.from <= to && window.to >= from).map(({ detail }) => detail);
  }

  /**
   * True if a fault explains why an attempt was answered 5xx.
   *
   * @param {string} reason
   * @param {{ startedAt: number, endedAt: number, operations: Record<string, string> | undefined }} attempt
   * @param {number | undefined} lateSendAt the last other attempt of the event whose send failed or was late
   */
  explain(reason, { startedAt, endedAt, operations = {} }, lateSendAt) {
    const trapped = this.wasOpen("trap", startedAt, endedAt);
    if (reason.startsWith("queue send ")) {
      return operations.send !== undefined;
    }
    if (reason.startsWith("bucket put ")) {
      return operations.store !== undefined;
    }
    if (reason.startsWith("deduper granted no lease")) {
      const isLate = lateSendAt !== undefined && startedAt - lateSendAt < lateMs;
      return operations.acquire !== undefined || isLate || trapped;
    }
    if (reason.startsWith("deduper failed")) {
      return operations.acquire !== undefined || trapped || this.wasOpen("restart", startedAt, endedAt);
    }
    return reason === "instance trapped" && trapped;
  }

  /** @template T @param {readonly T[]} faults @returns {() => T} first in their order, then shuffled anew each time */
  #endless(faults) {
    let left = [...faults];
    return () => {
      const fault = left.shift();
      if (left.length === 0) {
        left = this.#random.shuffled(faults);
      }
      return /** @type {T} */ (fault);
    };
  }

  /** @param {string} name */
  #count(name) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}
