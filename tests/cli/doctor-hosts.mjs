// Hosts that answer in the gateway's place, and what `doctor` says of their URLs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { runCli } from "./cli.mjs";

/** @typedef {import("node:http").RequestListener} RequestListener */

export const html = { "content-type": "text/html; charset=utf-8" };
export const problemJson = { "content-type": "application/problem+json" };
export const healthy = { status: "ok", version: "0.1.0", dedupe: "durable-object", secrets: 1 };
export const refusal = { type: "about:blank", title: "Unauthorized", status: 401, code: "invalid_signature" };

/** Serves on a port of this machine until the test ends. @param {import("node:test").TestContext} t @param {import("node:http").Server} server */
export async function listen(t, server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return `127.0.0.1:${port}`;
}

/** The findings of `doctor` about a URL, in a folder without a project. @param {string} url @param {string} [folder] */
export async function examine(url, folder) {
  const { code, stdout, stderr } = await runCli(["doctor", "--json", url], folder === undefined ? {} : { folder });
  assert.equal(stderr, "");
  /** @type {{ checks: import("./project.mjs").Finding[] }} */
  const { checks } = JSON.parse(stdout);
  const problems = checks.filter(({ status }) => status === "problem");
  return { code, stdout, checks, problems: problems.map((check) => check.code), problem: problems[0] };
}

/** A server whose health is right, and whose webhook answers as given. @param {(url: URL) => { status: number, headers?: Record<string, string>, body?: unknown }} webhook @returns {RequestListener} */
export function host(webhook) {
  return (request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const {
      status,
      headers = {},
      body = "",
    } = url.pathname === "/healthz"
      ? { status: 200, headers: { "content-type": "application/json" }, body: healthy }
      : webhook(url);
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  };
}
