// The README's examples, as they are printed, with requests as they come: good, forged, too large, broken off.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { sign } from "../../scripts/delivery.mjs";
import { build, pathOf } from "./builds.mjs";

const secret = "whsec_test";
process.env.CRONOZEN_SIGNING_SECRET = secret;

const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-readme-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const readme = readFileSync(new URL("../../pkg/README.md", import.meta.url), "utf8");
const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => String(code));

/** @param {string} sign that only this example has */
function example(sign) {
  const found = examples.filter((code) => code.includes(sign));
  assert.equal(found.length, 1, `${found.length} examples have ${sign}`);
  return String(found[0]);
}

let modules = 0;
/**
 * Runs an example as a module.
 *
 * @param {string} code
 */
async function run(code) {
  modules += 1;
  const file = join(folder, `${modules}.mjs`);
  writeFileSync(file, code.replaceAll('"cronozen-edge"', JSON.stringify(pathToFileURL(pathOf("index.js")).href)));
  return import(pathToFileURL(file).href);
}

/** @type {string[]} */
const handled = [];
Object.assign(globalThis, {
  handle: async (/** @type {{ eventId: string }} */ event) => {
    if (event.eventId === "evt_fails") {
      throw new Error("handle failed");
    }
    handled.push(event.eventId);
  },
});

let events = 0;
function newBody() {
  events += 1;
  return JSON.stringify({ eventId: `evt_${events}`, type: "payment.completed", createdAt: "2026-11-24T06:55:00Z" });
}

/** @param {string} body @param {string} [signature] */
function request(body, signature = sign(body, secret)) {
  return new Request("http://localhost/", { method: "POST", body, headers: { "x-cronozen-signature": signature } });
}

/**
 * What every example answers, with a status of its own for success.
 *
 * @param {number} success
 * @param {(request: Request) => Promise<{ status: number }>} serve
 */
async function assertServes(success, serve) {
  const body = newBody();
  const statuses = [];
  for (const delivery of [
    request(body),
    request(body, sign(body, "whsec_other")),
    request(body, ""),
    request("[]"),
    request("x".repeat(2 ** 20 + 1)),
  ]) {
    statuses.push((await serve(delivery)).status);
  }
  assert.deepEqual(statuses, [success, 401, 401, 400, 413]);
}

test("the first example", async () => {
  const body = newBody();
  const given = `const rawBody = ${JSON.stringify(body)};\nconst headers = { "x-cronozen-signature": "${sign(body, secret)}" };\n`;
  await run(given + example("console.log(event.eventId"));
  await assert.rejects(run(given.replace('signature": "', 'signature": "0') + example("console.log(event.eventId")), {
    name: "VerificationError",
  });
});

test("with a Fetch request", async () => {
  const { POST } = await run(example("export async function POST"));
  await assertServes(204, POST);
  assert.equal(handled.at(-1), `evt_${events}`);
  await assert.rejects(POST(request('{"eventId":"evt_fails"}')), /handle failed/);
});

test("Cloudflare Workers", async () => {
  const { VerificationError, Verifier } = await build("index.js");
  Object.assign(globalThis, { VerificationError, Verifier });
  const { default: worker } = await run(example("env.EVENTS.send"));
  /** @type {any[]} */
  const queued = [];
  const env = {
    CRONOZEN_SIGNING_SECRET: secret,
    EVENTS: { send: async (/** @type {any} */ event) => queued.push(event) },
  };
  await assertServes(202, (delivery) => worker.fetch(delivery, env));
  assert.deepEqual(
    queued.map(({ eventId }) => eventId),
    [`evt_${events}`],
  );
});

test("node:http", async () => {
  const { Verifier } = await build("index.js");
  const verifier = new Verifier(secret);
  const code = example("createServer").replace("createServer(", "globalThis.example = (").replace(".listen(3000)", "");
  Object.assign(globalThis, { verifier });
  await run(code);
  const server = createServer(/** @type {any} */ (globalThis).example).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const url = `http://127.0.0.1:${port}/`;
  try {
    await assertServes(204, async (delivery) =>
      fetch(url, { method: "POST", body: await delivery.text(), headers: delivery.headers }),
    );
    assert.equal(handled.at(-1), `evt_${events}`);
    const failing = '{"eventId":"evt_fails"}';
    const headers = { "x-cronozen-signature": sign(failing, secret) };
    assert.equal((await fetch(url, { method: "POST", body: failing, headers })).status, 500);

    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc");
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const body = newBody();
    const again = await fetch(url, { method: "POST", body, headers: { "x-cronozen-signature": sign(body, secret) } });
    assert.equal(again.status, 204, "it serves on after a sender has broken off");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
