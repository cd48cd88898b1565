// The built Worker in workerd, with a wrapper that injects faults.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { builtModules, moduleIn } from "../support/modules.mjs";

export const secret = "whsec_test";

/** The wrapper around the built Worker. */
const insideFolder = join(root, "tests", "worker", "inside");
const inside = ["main.mjs", "activity.mjs", "faults.mjs", "footprint.mjs", "object.mjs"];

/** The promised time, in milliseconds, within which every delivery is answered. */
export const promisedMs = 4500;

/** Most tests deliver fewer forgeries. */
export const failuresPerMinute = 2000;

/**
 * Faults by operation (`get`, `put`, `store`, `head`, `send`, `acquire`, `commit`, `mark`, `record`, `limit`): `hangs`,
 * `throws an error`, `throws a string`, both also with the text after a colon, `throws an odd error`, `throws an object`,
 * `throws synchronously`, `returns no promise`, `returns a thenable`, `resolves to nothing`, `after N ms`, `fails after N ms`,
 * `pretends after N ms`; or `instance: "fails once"`, for the next instance that is made.
 *
 * @typedef {Record<string, string>} Faults
 * @typedef {object} Options
 * @property {string} [journal] the address of a service that replaces the queue
 * @property {string} [storage] a folder for everything else
 * @property {boolean} [apart] true if the objects of strict mode have an isolate of their own
 * @property {Record<string, string>} [bindings] variables and secrets
 * @typedef {{ status: number, headers: Headers, answer: any, ms: number }} Answered
 * @typedef {{ faults?: Faults, settings?: Record<string, unknown>, headers?: Record<string, string> }} Circumstances
 */

export class TestGateway {
  /**
   * The Worker's log, line by line.
   *
   * @type {string[]}
   */
  log = [];

