// `wrangler dev` in a project: real workerd, local queues and databases.

import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, on, once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { Failure } from "./output.ts";

/** wrangler starts in two seconds; a machine under load may need much longer. */
const startTimeoutMs = 60_000;

/** The longest that wrangler may take to stop. After that it is killed. */
const stopTimeoutMs = 10_000;

/** The number of printed lines that are kept for an error: wrangler may run for days. */
const keptLines = 1000;

/** Throws a failure if nothing can listen on the port. */
export async function checkPort(port: number): Promise<void> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "is in use" : `cannot be used (${code})`;
    throw new Failure(`port ${port} ${reason}: choose another with --port N`);
  }
  server.close();
  await once(server, "close");
}

export interface DevServerOptions {
  /** The path of wrangler's script. */
  readonly wrangler: string;
  /** The project's folder. */
  readonly folder: string;
  readonly port: number;
  /** Further arguments of `wrangler dev`. */
  readonly args: readonly string[];
  /** Options of Node. */
  readonly execArgv?: readonly string[];
}

/** A running `wrangler dev`. `lines` emits `line` for each line that it prints. */
export class DevServer {
  readonly url: string;
  readonly printed: string[] = [];
  readonly lines = new EventEmitter();
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;

  constructor({ wrangler, folder, port, args, execArgv = [] }: DevServerOptions) {
    this.url = `http://127.0.0.1:${port}`;
    const options = [
      "--local",
      "--ip=127.0.0.1",
      `--port=${port}`,
      // Any free port: several servers may run at once.
      "--inspector-port=0",
      "--show-interactive-dev-session=false",
    ];
    this.#child = spawn(process.execPath, [...execArgv, wrangler, "dev", ...args, ...options], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...quiet, NO_COLOR: "1" },
    });
    this.lines.setMaxListeners(0);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) {
        createInterface({ input: stream }).on("line", (line) => this.#print(tidy(line)));
      }
    }
    this.ended = once(this.#child, "exit");
  }

  #print(line: string): void {
    if (line === "") {
      return;
    }
    this.printed.push(line);
    this.printed.splice(0, this.printed.length - keptLines);
    this.lines.emit("line", line);
  }

  /** Waits until it serves requests. */
  async ready(): Promise<void> {
    const ready = this.line((line) => line.includes("Ready on"), startTimeoutMs);
    const ended = this.ended.then(() => undefined);
    if ((await Promise.race([ready, ended])) === undefined) {
      throw new Failure(`wrangler dev did not start:\n${this.printed.join("\n")}`);
    }
  }

  /**
   * Returns the first line, already printed or still to come, for which `matches` is true. Returns `undefined` if there
   * is none in time.
   */
  async line(matches: (line: string) => boolean, timeoutMs: number): Promise<string | undefined> {
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
      // The time is over.
    }
    return undefined;
  }

  /** Stops wrangler, and workerd with it. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return;
    }
    this.#child.kill("SIGINT");
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), stopTimeoutMs);
    await this.ended;
    clearTimeout(kill);
  }
}

/** Keeps wrangler from sending data to Cloudflare: nothing on this machine needs that. */
export const quiet = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
};

/** Removes colours, which wrangler also writes to pipes. */
function tidy(line: string): string {
  return stripVTControlCharacters(line).trim();
}
