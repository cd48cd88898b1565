// The gateway, and the consumer of private/worker.js with the console and the alerts, with marked values in all settings.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, Response } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { Canaries } from "../support/canaries.mjs";
import { builtModules, bundled } from "../support/modules.mjs";

const { privateKey, publicKey } = await generateKeyPair("RS256");

const issuer = "https://acme.cloudflareaccess.com";

/** The longest wait for the queue. */
const patienceMs = 30_000;

/** @typedef {{ method?: string, headers?: Record<string, string>, body?: unknown, place?: string, as?: string | null }} Asked */

export class PrivateSystem {
  canaries = new Canaries();
  /** The Workers' log lines. @type {string[]} */
  log = [];
  secret = this.canaries.make("secret", "whsec_");
  next = this.canaries.make("secret", "whsec_");
  token = this.canaries.make("token");
  urls = {
    SLACK_URL: this.#url("slack"),
    FAILING_URL: this.#url("failing"),
    REDIRECTING_URL: this.#url("redirecting"),
    UNREACHABLE_URL: this.#url("unreachable"),
    UNUSABLE_URL: `${this.canaries.make("URL of a sink")}/services`,
    SMTP_URL: `smtp://ops:${this.canaries.make("URL of a sink")}@mail.example`,
    HEARTBEAT_URL: this.#url("heartbeat"),
  };
  storage = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  /** @type {Miniflare} */
  miniflare = /** @type {any} */ (undefined);
  /** The requests of each sink. @type {Record<string, number>} */
  sent = {};

