// The gateway and its consumer with console and alerts, as built, in one workerd.

import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { secret, token } from "../support/messages.mjs";
import { builtModules, bundled, moduleIn } from "../support/modules.mjs";
import { Heaps } from "./heaps.mjs";

const workerInside = join(root, "tests", "worker", "inside");
/** The first is the entry point. */
const wrapper = ["soak.mjs", "main.mjs", "activity.mjs", "faults.mjs", "footprint.mjs", "object.mjs"];

/** Enough for large bodies, whose messages do not fit the queue. */
export const maxBodyBytes = 300_000;

const gatewayTarget = "core:user:gateway";
const consumerTarget = "core:user:consumer";

/** Failed signatures of one address a minute. */
export const failuresPerMinute = 20;

// For the heaps: garbage is collected before they are measured.
process.env.MINIFLARE_WORKERD_V8_FLAGS = "--expose-gc";

/** @typedef {"kv" | "durable-object"} Mode */

export class World {
  /** @param {Mode} mode @param {{ defect: string, sinkUrl: string, logged: (text: string) => void }} options */
  static async start(mode, options) {
    const world = new World(mode, await bundled("tests/soak/inside/consumer.mjs"), options);
    try {
      await world.miniflare.ready;
      world.gatewayUrl = await world.miniflare.unsafeGetDirectURL("gateway");
      world.consumerUrl = await world.miniflare.unsafeGetDirectURL("consumer");
      world.heaps = await Heaps.connect(await world.miniflare.getInspectorURL());
      await world.sql("CREATE TABLE effects (event_id TEXT NOT NULL)");
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  /**
   * @param {Mode} mode
   * @param {Awaited<ReturnType<typeof bundled>>} consumerModules
   * @param {{ defect: string, sinkUrl: string, logged: (text: string) => void }} options
   */
  constructor(mode, consumerModules, { defect, sinkUrl, logged }) {
    this.mode = mode;
    /** @type {Heaps | undefined} */
    this.heaps = undefined;
    this.gatewayUrl = new URL("http://unset");
    this.consumerUrl = new URL("http://unset");
    const common = {
      compatibilityDate: "2026-10-01",
      modulesRoot: "/",
      // Without the simulator's own Worker.
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    };
    const shared = { CRONOZEN_SIGNING_SECRET: secret, DEFECT: defect };
    this.miniflare = new Miniflare(
      convertV4MiniflareOptions({
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: ({ message }) => logged(message),
        cf: false,
        inspectorPort: 0,
        workers: [
          {
            ...common,
            name: "gateway",
            modules: [
              ...wrapper.map((name) => moduleIn(workerInside, name, "")),
              ...builtModules(join(root, "build", "worker-test-trap"), "/gateway"),
            ],
            bindings: { ...shared, DEDUPE: mode, MAX_BODY_BYTES: String(maxBodyBytes) },
            kvNamespaces: ["SEEN"],
            r2Buckets: ["BODIES"],
            queueProducers: { EVENTS: "cronozen-events" },
            durableObjects: {
              DEDUPER: { className: "Deduper", useSQLite: true },
              ACTIVITY: { className: "Activity", useSQLite: true },
            },
            ratelimits: { FAILURES: { namespace_id: "1001", simple: { limit: failuresPerMinute, period: 60 } } },
          },
          {
            ...common,
            name: "consumer",
            modules: consumerModules,
            bindings: { ...shared, ADMIN_TOKEN: token, SINK_URL: sinkUrl },
            d1Databases: ["DB", "DEAD_LETTERS_DB"],
            r2Buckets: ["BODIES"],
            queueProducers: { EVENTS: "cronozen-events", DEAD_LETTERS: "cronozen-events-dead" },
            queueConsumers: {
              "cronozen-events": {
                maxBatchSize: 10,
                maxBatchTimeout: 0.05,
                maxRetries: 100,
                retryDelay: 0,
                deadLetterQueue: "cronozen-events-dead",
              },
              "cronozen-events-dead": { maxBatchTimeout: 0.05, maxRetries: 100, retryDelay: 0 },
            },
            durableObjects: { ACTIVITY: { className: "Activity", scriptName: "gateway", useSQLite: true } },
          },
        ],
      }),
    );
  }

  async stop() {
    this.heaps?.close();
    await this.miniflare.dispose();
  }

  /** The rows of each query. @param {...string} queries @returns {Promise<any[]>} */
  async sql(...queries) {
    return this.#post(this.consumerUrl, "/soak/sql", queries);
  }

  /** The same, in the database of the dead letters. @param {...string} queries @returns {Promise<any[]>} */
  async deadLettersSql(...queries) {
    return this.#post(this.consumerUrl, "/soak/dead-letters-sql", queries);
  }

  /** @param {{ d1?: string, acknowledgements?: string, aheadMs?: number, isCured?: boolean }} state faults that it does not name end */
  async setConsumer(state) {
    await this.#post(this.consumerUrl, "/soak/state", state);
  }

  /** Sets the clocks of both Workers ahead. @param {number} ms */
  async setAhead(ms) {
    await fetch(new URL(`/soak/clock?ahead=${ms}`, this.gatewayUrl));
    await this.setConsumer({ aheadMs: ms });
  }

  /** Runs the alerts once, as the cron trigger does. */
  async runAlerts() {
    await this.#post(this.consumerUrl, "/soak/alerts", null);
  }

  /** Asks the admin API. @param {string} path @param {object} [change] @returns {Promise<{ status: number, answer: any }>} */
  async ask(path, change) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const init = change === undefined ? {} : { method: "POST", body: JSON.stringify(change) };
    const response = await fetch(new URL(`/console/api/${path}`, this.consumerUrl), { headers, ...init });
    return { status: response.status, answer: await response.json() };
  }

  /** Restarts Durable Objects, with all that they hold in memory. */
  async restartObjects() {
    const restart = { method: "restart", args: [] };
    const shards = Array.from({ length: 16 }, (_, shard) => `/test/object?shard=${shard}`);
    await Promise.all(
      [...(this.mode === "kv" ? [] : shards), "/test/activity"].map((path) =>
        this.#post(this.gatewayUrl, path, restart),
      ),
    );
  }

  /** The heaps of the Workers and the simulators, in MiB, after a collection of the Workers' garbage. */
  async collectedHeaps() {
    // The second collection frees the buffers that the first one finds.
    for (let collection = 0; collection < 2; collection += 1) {
      await Promise.all([this.gatewayUrl, this.consumerUrl].map((url) => fetch(new URL("/soak/collect", url))));
    }
    const usage = (await this.heaps?.usage()) ?? {};
    const { [gatewayTarget]: gateway = 0, [consumerTarget]: consumer = 0, ...others } = usage;
    const simulators = Object.values(others).reduce((sum, one) => sum + one, 0);
    return { gateway, consumer, simulators };
  }

  /** The size of the gateway's WebAssembly memory, in MiB. */
  async wasmMebibytes() {
    const { wasmBytes } = await this.#post(this.gatewayUrl, "/test/observed", null);
    return wasmBytes / 2 ** 20;
  }

  /** @param {URL} base @param {string} path @param {unknown} body @returns {Promise<any>} */
  async #post(base, path, body) {
    const response = await fetch(new URL(path, base), { method: "POST", body: JSON.stringify(body) });
    return response.json();
  }
}
