// Runs the command line as a user does: in a folder of its own, by its built file.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { root } from "../../scripts/command.mjs";

/** A scratch folder, which is removed after the tests. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-cli-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Starts the command line. Its environment has no secrets but the given ones, and none may be in what it prints.
 *
 * @param {string[]} args
 * @param {{ folder?: string, secrets?: Record<string, string>, input?: string }} [options] the folder in which it runs; its
 * standard input, which is empty by default
 */
export function startCli(args, { folder = scratchFolder(), secrets = {}, input = "" } = {}) {
  const env = { ...process.env, CRONOZEN_SIGNING_SECRET: undefined, ADMIN_TOKEN: undefined, ...secrets };
  const child = spawn(process.execPath, [join(root, "pkg", "dist", "cli.js"), ...args], { cwd: folder, env });
  child.stdin.end(input);
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => {
    printed.stdout += data;
  });
  child.stderr.on("data", (data) => {
    printed.stderr += data;
  });
  const ended = once(child, "close").then(([code]) => {
    for (const [name, secret] of Object.entries(secrets)) {
      assert.ok(!`${printed.stdout}${printed.stderr}`.includes(secret), `${name} is printed`);
    }
    return { code: /** @type {number | null} */ (code), ...printed };
  });
  return { child, printed, ended };
}

/**
 * Runs the command line to its end.
 *
 * @param {string[]} args
 * @param {Parameters<typeof startCli>[1]} [options]
 */
export function runCli(args, options) {
  return startCli(args, options).ended;
}

/**
 * Runs the command line with `--json`, and returns the exit code and the object that it prints.
 *
 * @param {string[]} args
 * @param {Parameters<typeof startCli>[1]} [options]
 */
export async function runJson(args, options) {
  const { code, stdout } = await runCli([...args, "--json"], options);
  return { code, json: JSON.parse(stdout) };
}

/**
 * Runs the command line in a terminal of 80 columns, and returns the exit code and what the terminal gets. `answer` is typed
 * when the prompt stands there.
 *
 * @param {string[]} args
 * @param {{ folder: string, answer?: string }} options
 */
export async function runInTerminal(args, { folder, answer }) {
  const words = [process.execPath, join(root, "pkg", "dist", "cli.js"), ...args].map((word) => `'${word}'`);
  const command = `stty columns 80; exec ${words.join(" ")}`;
  const env = { ...process.env, CRONOZEN_SIGNING_SECRET: undefined, ADMIN_TOKEN: undefined, NO_COLOR: "1" };
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: folder, env });
  let screen = "";
  let isAnswered = answer === undefined;
  child.stdout.on("data", (data) => {
    screen += data;
    if (!isAnswered && screen.includes("[y/N] ")) {
      isAnswered = true;
      child.stdin.write(answer);
    }
  });
  const [code] = await once(child, "close");
  return { code: /** @type {number | null} */ (code), screen };
}

/**
 * Serves HTTP on loopback until the tests end. `answer` gets each request with its body.
 *
 * @param {(request: { method: string, url: string, headers: import("node:http").IncomingHttpHeaders, body: string },
 *   response: import("node:http").ServerResponse) => void} answer
 * @returns {Promise<string>} its origin
 */
export async function serve(answer) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const { method = "", url = "", headers } = request;
    answer({ method, url, headers, body: Buffer.concat(chunks).toString() }, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}`;
}

/** Answers with JSON. @param {import("node:http").ServerResponse} response @param {number} status @param {object} body */
export function answerJson(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