  /** @param {string} name */
  #url(name) {
    return `https://${name}.example/services/${this.canaries.make("URL of a sink")}?key=${this.canaries.make("URL of a sink")}`;
  }

  async start() {
    const common = { compatibilityDate: "2026-10-01", modulesRoot: "/" };
    const secrets = { CRONOZEN_SIGNING_SECRET: this.secret, CRONOZEN_SIGNING_SECRET_NEXT: this.next };
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "ours", alg: "RS256" }] };
    const activity = { className: "Activity", useSQLite: true };
    this.miniflare = new Miniflare(
      convertV4MiniflareOptions({
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: ({ message }) => this.log.push(message),
        cf: false,
        resourcePersistencePath: this.storage,
        workers: [
          {
            ...common,
            name: "consumer",
            modules: await bundled("tests/consumer/private/worker.js"),
            bindings: {
              ...secrets,
              ...this.urls,
              ADMIN_TOKEN: this.token,
              ACCESS_TEAM: "acme",
              ACCESS_AUDIENCE: "our-tag",
            },
            d1Databases: ["DB", "DEAD_LETTERS_DB"],
            r2Buckets: ["BODIES"],
            queueProducers: { EVENTS: "cronozen-events", DEAD_LETTERS: "cronozen-events-dead" },
            queueConsumers: {
              "cronozen-events": { maxBatchTimeout: 0.05, maxRetries: 10, deadLetterQueue: "cronozen-events-dead" },
              "cronozen-events-dead": { maxBatchTimeout: 0.05, maxRetries: 100 },
            },
            durableObjects: { ACTIVITY: { ...activity, scriptName: "gateway" } },
            outboundService: (request) => this.#outside(request, keys),
          },
          {
            ...common,
            name: "gateway",
            modules: builtModules(join(root, "build", "worker"), "/gateway"),
            bindings: { ...secrets, DEDUPE: "durable-object", MAX_BODY_BYTES: 1_000_000 },
            kvNamespaces: ["SEEN"],
            r2Buckets: ["BODIES"],
            queueProducers: { EVENTS: "cronozen-events" },
            durableObjects: { DEDUPER: { className: "Deduper", useSQLite: true }, ACTIVITY: activity },
          },
        ],
      }),
    );
    await this.miniflare.ready;
    const db = await this.miniflare.getD1Database("DB", "consumer");
    await db.prepare("CREATE TABLE numbers (number INTEGER) STRICT").run();
  }

  /** Answers in the place of other hosts, and searches what they get. @param {any} request @param {object} keys */
  async #outside(request, keys) {
    const { hostname, href } = new URL(request.url);
    const [name = ""] = hostname.split(".");
    if (name === "acme") {
      return Response.json(keys);
    }
    this.sent[name] = (this.sent[name] ?? 0) + 1;
    // The URL is the sink's own.
    this.canaries.search("messages of alerts", [[...request.headers], await request.text()]);
    switch (name) {
      case "failing":
        return new Response(href, { status: 500, statusText: "Wrong", headers: { "x-url": href } });
      case "redirecting":
        return new Response(null, { status: 302, headers: { location: href } });
      default:
        return new Response("ok");
    }
  }

  /** An assertion of Access. @param {string} audience */
  async assertion(audience) {
    const assertion = await new SignJWT({ email: "ada@acme.example" })
      .setProtectedHeader({ alg: "RS256", kid: "ours" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime("1h")
      .sign(privateKey);
    // Its claims are those that many have.
    this.canaries.add("assertion", assertion.split(".")[2] ?? "");
    return assertion;
  }

  /** An event whose data is private, and its signature. @param {string} kind @param {string} type @param {number} [bytes] */
  event(kind, type, bytes = 0) {
    const eventId = this.canaries.make("event id", "evt_");
    const data = {
      text: this.canaries.make(kind === "dead" && type.startsWith("test.") ? "text of an error" : kind),
      stack: this.canaries.make(kind),
      large: "x".repeat(bytes),
    };
    const body = JSON.stringify({ eventId, type, createdAt: new Date().toISOString(), data });
    return { eventId, body, signature: this.canaries.addSignature(`${kind}: signature`, sign(body, this.secret)) };
  }

  /** Delivers an event to the gateway. @param {{ body: string, signature: string }} event */
  async deliver({ body, signature }) {
    const gateway = await this.miniflare.getWorker("gateway");
    const headers = { "x-cronozen-signature": signature };
    const response = await gateway.fetch(`http://gateway${webhookPath}`, { method: "POST", body, headers });
    this.canaries.search("answers of the gateway", [[...response.headers], await response.text()]);
    assert.equal(response.status, 202);
  }

  /** Puts messages on the queue of events as they are. @param {unknown[]} bodies */
  async queue(bodies) {
    const producer = await this.miniflare.getQueueProducer("EVENTS", "consumer");
    const messages = bodies.map((body) => ({ body, contentType: typeof body === "string" ? "text" : "json" }));
    await producer.sendBatch(/** @type {any} */ (messages));
  }

  /** Has bindings fail with texts, and sets the sinks. @param {{ failing?: Record<string, string>, sinks?: string }} how */
  async fail(how) {
    await this.miniflare.dispatchFetch("https://edge.example.com/test/fail", {
      method: "POST",
      body: JSON.stringify(how),
    });
  }

  /** Runs the alerts. */
  async alert() {
    const consumer = await this.miniflare.getWorker("consumer");
    await consumer.scheduled({ cron: "*/5 * * * *" });
  }

  /**
   * Asks the console, searches the answer, and returns it. A request has the token, unless `as` has another one or none.
   *
   * @param {string} path
   * @param {Asked} [asked]
   */
  async ask(path, { method = "GET", headers = {}, body, place = "answers of the console", as = this.token } = {}) {
    const own = { "content-type": "application/json", ...(as !== null && { authorization: `Bearer ${as}` }) };
    const response = await this.miniflare.dispatchFetch(`https://edge.example.com/console${path}`, {
      method,
      headers: { ...own, ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    this.canaries.search(place, [response.status, [...response.headers], text]);
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, answer: isJson ? JSON.parse(text) : null };
  }

  /** Waits for lines of the log with all of these texts. @param {number} count @param {...string} texts */
  async logged(count, ...texts) {
    const end = performance.now() + patienceMs;
    for (;;) {
      const found = this.log.filter((line) => texts.every((text) => line.includes(text)));
      if (found.length >= count) {
        return found;
      }
      assert.ok(performance.now() < end, `no ${count} lines with ${texts.join()} in:\n${this.log.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The lines of the log with a text. @param {string} text */
  count(text) {
    return this.log.filter((line) => line.includes(text)).length;
  }

  /** All rows of both databases. */
  async rows() {
    const found = [];
    for (const name of ["DB", "DEAD_LETTERS_DB"]) {
      const db = await this.miniflare.getD1Database(name, "consumer");
      const { results } = await db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '_cf%'")
        .all();
      for (const table of results) {
        found.push(table.name, (await db.prepare(`SELECT * FROM ${table.name}`).all()).results);
      }
    }
    return found;
  }

  /** Stops the Workers, and searches their log and files. */
  async stop() {
    await this.miniflare?.dispose();
    this.canaries.search("log", this.log.join("\n"));
    /** @type {Record<string, string>} */
    const names = { do: "Durable Objects", d1: "files of D1", kv: "KV", r2: "R2", cache: "cache" };
    this.canaries.searchFiles(this.storage, (path) => names[path.split("/")[0] ?? ""] ?? path);
  }

  async remove() {
    await this.miniflare?.dispose();
    rmSync(this.storage, { recursive: true });
  }
}
