// The console's page: the shell of each view, its policy, and the files that it loads.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { console as adminConsole } from "cronozen-edge/console";
import { messageOf, token } from "../support/messages.mjs";
import { origin, TestConsole } from "./console.mjs";

/** The goals, in bytes after `gzip -9`, a KB of 1,024: growth beyond them is a decision, not an accident. */
const limits = {
  "the page": 80 * 1024,
  // 71,000 of it is the diagnosis, translated from WebAssembly.
  "the script for diagnoses": 84 * 1024,
};

const views = [
  "",
  "/",
  "/deliveries",
  "/deliveries/7",
  "/events",
  "/event?id=evt_1",
  "/dead-letters",
  "/dead-letters/7",
  "/incidents",
  "/incidents/7",
  "/audit",
];

/** @type {TestConsole} */
let tested;
before(async () => {
  tested = await TestConsole.start();
  await tested.bury("m1", messageOf({ eventId: "evt_secret", type: "a.type" }));
});
after(() => tested.stop());

/** The addresses in a shell. @param {string} html */
const addresses = (html) => [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, address = ""]) => address);

/** The text of a file of the page. @param {string} html @param {string} name */
async function asset(html, name) {
  const address = addresses(html).find((one) => one.includes(`/assets/${name}-`)) ?? assert.fail(`no ${name}`);
  return tested.send(address);
}

test("each view is the same shell, without a credential, a setting or data", async () => {
  const shells = new Set();
  const nothing = Object.fromEntries(Object.keys(tested.env).map((name) => [name, undefined]));
  for (const path of views) {
    for (const asked of [{}, { headers: { authorization: `Bearer ${token}` } }, { settings: nothing }]) {
      const { status, text, headers } = await tested.send(`/console${path}`, asked);
      assert.equal(status, 200, path);
      assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("set-cookie"), null);
      shells.add(text);
    }
  }
  const [shell, ...others] = shells;
  assert.deepEqual(others, []);
  assert.match(shell, /^<!doctype html>\n<html lang="en" data-mount="\/console">/);
  for (const secret of [token, "evt_secret", "a.type", "ACCESS_", "ADMIN_TOKEN"]) {
    assert.ok(!shell.includes(secret), secret);
  }
});

test("an unknown path below the mount is a 404 with the shell, any other one has none", async () => {
  const { text: shell } = await tested.send("/console");
  for (const path of ["/other", "/events/", "/events/7", "/deliveries/x", "/incidents/-1", "/api", "//"]) {
    const { status, text } = await tested.send(`/console${path}`);
    assert.deepEqual([status, text], [404, shell], path);
  }
  for (const path of ["/", "/consoles", "/other", "/Console"]) {
    const { status, answer } = await tested.send(path);
    assert.deepEqual([status, answer.code], [404, "not_found"], path);
  }
});

const directives = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
];

test("the policy lets the page load from its own host alone, and the diagnosis connect to nothing", async () => {
  for (const [path, connect] of /** @type {const} */ ([
    ...views.map((view) => [view, "connect-src 'self'"]),
    ["/other", "connect-src 'self'"],
    ["/diagnose", "connect-src 'none'"],
  ])) {
    const { headers } = await tested.send(`/console${path}`);
    assert.deepEqual(headers.get("content-security-policy")?.split("; "), [...directives, connect], path);
  }
});

test("no other site keeps hold of a window of the console, or loads an answer of it", async () => {
  const { text: shell } = await tested.send("/console");
  for (const path of ["/console", "/console/diagnose", "/console/other", "/console/api/status"]) {
    const { headers } = await tested.send(path);
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin", path);
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", path);
  }
  for (const path of addresses(shell)) {
    assert.equal((await tested.send(path)).headers.get("cross-origin-resource-policy"), "same-origin", path);
  }
});

test("the diagnosis is a document of its own, with its own script", async () => {
  const [{ text: shell }, { status, text }] = [await tested.send("/console"), await tested.send("/console/diagnose")];
  assert.equal(status, 200);
  const scripts = [shell, text].map((html) => addresses(html).filter((address) => address.endsWith(".js")));
  assert.match(scripts.join(" "), /^\/console\/assets\/main-\w+\.js \/console\/assets\/diagnose-\w+\.js$/);
});

test("HEAD has the headers of GET, and any other method is refused", async () => {
  const { text: shell } = await tested.send("/console");
  for (const path of ["/console", "/console/diagnose", "/console/other", ...addresses(shell)]) {
    const [get, head] = [await tested.send(path), await tested.send(path, { method: "HEAD" })];
    assert.deepEqual([head.status, head.text], [get.status, ""], path);
    assert.deepEqual([...head.headers], [...get.headers], path);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const { status, headers, answer } = await tested.send(path, { method, headers: { origin } });
      assert.deepEqual([status, answer.code, headers.get("allow")], [405, "method_not_allowed", "GET, HEAD"], path);
    }
  }
});

test("a file of the page has the hash of its text in its name, and stays in caches", async () => {
  const shells = [(await tested.send("/console")).text, (await tested.send("/console/diagnose")).text];
  const found = new Set(shells.flatMap(addresses));
  assert.equal(found.size, 4);
  for (const address of found) {
    const { status, text, headers } = await tested.send(address);
    const [, hash, extension = ""] = /-([0-9a-f]{12})\.(\w+)$/.exec(address) ?? assert.fail(address);
    assert.equal(status, 200);
    assert.equal(createHash("sha256").update(text).digest("hex").slice(0, 12), hash, address);
    assert.equal(headers.get("cache-control"), "public, max-age=31536000, immutable");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    const type = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" }[extension];
    assert.equal(headers.get("content-type"), `${type}; charset=utf-8`);
    const { headers: others, answer } = await tested.send(address.replace(/\w{12}\./, "000000000000."));
    assert.deepEqual([answer.code, others.get("cache-control")], ["not_found", "no-store"], "of an earlier deployment");
  }
  for (const name of ["", "main.js", "toString", "../console", "main", "%2e%2e/main.tsx"]) {
    assert.equal((await tested.send(`/console/assets/${name}`)).status, 404, name);
  }
});

test("all addresses are below another mount path, too", async () => {
  const answer = adminConsole({ deadLetters: tested.letters, mount: "/our/edge-1.0" });
  for (const path of ["", "/", "/events", "/diagnose"]) {
    const response = await answer(new Request(`${origin}/our/edge-1.0${path}`), {});
    const html = await response.text();
    assert.equal(response.status, 200, path);
    assert.match(html, /<html lang="en" data-mount="\/our\/edge-1\.0">/);
    assert.equal(addresses(html).length, 3);
    for (const address of addresses(html)) {
      assert.match(address, /^\/our\/edge-1\.0\/assets\/[\w.-]+$/);
      assert.equal((await answer(new Request(origin + address), {})).status, 200);
    }
  }
  assert.equal((await answer(new Request(`${origin}/console`), {})).status, 404);
});

test("the page is no larger than its limit", async (context) => {
  const { text: shell } = await tested.send("/console");
  const { text: diagnosis } = await tested.send("/console/diagnose");
  const own = [shell, (await asset(shell, "main")).text, (await asset(shell, "style")).text];
  for (const [name, texts, limit] of /** @type {[string, string[], number][]} */ ([
    ["the page", own, limits["the page"]],
    ["the script for diagnoses", [(await asset(diagnosis, "diagnose")).text], limits["the script for diagnoses"]],
  ])) {
    const size = texts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);
    context.diagnostic(`${name}: ${size} bytes of ${limit} after gzip`);
    assert.ok(size <= limit, `${name} has ${size} bytes after gzip, more than ${limit}`);
  }
});
