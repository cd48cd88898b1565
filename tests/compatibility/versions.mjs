// The last release beside this build: two gateways and two consumers that share every store, as in a gradual deployment.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { secret, token } from "../support/messages.mjs";
import { builtModules, bundled } from "../support/modules.mjs";

/** @typedef {"old" | "new"} Version */

/** The console's page is not in the archive. */
const noPage = `const none = { name: "", text: "" };
export default { main: none, diagnose: none, style: none, icon: none };`;

const here = join(root, "tests", "compatibility");
const source = "inside/consumer.mjs";

/** Unpacks the last release into a folder, and returns the modules of both versions. @param {string} folder */
async function modulesOfBoth(folder) {
  const old = join(folder, "node_modules", "cronozen-edge");
  mkdirSync(old, { recursive: true });
  execFileSync("tar", ["-xzf", join(here, "previous.tar.gz"), "-C", old, "--strip-components=1"]);
  writeFileSync(join(old, "dist", "console-assets.js"), noPage);
  mkdirSync(join(folder, "inside"));
  copyFileSync(join(here, source), join(folder, source));
  const dists = { old: join(old, "dist"), new: join(root, "pkg", "dist") };
  return {
    old: {
      gateway: builtModules(join(dists.old, "worker"), "/gateway"),
      consumer: await bundled(source, { folder, dist: dists.old }),
    },
    new: {
      gateway: builtModules(join(dists.new, "worker"), "/gateway"),
      consumer: await bundled(source, { folder: here, dist: dists.new }),
    },
  };
}

/** Two versions, whose stores outlive a deployment. */
export class Versions {
  #folder = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  #modules = modulesOfBoth(this.#folder);

  /** Deploys both. @param {Version} host whose code runs the Durable Objects */
  async deploy(host) {
    const deployment = new Deployment(host, await this.#modules, join(this.#folder, "stores"));
    try {
      await deployment.miniflare.ready;
      return deployment;
    } catch (error) {
      await deployment.stop();
      throw error;
    }
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }
}

/** The one version's gateway has the Durable Objects, and the other's consumer has the queues. */
export class Deployment {
  /** The number of deliveries that were answered with each status. @type {{ 200: number, 202: number } & Record<number, number>} */
  answers = { 200: 0, 202: 0 };

  /**
   * @param {Version} host
   * @param {Awaited<ReturnType<typeof modulesOfBoth>>} modules
   * @param {string} storage
   */
  constructor(host, modules, storage) {
    this.host = host;
    /** @type {Version} */
    this.guest = host === "old" ? "new" : "old";
    const common = { compatibilityDate: "2026-10-01", modulesRoot: "/", r2Buckets: { BODIES: "bodies" } };
    const producers = { EVENTS: "cronozen-events", DEAD_LETTERS: "cronozen-events-dead" };
    const queue = { maxBatchTimeout: 0.05, maxRetries: 10 };
    // The names say the place and not the version, so that the objects keep their storage.
    const scriptName = "strict-host";
    const gateway = (/** @type {Version} */ version, /** @type {string} */ mode) => {
      const name = `${mode}-${version === host ? "host" : "guest"}`;
      const place = name === scriptName ? {} : { scriptName };
      return {
        ...common,
        name,
        modules: modules[version].gateway,
        bindings: {
          CRONOZEN_SIGNING_SECRET: secret,
          DEDUPE: mode === "strict" ? "durable-object" : "kv",
          MAX_BODY_BYTES: "1048576",
          CF_VERSION_METADATA: { id: `${mode}-${version}`, tag: "" },
        },
        kvNamespaces: { SEEN: "seen" },
        queueProducers: { EVENTS: producers.EVENTS },
        durableObjects: {
          DEDUPER: { className: "Deduper", useSQLite: true, ...place },
          ACTIVITY: { className: "Activity", useSQLite: true, ...place },
        },
      };
    };
    const consumer = (/** @type {Version} */ version) => ({
      ...common,
      name: `consumer-${version}`,
      modules: modules[version].consumer,
      bindings: { CRONOZEN_SIGNING_SECRET: secret, ADMIN_TOKEN: token, VERSION: version },
      d1Databases: { DB: "events" },
      queueProducers: producers,
      durableObjects: { ACTIVITY: { className: "Activity", useSQLite: true, scriptName } },
      ...(version === this.guest && {
        queueConsumers: {
          [producers.EVENTS]: { ...queue, deadLetterQueue: producers.DEAD_LETTERS },
          [producers.DEAD_LETTERS]: queue,
        },
      }),
    });
    const versions = /** @type {const} */ (["old", "new"]);
    this.miniflare = new Miniflare(
      convertV4MiniflareOptions({
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: () => {},
        cf: false,
        resourcePersistencePath: storage,
        workers: [
          ...versions.flatMap((version) => [gateway(version, "strict"), gateway(version, "kv")]),
          ...versions.map(consumer),
        ],
      }),
    );
  }