  /**
   * @param {string} folder of the build, under build/
   * @param {Options} [options]
   */
  static async start(folder = "worker", options) {
    const gateway = new TestGateway(join(root, "build", folder), options);
    try {
      gateway.url = await gateway.miniflare.ready;
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  /** @param {string} build @param {Options} [options] */
  constructor(build, { journal, storage, apart = false, bindings = {} } = {}) {
    this.url = new URL("http://unset");
    const common = {
      compatibilityDate: "2026-10-01",
      modulesRoot: "/",
      // The first is the entry point.
      modules: [...inside.map((name) => moduleIn(insideFolder, name, "")), ...builtModules(build, "/gateway")],
    };
    const deduper = { className: "Deduper", useSQLite: true };
    const objects = { ...common, name: "objects", durableObjects: { DEDUPER: deduper } };
    this.miniflare = new Miniflare(
      convertV4MiniflareOptions({
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: ({ message }) => this.log.push(...message.trim().split("\n")),
        cf: false,
        ...(storage && { resourcePersistencePath: storage }),
        workers: [
          {
            ...common,
            name: "gateway",
            bindings: { CRONOZEN_SIGNING_SECRET: secret, ...(journal && { JOURNAL: journal }), ...bindings },
            kvNamespaces: ["SEEN"],
            r2Buckets: ["BODIES"],
            queueProducers: { EVENTS: "cronozen-events" },
            queueConsumers: { "cronozen-events": { maxBatchTimeout: 0.05 } },
            // Reaches the Worker without the simulator's own Worker.
            unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
            durableObjects: {
              DEDUPER: { ...deduper, ...(apart && { scriptName: "objects" }) },
              ACTIVITY: { className: "Activity", useSQLite: true },
            },
            ratelimits: { FAILURES: { namespace_id: "1001", simple: { limit: failuresPerMinute, period: 60 } } },
          },
          ...(apart ? [objects] : []),
        ],
      }),
    );
  }

  async stop() {
    await this.miniflare.dispose();
  }

  /**
   * Delivers a signed body.
   *
   * @param {string | Uint8Array} body
   * @param {Circumstances} [circumstances]
   * @returns {Promise<Answered>}
   */
  async deliver(body, circumstances = {}) {
    const headers = { "x-cronozen-signature": sign(body, secret), ...circumstances.headers };
    return this.request(webhookPath, { method: "POST", body, headers }, circumstances);
  }

  /**
   * Delivers a signed body many times at once, a thousand at most. Returns the statuses.
   *
   * @param {string} body
   * @param {number} times
   * @param {Circumstances} [circumstances]
   * @returns {Promise<number[]>}
   */
  async crowd(body, times, circumstances = {}) {
    const headers = { "x-cronozen-signature": sign(body, secret) };
    const path = `/test/crowd?times=${times}`;
    return (await this.request(path, { method: "POST", body, headers }, circumstances)).answer;
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   * @param {Circumstances} [circumstances]
   * @returns {Promise<Answered>}
   */
  async request(path, init, circumstances = {}) {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(circumstanceHeaders(circumstances))) {
      headers.set(name, value);
    }
    const started = performance.now();
    const response = await fetch(new URL(path, this.url), { ...init, headers });
    const text = await response.text();
    const ms = performance.now() - started;
    return { status: response.status, headers: response.headers, answer: text === "" ? null : JSON.parse(text), ms };
  }

  /**
   * Waits for the messages of an event, until there are `least` or no more are likely.
   *
   * @param {string} eventId
   * @param {number} least
   * @returns {Promise<{ text: string, message: any }[]>}
   */
  async messages(eventId, least = 1) {
    for (let tries = 0; ; tries += 1) {
      const { received } = await this.observed();
      const messages = received.map((text) => ({ text, message: JSON.parse(text) }));
      const own = messages.filter(({ message }) => message.eventId === eventId);
      // An unwanted message would take as long to come as a wanted one.
      if ((own.length >= least && tries >= 5) || tries >= 50) {
        return own;
      }
      await sleep(50);
    }
  }

  /**
   * Waits for `times` more calls of an operation than in `first`.
   *
   * @param {string} name
   * @param {number} times
   * @param {Record<string, number>} first
   */
  async called(name, times, first) {
    for (let tries = 0; ((await this.observed()).calls[name] ?? 0) < (first[name] ?? 0) + times; tries += 1) {
      assert.ok(tries < 4000, `${name} was not called ${times} times`);
      await sleep(5);
    }
  }

  /**
   * Waits for `least` log lines about an event: they may come after the answer.
   *
   * @param {string} eventId
   * @param {number} least
   */
  async linesOf(eventId, least = 1) {
    for (let tries = 0; this.logged(eventId).length < least && tries < 100; tries += 1) {
      await sleep(20);
    }
    return this.logged(eventId);
  }

  /** @returns {Promise<{ received: string[], calls: Record<string, number>, wasmBytes: number }>} */
  async observed() {
    const response = await fetch(new URL("/test/observed", this.url));
    return /** @type {any} */ (response.json());
  }

  /**
   * Calls a method of one of the Durable Objects.
   *
   * @param {number} shard
   * @param {string} method
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  async object(shard, method, ...args) {
    const url = new URL(`/test/object?shard=${shard}`, this.url);
    const response = await fetch(url, { method: "POST", body: JSON.stringify({ method, args }) });
    return response.json();
  }

  /**
   * Calls a method of the object `Activity`.
   *
   * @param {string} method
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  async activity(method, ...args) {
    const url = new URL("/test/activity", this.url);
    const response = await fetch(url, { method: "POST", body: JSON.stringify({ method, args }) });
    return response.json();
  }

  /** @param {string} eventId */
  async marker(eventId) {
    const store = await this.miniflare.getKVNamespace("SEEN");
    return store.getWithMetadata(`seen:${eventId}`);
  }

  /**
   * The log's lines that contain `text`.
   *
   * @param {string} text
   * @returns {Record<string, any>[]}
   */
  logged(text) {
    return this.log.filter((line) => line.startsWith("{") && line.includes(text)).map((line) => JSON.parse(line));
  }

  /** Sends a whole signed delivery, and leaves its answer unread. @param {string} body @param {Circumstances} circumstances */
  async connectAndSend(body, circumstances) {
    const socket = await this.connect(headFor(body), circumstances);
    socket.write(body);
    return socket;
  }

  /**
   * Writes raw HTTP, so that a test controls the connection.
   *
   * @param {string} head all header lines but `Host`
   * @param {Circumstances} [circumstances]
   */
  async connect(head, circumstances = {}) {
    const socket = connect(Number(this.url.port), this.url.hostname);
    await once(socket, "connect");
    const extra = Object.entries(circumstanceHeaders(circumstances)).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST ${webhookPath} HTTP/1.1\r\nHost: ${this.url.host}\r\n${head}${extra.join("")}\r\n`);
    return socket;
  }
}

/** The header lines of a whole signed delivery, but `Host`. @param {string} body */
export function headFor(body) {
  const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `Content-Type: application/json\r\n${length}X-Cronozen-Signature: ${sign(body, secret)}\r\n`;
}

/** @param {Circumstances} circumstances @returns {Record<string, string>} */
export function circumstanceHeaders({ faults, settings }) {
  return {
    ...(faults && { "x-test-faults": encodeURIComponent(JSON.stringify(faults)) }),
    ...(settings && { "x-test-settings": encodeURIComponent(JSON.stringify(settings)) }),
  };
}

/** An event with a new id. */
export function newEvent(extra = {}) {
  const eventId = `evt_${randomUUID()}`;
  return { eventId, body: JSON.stringify({ eventId, type: "payment.completed", ...extra }) };
}

/** The shard of an event, as the gateway crate chooses it. @param {string} eventId */
export function shardOf(eventId) {
  return (createHash("sha256").update(eventId).digest()[0] ?? 0) % 16;
}

/** @param {{ status: number }[]} answers */
export function countedByStatus(answers) {
  /** @type {Record<number, number>} */
  const counted = {};
  for (const { status } of answers) {
    counted[status] = (counted[status] ?? 0) + 1;
  }
  return counted;
}

/** @template T @param {number} times @param {() => Promise<T>} work */
export function atOnce(times, work) {
  return Promise.all(Array.from({ length: times }, work));
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Reads a connection until it ends, or `ms` have passed.
 *
 * @param {import("node:net").Socket} socket
 * @param {number} ms
 */
export async function readAll(socket, ms) {
  let text = "";
  socket.on("data", (data) => {
    text += data;
  });
  socket.on("error", () => {});
  await Promise.race([once(socket, "close").catch(() => {}), sleep(ms)]);
  socket.destroy();
  return text;
}

/** The resident memory of workerd, in MiB. */
export function residentMebibytes() {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    let status = "";
    try {
      status = readFileSync(`/proc/${pid}/status`, "utf8");
    } catch {
      // It has ended.
    }
    if (status.includes(`PPid:\t${process.pid}\n`) && /^Name:\tworkerd/.test(status)) {
      return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
    }
  }
  return assert.fail("workerd is no child of this process");
}
