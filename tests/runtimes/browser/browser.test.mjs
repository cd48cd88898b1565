import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import * as playwright from "playwright-core";
import { build as buildWithVite } from "vite";
import { chromium } from "../../support/tools.mjs";
import { assertGood, patience, project } from "../project.mjs";

const { path, skip } = chromium;

/** @type {Record<string, string>} */
const types = { ".html": "text/html", ".js": "text/javascript" };

const inlined = importMap("index.js");
const noWasm = importMap("no-wasm.js");

/** @param {string} file of the package that a page imports */
function importMap(file) {
  return JSON.stringify({ imports: { "cronozen-edge": `/node_modules/cronozen-edge/dist/${file}` } });
}

/**
 * Pages with native modules, each with its import map and its policy.
 *
 * @type {Record<string, { map: string, policy: string }>}
 */
const pages = {
  "/native.html": { map: inlined, policy: "" },
  "/strict.html": { map: noWasm, policy: "default-src 'self'" },
  "/strict-inlined.html": { map: inlined, policy: "default-src 'self'" },
  "/wasm-allowed.html": { map: inlined, policy: "default-src 'self' 'wasm-unsafe-eval'" },
};

/** @type {string} */
let folder;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("node:http").Server} */
let server;
before(async () => {
  folder = await project(new URL(".", import.meta.url));
  if (skip !== false) {
    return;
  }
  // As root, Chromium runs only without its sandbox.
  browser = await playwright.chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
  server = createServer(serve).listen(0, "127.0.0.1");
  await once(server, "listening");
}, patience);
after(async () => {
  await browser?.close();
  server?.close();
});

/** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
function serve({ url = "" }, response) {
  const page = pages[url];
  if (page !== undefined) {
    // The map itself is inline, so the policy names its hash.
    const hash = createHash("sha256").update(page.map).digest("base64");
    const policy = page.policy === "" ? {} : { "content-security-policy": `${page.policy} 'sha256-${hash}'` };
    response.writeHead(200, { "content-type": "text/html", ...policy });
    response.end(
      `<!doctype html><meta charset="utf-8"><script type="importmap">${page.map}</script><script type="module" src="/page.js"></script>`,
    );
    return;
  }
  const file = join(folder, normalize(url));
  if (!existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
  response.end(readFileSync(file));
}

/** @param {string} url @returns {Promise<{ report?: import("../checks.js").Report, error?: string }>} */
async function open(url) {
  const page = await browser.newPage();
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await page.goto(`http://127.0.0.1:${port}${url}`);
  await page.waitForFunction("globalThis.report !== undefined");
  const outcome = await page.evaluate(
    "report.then((report) => ({ report }), (error) => ({ error: [error, error.cause].join() }))",
  );
  await page.close();
  return /** @type {any} */ (outcome);
}

test("Chromium, native modules", { ...patience, skip }, async () => {
  const { report } = await open("/native.html");
  await assertGood(report ?? assert.fail());
});

test("Chromium, no-wasm under default-src 'self'", { ...patience, skip }, async () => {
  const { report } = await open("/strict.html");
  await assertGood(report ?? assert.fail());
});

test("Chromium, the inlined build under default-src 'self' says what to do", { ...patience, skip }, async () => {
  const { report, error } = await open("/strict-inlined.html");
  assert.equal(report, undefined);
  assert.match(error ?? "", /import cronozen-edge\/no-wasm,CompileError/);
});

test("Chromium, the inlined build under 'wasm-unsafe-eval'", { ...patience, skip }, async () => {
  const { report } = await open("/wasm-allowed.html");
  await assertGood(report ?? assert.fail());
});

test("Chromium, a Vite build", { ...patience, skip }, async () => {
  await buildWithVite({
    root: folder,
    logLevel: "error",
    build: { outDir: "out", emptyOutDir: true, rollupOptions: { input: join(folder, "bundled.html") } },
    base: "./",
  });
  const { report } = await open("/out/bundled.html");
  await assertGood(report ?? assert.fail());
});
