// The gateway from the tarball, in a project with nothing but wrangler, and without Rust on the PATH.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { before, test } from "node:test";
import { output, root } from "../../../scripts/command.mjs";
import { sign } from "../../../scripts/delivery.mjs";
import { withWrangler } from "../dev.mjs";
import { patience, project, run } from "../project.mjs";

const secret = "whsec_test";

/** The PATH has only Node and the system. */
const env = { ...process.env, PATH: [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter) };

/** Shows the test what was queued: a user's Worker has its own consumer. */
const consumer = `
[[queues.consumers]]
queue = "cronozen-events"
max_batch_timeout = 0
`;

/** @type {string} */
let folder;
/** @type {string} */
let wrangler;
before(async () => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  folder = await project(new URL(".", import.meta.url), [`wrangler@${devDependencies.wrangler}`]);
  const readme = readFileSync(join(root, "pkg", "README.md"), "utf8");
  const [, settings] = /```toml\n(.*?)```/s.exec(readme) ?? assert.fail("the README has no wrangler.toml");
  const [, line] =
    /```js\n(export \{ Activity, default, Deduper \}.*?)```/s.exec(readme) ??
    assert.fail("the README has no worker.js");
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src", "worker.js"), String(line));
  writeFileSync(join(folder, "wrangler.toml"), settings + consumer);
  writeFileSync(join(folder, ".dev.vars"), `CRONOZEN_SIGNING_SECRET="${secret}"\n`);
  wrangler = join(folder, "node_modules", "wrangler", "bin", "wrangler.js");
}, patience);

/**
 * @param {URL} url
 * @param {string} body
 * @param {Record<string, string>} [headers]
 */
async function deliver(url, body, headers = {}) {
  const response = await fetch(url, {
    method: "POST",
    body,
    headers: { "x-cronozen-signature": sign(body, secret), ...headers },
  });
  const answer = /** @type {any} */ (await response.json());
  return `${response.status} ${answer.code ?? answer.status}`;
}

test("Rust is not on the PATH", () => {
  for (const command of ["cargo", "rustc", "rustup"]) {
    assert.equal(output("sh", ["-c", `PATH='${env.PATH}' command -v ${command}`]), undefined, command);
  }
});

test("the gateway in wrangler dev has the documented answers", patience, async () => {
  await withWrangler(folder, wrangler, env, async (url) => {
    const webhook = new URL("/webhooks/cronozen", url);
    const body = '{"eventId":"evt_1","type":"payment.completed"}';
    assert.equal(await deliver(webhook, body), "202 accepted");
    assert.equal(await deliver(webhook, body), "200 duplicate");
    assert.equal(await deliver(webhook, "[]"), "400 invalid_event");
    assert.equal(
      await deliver(webhook, body, { "x-cronozen-signature": sign(body, "whsec_other") }),
      "401 invalid_signature",
    );
    assert.equal(
      await deliver(webhook, JSON.stringify({ eventId: "e", text: "x".repeat(127_000) })),
      "413 body_too_large",
    );
    assert.equal(await deliver(new URL("/webhooks", url), body), "404 not_found");
    assert.equal((await fetch(webhook)).status, 405);
    const health = /** @type {any} */ (await (await fetch(new URL("/healthz", url))).json());
    assert.equal(health.status, "ok");
    assert.equal(health.dedupe, "durable-object");
    assert.match(await slowBody(webhook), /^HTTP\/1\.1 408 .*"code":"body_timeout"/s);
  });
});

/** Sends a body that never ends. @param {URL} url */
async function slowBody({ hostname, port, pathname }) {
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const signature = sign("another body", secret);
  const head = `Host: ${hostname}\r\nContent-Length: 100\r\nX-Cronozen-Signature: ${signature}\r\n\r\n`;
  socket.write(`POST ${pathname} HTTP/1.1\r\n${head}{`);
  let answer = "";
  for await (const data of socket) {
    answer += data;
    if (answer.includes("}")) {
      break;
    }
  }
  return answer;
}

test("a gateway mounted in another Worker uses that Worker's settings and queue", patience, async () => {
  const settings = readFileSync(join(folder, "wrangler.toml"), "utf8").replace("src/worker.js", "mounted.mjs");
  writeFileSync(join(folder, "wrangler.toml"), settings);
  await withWrangler(folder, wrangler, env, async (url, printed) => {
    assert.equal(await (await fetch(url)).text(), "mine");
    const webhook = new URL("/hooks/cronozen", url);
    const body = '{"eventId":"evt_2","type":"payment.completed","createdAt":"2020-01-01T00:00:00Z"}';
    /** @param {Record<string, unknown>} settings */
    const withSettings = (settings) => deliver(webhook, body, { "x-test-settings": JSON.stringify(settings) });
    assert.equal(await withSettings({ DEDUPE: "kv" }), "202 accepted");
    assert.equal(await withSettings({ DEDUPE: "kv" }), "200 duplicate");
    assert.equal(await withSettings({ REPLAY: "refuse" }), "422 event_too_old");
    assert.equal(await withSettings({ CRONOZEN_SIGNING_SECRET: "" }), "500 misconfigured");
    assert.equal(await deliver(webhook, body, { "x-test-broken-queue": "yes" }), "503 unavailable");
    assert.equal(await deliver(webhook, body), "202 accepted");
    assert.equal(await deliver(webhook, body), "200 duplicate");
    while (!printed().includes("queued")) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.ok(printed().includes(`"event":${body}}`), printed());
  });
});

test("wrangler can deploy it", patience, async () => {
  const printed = await run(folder, process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", "out"], env);
  assert.match(printed, /env\.EVENTS \(cronozen-events\)/);
});
