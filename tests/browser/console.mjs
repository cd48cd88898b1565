// The console in Chromium, served by a real Worker in `wrangler dev`. Each page is watched: an error on it, a violation of
// its policy or a request to anything but the console fails the test.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as playwright from "playwright-core";
import { DevServer } from "../../pkg/src/cli/dev-server.ts";
import { root } from "../../scripts/command.mjs";
import { deliver, webhookPath } from "../../scripts/delivery.mjs";
import { secret, token } from "../support/messages.mjs";
import { freePort } from "../support/ports.mjs";
import { chromium } from "../support/tools.mjs";

/** @typedef {import("playwright-core").Page} Page */

export { token };

/** wrangler and Chromium start in seconds; a machine may be busy. */
export const patience = { timeout: 120_000, skip: chromium.skip };

const starter = join(root, "examples", "starter");

/** An answer takes milliseconds; a machine may be busy. */
const waitMs = 20_000;
const pollMs = 50;

/** Sizes of the window. */
export const wide = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

/**
 * @typedef {object} Opened
 * @property {string} [as] the operator's name; nobody is logged in if it is empty
 * @property {{ width: number, height: number }} [size]
 * @property {"light" | "dark"} [scheme]
 * @property {string} [zone] the time zone
 * @property {"reduce" | "no-preference"} [motion]
 * @property {Record<string, string>} [headers] of each request
 * @property {RegExp[]} [expected] errors that the test causes
 */

/**
 * The views: the path below the console's, the heading, and the name in the navigation.
 *
 * @type {Record<string, [path: string, heading: string, link: string]>}
 */
export const views = {
  overview: ["", "Overview", "Overview"],
  deliveries: ["/deliveries", "Deliveries", "Deliveries"],
  events: ["/events", "Events", "Events"],
  "dead-letters": ["/dead-letters", "Dead letters", "Dead letters"],
  incidents: ["/incidents", "Incidents", "Incidents"],
  audit: ["/audit", "Audit", "Audit"],
  diagnose: ["/diagnose", "Diagnose a signature", "Diagnose"],
};

/** Runs in the page. */
const reportViolations = `addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  complain("violation: " + violatedDirective + " " + blockedURI))`;

/** The page asks for its session before anybody has logged in. */
const noSession = /^error: Failed to load resource: .* 401 .* \/console\/api\/(session|login)$/;

/** Serves a console to the tests of a file. @param {(served: ServedConsole) => Promise<void>} [fill] its stores */
export function useConsole(fill) {
  const served = new ServedConsole();
  before(async () => {
    if (chromium.skip === false) {
      await served.start();
      await fill?.(served);
    }
  }, patience);
  afterEach(() => served.check());
  after(() => served.stop());
  return served;
}

export class ServedConsole {
  url = "";
  #folder = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  /** @type {string[]} */
  #complaints = [];
  /** @type {import("playwright-core").BrowserContext[]} */
  #contexts = [];
  /** The cookies of the sessions by the operator's name. @type {Map<string, string>} */
  #sessions = new Map();

