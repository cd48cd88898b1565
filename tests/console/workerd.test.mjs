// The console in workerd: Cloudflare Access with its keys, and a session, as on Cloudflare.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, Response } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { token } from "../support/messages.mjs";
import { bundled } from "../support/modules.mjs";
import { close, converse } from "../worker/raw.mjs";

const worker = `
import { console as adminConsole } from "cronozen-edge/console";
import { deadLetters } from "cronozen-edge/consumer";

const letters = deadLetters({
  queue: (env) => env.EVENTS,
  events: (env) => env.EVENTS,
  ledger: (env) => env.DB,
});

export default { fetch: adminConsole({ deadLetters: letters, mount: "/admin" }) };
`;

const issuer = "https://acme.cloudflareaccess.com";
const { privateKey, publicKey } = await generateKeyPair("RS256");

/** @type {Miniflare} */
let miniflare;
let fetches = 0;
before(async () => {
  const folder = join(root, "build", "console");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "worker.mjs"), worker);
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "ours", alg: "RS256" }] };
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: () => {},
      cf: false,
      compatibilityDate: "2026-10-01",
      modulesRoot: "/",
      modules: await bundled("build/console/worker.mjs"),
      bindings: { ADMIN_TOKEN: token, ACCESS_TEAM: "acme", ACCESS_AUDIENCE: "our-tag" },
      d1Databases: ["DB"],
      queueProducers: { EVENTS: "cronozen-events" },
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      outboundService: ({ url }) => {
        fetches += 1;
        return url === `${issuer}/cdn-cgi/access/certs` ? Response.json(keys) : new Response(null, { status: 404 });
      },
    }),
  );
  await miniflare.ready;
});
after(() => miniflare.dispose());

/** A text as body is sent as it is. @param {string} path @param {Record<string, string>} headers @param {object | string} [body] */
async function send(path, headers, body) {
  const request =
    body === undefined ? {} : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) };
  const url = `https://edge.example.com/admin/api/${path}`;
  const response = await miniflare.dispatchFetch(url, { headers, ...request });
  return {
    status: response.status,
    cookie: response.headers.get("set-cookie"),
    answer: /** @type {any} */ (await response.json()),
  };
}

/** @param {string} audience */
function assertion(audience) {
  return new SignJWT({ email: "ada@acme.example" })
    .setProtectedHeader({ alg: "RS256", kid: "ours" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime("1h")
    .sign(privateKey);
}

test("two requests with assertions are verified with keys that were fetched once; a foreign one is refused", async () => {
  for (const [audience, status] of /** @type {const} */ ([
    ["our-tag", 200],
    ["our-tag", 200],
    ["other", 401],
  ])) {
    const headers = { "cf-access-jwt-assertion": await assertion(audience) };
    assert.equal((await send("status", headers)).status, status);
  }
  assert.equal(fetches, 1);
});

test("a login gives a session with which the ledger can be searched", async () => {
  const json = { "content-type": "application/json", origin: "https://edge.example.com" };
  assert.equal((await send("login", json, { name: "Ada", token: `${token}x` })).status, 401);
  const { status, cookie } = await send("login", json, { name: "Ada", token });
  assert.equal(status, 200);
  const session = { cookie: cookie?.split(";", 1).join() ?? "" };
  assert.deepEqual((await send("events", session)).answer, { events: [], next: null });
  assert.deepEqual((await send("dead-letters/redrive", { ...session, ...json }, { dryRun: true })).status, 200);
  assert.equal(
    (await send("dead-letters/redrive", { ...session, "content-type": "application/json" }, {})).status,
    403,
  );
});

test("a body may begin with a byte order mark, as a file of Windows does", async () => {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const { status, answer } = await send("dead-letters/redrive", headers, '\ufeff{"dryRun":true,"type":"é"}');
  assert.deepEqual([status, answer.letters], [200, 0], JSON.stringify(answer));
});

test("a malformed Host is a 404", async () => {
  for (const host of ["x y", "a\r\nHost: b", "[", "x:99999", "%"]) {
    const request = `GET /admin/api/status HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n${close}\r\n`;
    assert.deepEqual((await converse({ miniflare }, [request], 1)).answers, ["404 not_found"], host);
  }
});
