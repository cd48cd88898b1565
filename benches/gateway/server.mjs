// A workerd process on its own core, and its costs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Complaint, root } from "../../scripts/command.mjs";

/** The CPU cores of the server and of the load. */
const serverCore = 0;
const loadCore = 1;

export const secret = "whsec_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/** The binary itself: the package `workerd` starts it from a script, which would be another process. */
const platform = process.arch === "arm64" ? "linux-arm64" : "linux-64";
const workerd = join(root, "node_modules", "@cloudflare", `workerd-${platform}`, "bin", "workerd");

/** Pins this process, with all of its threads, to the load's core. */
export async function takeLoadCore() {
  const pinned = spawn("taskset", ["--all-tasks", "--cpu-list", "--pid", String(loadCore), String(process.pid)]);
  const [code] = await once(pinned, "exit").catch(() => {
    throw new Complaint("taskset is missing: it is part of util-linux, for Linux only");
  });
  if (code !== 0) {
    throw new Complaint("expected two cores: one for workerd, one for the load");
  }
}

/** The folder of Durable Objects: in memory, so that the disk's time is not measured. */
const inMemory = "/dev/shm";

/**
 * The running servers.
 *
 * @type {Set<Server>}
 */
const running = new Set();

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.once(signal, () => {
    for (const server of running) {
      server.abandon();
    }
    process.exit(1);
  });
}

export class Server {
  /** @type {number} */
  port = 0;
  /** @type {number | undefined} */
  inspectorPort;
  #process;
  #started;
  #folder;
  #storage;

  /**
   * @param {import("./contenders.mjs").Contender} contender
   * @param {Record<string, string>} settings
   * @param {{ args?: string[], logged?: (line: string) => void }} [options] more arguments for workerd, and the
   * function that receives each line of the log, which is otherwise discarded
   */
  constructor({ name, modules, decides, settings: own }, settings, { args = [], logged } = {}) {
    this.name = name;
    this.decides = decides;
    this.#folder = join(root, "build", "bench", `${name}-${process.pid}-${Math.random()}`.replaceAll(/[^\w-]/g, "-"));
    mkdirSync(this.#folder, { recursive: true });
    this.#storage = mkdtempSync(join(inMemory, "bench-"));
    for (const { path, contents } of modules) {
      const file = join(this.#folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, contents);
    }
    writeFileSync(join(this.#folder, "config.capnp"), configuration(modules, { ...settings, ...own }, this.#storage));
    const command = [workerd, "serve", "--control-fd=3", ...args, "config.capnp"];
    running.add(this);
    this.#started = performance.now();
    this.#process = spawn("taskset", ["--cpu-list", String(serverCore), ...command], {
      cwd: this.#folder,
      stdio: ["ignore", logged ? "pipe" : "ignore", "pipe", "pipe"],
    });
    if (logged !== undefined && this.#process.stdout !== null) {
      createInterface({ input: this.#process.stdout }).on("line", logged);
    }
  }

  /** The time from its start until now, in milliseconds. */
  age() {
    return performance.now() - this.#started;
  }

  /** Waits until it listens. */
  async listening() {
    const [, , stderr, control] = this.#process.stdio;
    let printed = "";
    stderr?.on("data", (data) => {
      printed = `${printed}${data}`.slice(-2000);
    });
    const lines = createInterface({ input: /** @type {import("node:stream").Readable} */ (control) });
    for await (const line of lines) {
      const { event, socket, port } = JSON.parse(line);
      if (event === "listen-inspector") {
        this.inspectorPort = port;
      }
      if (event === "listen" && socket === "http") {
        this.port = port;
        return this;
      }
    }
    throw new Error(`workerd ended: ${printed}`);
  }

  /** The CPU time of all its threads, user's and system's, in microseconds. */
  cpu() {
    let nanoseconds = 0;
    for (const thread of this.#files("task")) {
      nanoseconds += Number(this.#read(`task/${thread}/schedstat`).split(" ", 1));
    }
    return nanoseconds / 1000;
  }

  /** Its resident memory, in MiB. */
  memory() {
    return Number(/VmRSS:\s+(\d+) kB/.exec(this.#read("status"))?.[1]) / 1024;
  }

  async stop() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill("SIGKILL");
      await once(this.#process, "exit");
    }
    this.abandon();
  }

  /** Ends it without waiting. */
  abandon() {
    running.delete(this);
    this.#process.kill("SIGKILL");
    for (const folder of [this.#folder, this.#storage]) {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** @param {string} path */
  #files(path) {
    return readdirSync(`/proc/${this.#process.pid}/${path}`);
  }

  /** @param {string} path */
  #read(path) {
    return readFileSync(`/proc/${this.#process.pid}/${path}`, "utf8");
  }
}

/**
 * @param {import("./contenders.mjs").Module[]} modules
 * @param {Record<string, string>} settings
 * @param {string} storage
 */
function configuration(modules, settings, storage) {
  const embedded = modules.map(({ type, path }) => {
    const name = path.slice(1);
    return `(name = "${name}", ${type === "CompiledWasm" ? "wasm" : "esModule"} = embed "${name}")`;
  });
  const bindings = Object.entries({ CRONOZEN_SIGNING_SECRET: secret, ...settings }).map(
    ([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  # Otherwise nothing that the Worker logs is written.
  logging = (structuredLogging = true),
  services = [
    (name = "main", worker = .gateway),
    (name = "objects", disk = (path = "${storage}", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const gateway :Workerd.Worker = (
  compatibilityDate = "2026-10-01",
  modules = [${embedded.join(", ")}],
  bindings = [${bindings.join(", ")}, (name = "DEDUPER", durableObjectNamespace = "Deduper")],
  durableObjectNamespaces = [(className = "Deduper", uniqueKey = "bench", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
);
`;
}