  async start() {
    const secrets = join(this.#folder, "secrets.env");
    writeFileSync(secrets, `CRONOZEN_SIGNING_SECRET="${secret}"\nADMIN_TOKEN="${token}"\n`);
    this.server = new DevServer({
      wrangler: join(root, "node_modules", "wrangler", "bin", "wrangler.js"),
      folder: starter,
      port: await freePort(),
      args: [
        join(root, "tests", "browser", "worker.ts"),
        "--config=wrangler.toml",
        `--env-file=${secrets}`,
        `--persist-to=${join(this.#folder, "state")}`,
      ],
      execArgv: [`--import=${new URL("../../pkg/src/cli/ancestors.js", import.meta.url)}`],
    });
    this.url = this.server.url;
    // As root, Chromium runs only without its sandbox.
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const [browser] = await Promise.all([
      playwright.chromium.launch({ executablePath: chromium.path, args }),
      this.server.ready(),
    ]);
    this.browser = browser;
    const migrations = join(starter, "migrations");
    const queries = readdirSync(migrations)
      .flatMap((name) => readFileSync(join(migrations, name), "utf8").split(/;\s*$/m))
      .filter((query) => query.trim() !== "");
    const arrivals = "CREATE TABLE test_arrivals (event_id TEXT NOT NULL) STRICT";
    await this.sql("DB", ...[...queries, arrivals].map((query) => ({ query })));
    // The package makes its tables at their first use.
    await this.ask("incidents");
    await this.ask("events");
  }

  async stop() {
    await this.browser?.close();
    await this.server?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Closes the pages of a test, and fails if one of them has had an error. */
  async check() {
    for (const context of this.#contexts.splice(0)) {
      await context.close();
    }
    assert.deepEqual(this.#complaints.splice(0), []);
  }

  /**
   * Opens a path below the console's in a browser context of its own.
   *
   * @param {string} path
   * @param {Opened} [options]
   */
  async open(path, { as = "Ada", size = wide, scheme = "light", zone, motion, headers, expected = [] } = {}) {
    const context = await this.browser?.newContext({
      viewport: size,
      colorScheme: scheme,
      locale: "en-GB",
      timezoneId: zone ?? "Europe/Berlin",
      ...(motion && { reducedMotion: motion }),
      ...(headers && { extraHTTPHeaders: headers }),
      permissions: ["clipboard-read", "clipboard-write"],
    });
    assert.ok(context);
    this.#contexts.push(context);
    if (as !== "") {
      await this.#logIn(context, as);
    }
    context.setDefaultTimeout(waitMs);
    const page = await context.newPage();
    await this.#watch(page, [noSession, ...expected]);
    await page.goto(this.url + path);
    return page;
  }

  /** @param {import("playwright-core").BrowserContext} context @param {string} name */
  async #logIn(context, name) {
    const value = this.#sessions.get(name) ?? (await this.#session(name));
    this.#sessions.set(name, value);
    const cookie = { name: "__Host-cronozen-console", value, url: this.url.replace("http:", "https:") };
    await context.addCookies([{ ...cookie, secure: true, httpOnly: true, sameSite: "Strict" }]);
  }

  /** @param {string} name */
  async #session(name) {
    const response = await fetch(`${this.url}/console/api/login`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.url },
      body: JSON.stringify({ name, token }),
    });
    const [, value = ""] = /^__Host-cronozen-console=([^;]+)/.exec(response.headers.get("set-cookie") ?? "") ?? [];
    assert.notEqual(value, "", await response.text());
    return value;
  }

  /** @param {Page} page @param {RegExp[]} expected */
  async #watch(page, expected) {
    const complain = (/** @type {string} */ text) => {
      if (!expected.some((pattern) => pattern.test(text))) {
        this.#complaints.push(text);
      }
    };
    await page.exposeBinding("complain", (_, text) => complain(text));
    await page.addInitScript({ content: reportViolations });
    page.on("pageerror", (error) => complain(`page error: ${error.stack}`));
    page.on("dialog", (dialog) => {
      complain(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        complain(`${message.type()}: ${message.text()} at ${new URL(message.location().url || this.url).pathname}`);
      }
    });
    page.on("request", (request) => {
      if (request.url() !== `${this.url}/console` && !request.url().startsWith(`${this.url}/console/`)) {
        complain(`request: ${request.url()}`);
      }
    });
  }

  /** Asks the admin API. @param {string} path @param {object} [body] @returns {Promise<any>} */
  async ask(path, body) {
    const response = await fetch(`${this.url}/console/api/${path}`, {
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { method: "POST", body: JSON.stringify(body) }),
    });
    assert.ok(response.ok, `${path}: ${response.status}`);
    return response.json();
  }

  /** Sends an event to the webhook. @param {object} event @param {string} [by] the secret */
  async deliver(event, by = secret) {
    return deliver(new URL(webhookPath, this.url), JSON.stringify(event), by);
  }

  /**
   * Runs statements in a database of the Worker. Returns the rows of the last one.
   *
   * @param {"DB" | "DEAD_LETTERS_DB"} database
   * @param {...{ query: string, values?: unknown[] }} statements
   * @returns {Promise<any[]>}
   */
  async sql(database, ...statements) {
    const results = await this.#post("/test/sql", { database, statements });
    return results.at(-1);
  }

  /** Puts lines and counts into Activity. @param {object} past */
  async fillActivity(past) {
    await this.#post("/test/activity", past);
  }

  /** @param {string} path @param {object} body @returns {Promise<any>} */
  async #post(path, body) {
    const response = await fetch(this.url + path, { method: "POST", body: JSON.stringify(body) });
    const text = await response.text();
    assert.ok(response.ok, `${path}: ${text}`);
    return JSON.parse(text);
  }
}

/** Fills in the login. @param {Page} page @param {string} name */
export async function logIn(page, name, secretToken = token) {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Token").fill(secretToken);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** The heading of a view. @param {Page} page @param {string} name */
export function heading(page, name) {
  return page.getByRole("heading", { level: 1, name, exact: true });
}

/** Waits until a condition is true. @param {() => Promise<boolean>} condition @param {string} name of what is waited for */
export async function until(condition, name, limitMs = waitMs) {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `not within ${limitMs} ms: ${name}`);
    await sleep(pollMs);
  }
}
