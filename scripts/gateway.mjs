// The gateway and the example consumer in `wrangler dev`: real workerd, local KV, queues and D1.

import { spawn } from "node:child_process";
import { EventEmitter, on, once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { Complaint, root, runQuietly } from "./command.mjs";
import { configuredPath } from "./delivery.mjs";

/** wrangler starts in two seconds; a machine under load may need much longer. */
const startTimeoutMs = 60_000;

/** The longest that wrangler may take to stop. After that it is killed. */
const stopTimeoutMs = 10_000;

/**
 * Throws a complaint if the port cannot be used.
 *
 * @param {number} port
 */
export async function checkPort(port) {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    const reason = code === "EADDRINUSE" ? "is in use" : `cannot be used (${code})`;
    throw new Complaint(`port ${port} ${reason}: choose another with --port N`);
  }
  server.close();
  await once(server, "close");
}

/** The number of printed lines that are kept for an error: wrangler may run for days. */
const keptLines = 1000;

/**
 * Removes colours, which wrangler also writes to files, and corrects the gateway's name: wrangler prints "undefined"
 * when it runs several Workers.
 *
 * @param {string} line
 */
function tidy(line) {
  return stripVTControlCharacters(line).trim().replace("[undefined]", "[cronozen-edge]");
}

const wrangler = join(root, "node_modules", "wrangler", "bin", "wrangler.js");

/**
 * Returns the folder of a gateway's data. Several gateways may run at once.
 *
 * @param {number} port
 */
function storage(port) {
  return join(".wrangler", `state-${port}`);
}

/**
 * Creates the missing tables of the example consumer.
 *
 * @param {number} port
 */
export async function migrate(port) {
  const config = "--config=examples/consumer/wrangler.toml";
  const args = [wrangler, "d1", "migrations", "apply", "DB", "--local", config, `--persist-to=${storage(port)}`];
  await runQuietly(process.execPath, args);
}

/** A running gateway, with the example consumer behind it. `lines` emits `line` for each line that it prints. */
export class Gateway {
  /** @type {string[]} */
  printed = [];
  lines = new EventEmitter();
  /** @type {Promise<unknown>} */
  ended;
  #child;

  /** @param {number} port */
  constructor(port) {
    this.url = `http://127.0.0.1:${port}`;
    this.webhook = new URL(configuredPath(), this.url);
    this.storage = storage(port);
    this.api = new URL("/console/api/", this.url);
    const args = [
      // It must not outlive this script, however that ends.
      `--import=${new URL("ancestors.mjs", import.meta.url)}`,
      wrangler,
      "dev",
      "--config=scripts/demo/wrangler.toml",
      "--config=wrangler.toml",
      "--local",
      "--ip=127.0.0.1",
      `--port=${port}`,
      // Any free port: several gateways may run at once.
      "--inspector-port=0",
      `--persist-to=${this.storage}`,
      "--show-interactive-dev-session=false",
    ];
    this.#child = spawn(process.execPath, args, {
      // wrangler runs the build command in its own working directory.
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    this.lines.setMaxListeners(0);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on("line", (raw) => {
        const line = tidy(raw);
        // Leaves out the requests that the demonstration repeats many times.
        if (line === "" || line.includes(" /console/api/event?")) {
          return;
        }
        this.printed.push(line);
        this.printed.splice(0, this.printed.length - keptLines);
        this.lines.emit("line", line);
      });
    }
    this.ended = once(this.#child, "exit");
  }

  /** Waits until it serves requests. */
  async ready() {
    const ready = this.line((line) => line.includes("Ready on"), startTimeoutMs);
    const ended = this.ended.then(() => undefined);
    if ((await Promise.race([ready, ended])) === undefined) {
      throw new Complaint(`wrangler dev did not start:\n${this.printed.join("\n")}`);
    }
  }

  /**
   * Returns the first line, already printed or still to come, for which `matches` is true. Returns `undefined` if there
   * is none in time.
   *
   * @param {(line: string) => boolean} matches
   * @param {number} timeoutMs
   * @returns {Promise<string | undefined>}
   */
  async line(matches, timeoutMs) {
    const printed = this.printed.find(matches);
    if (printed !== undefined) {
      return printed;
    }
    try {
      for await (const [line] of on(this.lines, "line", { signal: AbortSignal.timeout(timeoutMs) })) {
        if (matches(line)) {
          return line;
        }
      }
    } catch {
      return undefined;
    }
  }

  /**
   * Returns the mistakes in the gateway's settings, as it reports them.
   *
   * @returns {Promise<string[]>}
   */
  async problems() {
    const response = await fetch(new URL("/healthz", this.url));
    const { problems = [] } = /** @type {{ problems?: Record<string, string>[] }} */ (await response.json());
    return problems.map(({ name, expected, found }) => `${name}: expected ${expected}, got ${found}`);
  }

  /** Stops wrangler, and workerd with it. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return;
    }
    this.#child.kill("SIGINT");
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), stopTimeoutMs);
    await this.ended;
    clearTimeout(kill);
  }
}
