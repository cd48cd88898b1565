// Starts each runtime with the loop in it, and asks it to run a contender.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { Complaint, output, root } from "../../scripts/command.mjs";
import { bundled } from "../../tests/support/modules.mjs";
import { median } from "../report.mjs";
import { bodyOf } from "./inside/bodies.mjs";
import { buildNative } from "./native.mjs";

/**
 * @typedef {import("./types.js").Request} Request
 * @typedef {import("./types.js").Reply} Reply
 * @typedef {import("./types.js").Runtime} Runtime
 */

/** The length of a sample, in milliseconds. In workerd the clock is read outside, through a socket. */
const sampleInside = 6;
const sampleOutside = 24;

/** Empty requests before each sample. Their median is the cost of the request itself. */
const emptyRequests = 3;

const tools = join(root, "tests", "runtimes", "node_modules");
const entry = fileURLToPath(new URL("inside/process.mjs", import.meta.url));

/** @type {Record<string, () => Promise<Runtime[]>>} */
const starts = { node, workerd, deno, bun, native };

export const runtimeNames = Object.keys(starts);

/** The runtimes that are installed in tests/runtimes. */
export const installedRuntimes = ["deno", "bun"];

/** @param {string} name */
export function start(name) {
  return starts[name]?.() ?? [];
}

async function node() {
  return [await startProcess("node", process.version, process.execPath, [entry, "node"])];
}

async function deno() {
  const command = findTool(
    "Deno",
    "@deno",
    ["linux-x64-glibc", "linux-arm64-glibc", "darwin-arm64", "darwin-x64"],
    "deno",
  );
  // Deno's type checker and module cache are not needed here.
  const args = ["run", "--no-prompt", "--allow-read", "--allow-env", "--allow-sys", entry, "deno"];
  return [await startProcess("deno", versionOf(command), command, args)];
}

async function bun() {
  const folders = ["bun-linux-x64", "bun-linux-aarch64", "bun-darwin-aarch64", "bun-darwin-x64"];
  const command = findTool("Bun", "@oven", folders, "bin/bun");
  return [await startProcess("bun", versionOf(command), command, ["run", entry, "bun"])];
}

/** The limit: nothing but the HMAC, in Rust. */
async function native() {
  const version = output("rustc", ["--version"]) ?? "";
  // It can neither make bodies nor read JSON.
  const line = (/** @type {Request} */ { body, headers, count }) => `${count} ${headers.cronozen} ${bodyOf(body)}`;
  const built = await buildNative();
  return Promise.all(built.map(({ name, path }) => startProcess(name, version, path, [], line)));
}

/** @param {string} title @param {string} scope @param {string[]} folders @param {string} file */
function findTool(title, scope, folders, file) {
  const path = folders.map((folder) => join(tools, scope, folder, file)).find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new Complaint(`${title} is not installed in tests/runtimes for this machine`);
  }
  return path;
}

/** @param {string} command */
function versionOf(command) {
  return /\d+\.\d+\.\d+/.exec(output(command, ["--version"]) ?? "")?.[0] ?? "unknown";
}

/**
 * @param {string} name
 * @param {string} version
 * @param {string} command
 * @param {string[]} args
 * @param {(request: Request) => string} [encoded] a request as a line
 * @returns {Promise<Runtime>}
 */
async function startProcess(name, version, command, args, encoded = JSON.stringify) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
  });
  const failed = new Promise((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Complaint(`${name} has ended (${code ?? signal})`)));
  });
  // The rejection reaches the caller that waits for a line. At the end there is none.
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value } = /** @type {IteratorResult<string>} */ (await Promise.race([lines.next(), failed]));
    return value === undefined ? failed : JSON.parse(value);
  };
  return {
    name,
    version,
    sample: sampleInside,
    contenders: await line(),
    run: async (request) => {
      child.stdin.write(`${encoded(request)}\n`);
      return line();
    },
    stop: async () => child.kill(),
  };
}

/** @returns {Promise<Runtime[]>} */
async function workerd() {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      compatibilityDate: "2026-10-01",
      compatibilityFlags: ["nodejs_compat"],
      modulesRoot: "/",
      modules: await bundled("benches/verifier/inside/worker.mjs"),
    }),
  );
  const url = await miniflare.ready;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (/** @type {Request} */ body) => timed(url, agent, JSON.stringify(body));
  const response = await fetch(url);
  return [
    {
      name: "workerd",
      version: await workerdVersion(),
      sample: sampleOutside,
      contenders: /** @type {any} */ (await response.json()),
      run: async (request) => {
        const empty = [];
        for (let left = emptyRequests; left > 0; left -= 1) {
          empty.push((await ask({ ...request, count: 0 })).milliseconds);
        }
        const { reply, milliseconds } = await ask(request);
        return { ...reply, milliseconds: milliseconds - median(empty) };
      },
      stop: async () => {
        agent.destroy();
        await miniflare.dispose();
      },
    },
  ];
}

async function workerdVersion() {
  const { version } = (await import("workerd/package.json", { with: { type: "json" } })).default;
  return version;
}

/**
 * @param {URL} url
 * @param {Agent} agent
 * @param {string} body
 * @returns {Promise<{ reply: Reply, milliseconds: number }>}
 */
function timed(url, agent, body) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const sent = request(url, { agent, method: "POST" }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (data) => {
        text += data;
      });
      response.on("end", () => {
        const milliseconds = performance.now() - started;
        resolve({ reply: JSON.parse(text), milliseconds });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