  async stop() {
    await this.miniflare.dispose();
  }

  /**
   * Delivers a signed body to a version's gateway. Returns the answer's status.
   *
   * @param {Version} version
   * @param {string} body
   * @param {"strict" | "kv"} [mode]
   */
  async deliver(version, body, mode = "strict") {
    const headers = { "x-cronozen-signature": sign(body, secret) };
    const worker = await this.miniflare.getWorker(`${mode}-${version === this.host ? "host" : "guest"}`);
    const response = await worker.fetch(`http://gateway${webhookPath}`, { method: "POST", headers, body });
    await response.text();
    this.answers[response.status] = (this.answers[response.status] ?? 0) + 1;
    return response.status;
  }

  /** Calls a version's consumer as a queue does. @param {Version} version @param {string[]} bodies @returns {Promise<any>} */
  async consume(version, bodies) {
    const messages = bodies.map((body, id) => ({ id: String(id), timestamp: new Date(), attempts: 1, body }));
    return /** @type {any} */ (await this.miniflare.getWorker(`consumer-${version}`)).queue(
      "cronozen-events",
      messages,
    );
  }

  /** The messages of an event that the queue has delivered. @param {string} eventId @returns {Promise<string[]>} */
  async messagesOf(eventId) {
    const messages = await this.#post(this.guest, "/received", "");
    return messages.filter((/** @type {string} */ message) => message.includes(`"${eventId}"`));
  }

  /** @param {string} query @returns {Promise<any[]>} */
  async sql(query) {
    return this.#post(this.host, "/sql", query);
  }

  /** Puts a message on the queue. @param {string} message */
  async send(message) {
    await this.#post(this.host, "/send", message);
  }

  /** The events with these ids that had an effect, each as often as it had one. @param {string[]} eventIds */
  async effects(eventIds) {
    const ids = eventIds.map((eventId) => `'${eventId}'`).join();
    const rows = await this.sql(`SELECT event_id FROM effects WHERE event_id IN (${ids}) ORDER BY event_id`);
    return rows.map(({ event_id }) => event_id);
  }

  /**
   * Asks a version's admin API.
   *
   * @param {Version} version
   * @param {string} path
   * @param {object} [change]
   * @returns {Promise<any>}
   */
  async api(version, path, change) {
    return this.#post(version, `/console/api/${path}`, change === undefined ? undefined : JSON.stringify(change));
  }

  /** @param {Version} version @param {string} path @param {string | undefined} body @returns {Promise<any>} */
  async #post(version, path, body) {
    const worker = await this.miniflare.getWorker(`consumer-${version}`);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const init = body === undefined ? { headers } : { headers, method: "POST", body };
    const response = await worker.fetch(`http://consumer${path}`, init);
    const text = await response.text();
    assert.equal(response.status, 200, `${version} ${path}: ${text}`);
    return JSON.parse(text);
  }
}
