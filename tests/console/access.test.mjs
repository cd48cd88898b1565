// Each credential is tried on each route.

import assert from "node:assert/strict";
import { after, before, beforeEach, mock, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { silent } from "../support/log.mjs";
import { token } from "../support/messages.mjs";
import { origin, TestConsole } from "./console.mjs";

/** @typedef {import("./console.mjs").Asked} Asked */

/** @type {TestConsole} */
let tested;
before(async () => {
  tested = await TestConsole.start();
  await tested.bury("m1", "a message");
  await tested.ask("/events");
});
after(() => tested.stop());

// Days later: what happened before does not count.
let day = 0;
beforeEach(() => {
  day += 3;
  mock.timers.reset();
  mock.timers.enable({ apis: ["Date"], now: Date.UTC(2026, 10, day) });
});
after(() => mock.timers.reset());

const routes = /** @type {const} */ ([
  ["GET", "/session"],
  ["GET", "/status"],
  ["GET", "/events"],
  ["GET", "/event?id=evt_1"],
  ["GET", "/dead-letters"],
  ["GET", "/dead-letters/1"],
  ["GET", "/dead-letters/99"],
  ["POST", "/dead-letters/redrive"],
  ["POST", "/dead-letters/prune"],
  ["POST", "/erase"],
  ["GET", "/activity"],
  ["GET", "/outcomes"],
  ["GET", "/deliveries"],
  ["GET", "/losses"],
  ["GET", "/incidents"],
  ["GET", "/incidents/1"],
  ["POST", "/incidents/mute"],
  ["GET", "/audit"],
  ["POST", "/logout"],
  ["GET", "/no-such-route"],
  ["DELETE", "/dead-letters"],
  ["OPTIONS", "/events"],
]);

/** @param {string} method @param {string} path @param {Asked} asked */
async function send(method, path, asked) {
  const body = method === "POST" ? { ids: [1] } : undefined;
  const headers = { "content-type": "application/json", ...asked.headers };
  /** @type {any} */
  let answer;
  await silent(async () => {
    answer = await tested.send(`/console/api${path}`, { method, body, ...asked, headers });
  });
  return /** @type {Awaited<ReturnType<TestConsole["send"]>>} */ (answer);
}

/** Asserts that each route refuses a request, with one answer for all. @param {Asked} asked @param {number} [status] */
async function assertRefused(asked, status = 401) {
  const texts = new Set();
  for (const [method, path] of routes) {
    const { status: found, headers, text, answer } = await send(method, path, asked);
    assert.equal(found, status, `${method} ${path} ${JSON.stringify(asked.headers)}`);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.match(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
    assert.ok(!text.includes(token));
    assert.equal(answer.status, status);
    texts.add(text);
  }
  assert.equal(texts.size, 1, "no answer shows if something exists");
  assert.deepEqual(tested.sent, []);
}

/** @param {string} authorization */
const bearer = (authorization) => ({ headers: { authorization } });

test("without a credential, each route gives the same 401", async () => {
  await assertRefused({});
  const { headers, answer } = await send("GET", "/events", {});
  assert.equal(headers.get("www-authenticate"), "Bearer");
  assert.equal(answer.code, "unauthorized");
});

test("with another token, no route shows anything", async () => {
  for (const authorization of [
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}x`,
    `Bearer x${token}`,
    `Bearer ${token.replace("a", "b")}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${"x".repeat(10_000)}`,
    "Bearer undefined",
  ]) {
    mock.timers.tick(120_000);
    const { status, answer } = await send("GET", "/events", bearer(authorization));
    assert.deepEqual([status, answer.code], [401, "unauthorized"], authorization);
  }
  for (const authorization of ["", "Bearer", "Bearer ", `Bearer ${token} ${token}`, `Basic ${token}`, token]) {
    await assertRefused(bearer(authorization));
  }
});

test("the right token opens each route, whatever the case of Bearer", async () => {
  for (const authorization of [`Bearer ${token}`, `bearer  ${token}`]) {
    for (const [method, path] of routes) {
      const { status } = await send(method, path, { ...bearer(authorization), body: undefined });
      assert.notEqual(status, 401, path);
    }
  }
});

test("without a usable way of access, each route is a 500 that names the setting", async () => {
  for (const [settings, name] of /** @type {const} */ ([
    [{ ADMIN_TOKEN: undefined }, /ADMIN_TOKEN missing/],
    [{ ADMIN_TOKEN: "" }, /ADMIN_TOKEN missing/],
    [{ ADMIN_TOKEN: "x".repeat(31) }, /ADMIN_TOKEN shorter than 32/],
    [{ ADMIN_TOKEN: `${token} ` }, /ADMIN_TOKEN .*white space/],
    [{ ACCESS_TEAM: "acme" }, /ACCESS_TEAM and ACCESS_AUDIENCE/],
    [{ ADMIN_TOKEN: undefined, ACCESS_AUDIENCE: "tag" }, /ACCESS_TEAM and ACCESS_AUDIENCE/],
    [{ ACCESS_TEAM: "acme.evil.com/", ACCESS_AUDIENCE: "tag" }, /ACCESS_TEAM not a team's name/],
  ])) {
    await assertRefused({ ...bearer(`Bearer ${token}`), settings }, 500);
    const { answer } = await send("GET", "/events", { ...bearer("Bearer undefined"), settings });
    assert.equal(answer.code, "misconfigured");
    assert.match(answer.detail, name);
  }
});

test("10,000 wrong tokens do not keep a right one out, and few of them are logged", async () => {
  /** @type {number[]} */
  const statuses = [];
  const lines = await silent(async () => {
    for (let number = 0; number < 10_000; number += 1) {
      const headers = { authorization: `Bearer ${String(number).padStart(32, "0")}` };
      statuses.push((await tested.send("/console/api/events", { headers })).status);
    }
  });
  assert.equal(statuses.filter((status) => status === 401).length, 10);
  assert.equal(statuses.filter((status) => status === 429).length, 9990);
  assert.equal(lines.length, 10);
  assert.equal((await tested.ask("/events")).status, 200);
  assert.equal((await login()).status, 200);
  mock.timers.tick(60_000);
  assert.equal((await send("GET", "/events", bearer("Bearer x"))).status, 401, "after a minute");
});

test("a wrong token takes the same steps over the same bytes, however much of it is right", async (context) => {
  /** @type {string[]} */
  let steps = [];
  for (const name of /** @type {const} */ (["importKey", "sign", "verify", "digest"])) {
    const real = crypto.subtle[name].bind(crypto.subtle);
    context.mock.method(crypto.subtle, name, (/** @type {any[]} */ ...values) => {
      steps.push(`${name} ${values.map((value) => value?.byteLength ?? "").join()}`);
      return /** @type {any} */ (real)(...values);
    });
  }
  const seen = new Set();
  for (let right = 0; right < token.length; right += 1) {
    mock.timers.tick(120_000);
    steps = [];
    await send("GET", "/events", bearer(`Bearer ${token.slice(0, right).padEnd(token.length, "#")}`));
    seen.add(steps.join());
  }
  assert.deepEqual([...seen], ["importKey ,32,,,,sign ,,32,verify ,,32,32"]);
});

/** @param {Record<string, unknown>} [fields] @param {Record<string, string>} [headers] @param {object} [settings] */
function login(fields, headers, settings) {
  const body = { name: "Ada", token, ...fields };
  return send("POST", "/login", { body, headers: { origin, ...headers }, ...(settings && { settings }) });
}

/** @param {Awaited<ReturnType<login>>} answer */
function cookieOf({ headers }) {
  return (headers.get("set-cookie") ?? "").split(";", 1).join();
}

test("a login gives a session of twelve hours, in a cookie that only this host gets", async () => {
  const answer = await login();
  assert.equal(answer.status, 200);
  const expiresAt = new Date(Date.now() + 12 * 3_600_000).toISOString();
  assert.deepEqual(answer.answer, { name: "Ada", by: "session", expiresAt });
  const cookie = answer.headers.get("set-cookie") ?? "";
  assert.match(
    cookie,
    /^__Host-cronozen-console=[\w-]+\.[\w-]+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
  assert.ok(!cookie.includes(token));
  const headers = { cookie: `other=1; ${cookieOf(answer)}; more=2` };
  assert.deepEqual((await send("GET", "/session", { headers })).answer, { name: "Ada", by: "session", expiresAt });
  const out = await send("POST", "/logout", { headers: { ...headers, origin } });
  assert.match(out.headers.get("set-cookie") ?? "", /^__Host-cronozen-console=; Max-Age=0;/);
});

test("a session that has expired, was altered, or is of another token opens nothing", async () => {
  const cookie = cookieOf(await login());
  const [name, value = ""] = cookie.split("=");
  const [payload = "", signature = ""] = value.split(".");
  const other = Buffer.from(JSON.stringify({ name: "Eve", expiresAt: 1e15 })).toString("base64url");
  for (const altered of [
    "",
    ".",
    payload,
    `${other}.${signature}`,
    `${payload}.${signature.slice(1)}`,
    `${payload}.${signature.replace(/^./, (first) => (first === "A" ? "B" : "A"))}`,
    `${payload}.`,
    `${payload}.%%%`,
  ]) {
    await assertRefused({ headers: { cookie: `${name}=${altered}`, origin } });
  }
  const rotated = { ADMIN_TOKEN: "another-token-of-thirty-two-chars" };
  await assertRefused({ headers: { cookie, origin }, settings: rotated });
  assert.equal((await send("GET", "/session", { headers: { cookie } })).status, 200, "the token is back");
  mock.timers.tick(12 * 3_600_000 - 1);
  assert.equal((await send("GET", "/session", { headers: { cookie } })).status, 200);
  mock.timers.tick(1);
  await assertRefused({ headers: { cookie, origin } });
});

test("a login with another token, without a name, or from another site, gives no session", async () => {
  for (const [fields, headers, status] of /** @type {const} */ ([
    [{ token: "x" }, {}, 401],
    [{ token: undefined }, {}, 400],
    [{ name: undefined }, {}, 400],
    [{ name: "" }, {}, 400],
    [{ name: "x".repeat(65) }, {}, 400],
    [{ name: " " }, {}, 400],
    [{ name: "\u202eecilA" }, {}, 400],
    [{ name: "Ada\u200b" }, {}, 400],
    [{ more: "x" }, {}, 400],
    [{}, { origin: "https://evil.example" }, 403],
    [{}, { origin: "null" }, 403],
    [{}, { "content-type": "text/plain" }, 415],
    [{}, { "content-type": "application/x-www-form-urlencoded" }, 415],
  ])) {
    const answer = await login(fields, headers);
    assert.equal(answer.status, status, JSON.stringify([fields, headers]));
    assert.equal(answer.headers.get("set-cookie"), null);
  }
});

test("a change with a session comes from the same origin, or is refused", async () => {
  const cookie = cookieOf(await login());
  const other = ["https://evil.example", "null", "http://edge.example.com", "https://edge.example.com:8443"];
  /** @type {Record<string, string>[]} */
  const foreign = [{}, ...other.map((origin) => ({ origin })), { "sec-fetch-site": "cross-site" }];
  for (const headers of foreign) {
    for (const path of ["/dead-letters/redrive", "/dead-letters/prune", "/erase", "/logout"]) {
      const { status, answer } = await send("POST", path, { headers: { cookie, ...headers } });
      assert.deepEqual([status, answer.code], [403, "cross_site"], JSON.stringify(headers));
    }
  }
  const { status } = await send("POST", "/dead-letters/redrive", { headers: { cookie, origin } });
  assert.equal(status, 200);
  assert.equal(tested.sent.length, 1);
  assert.equal((await tested.ask("/audit")).answer.entries[0].actor, "Ada (session)");
  tested.sent = [];
});

test("a change with the token needs no origin, but not another one", async () => {
  for (const [headers, status] of /** @type {const} */ ([
    [{}, 200],
    [{ origin }, 200],
    [{ origin: "https://evil.example" }, 403],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ cookie: "a=b" }, 403],
  ])) {
    const authorization = `Bearer ${token}`;
    assert.equal(
      (await send("POST", "/dead-letters/redrive", { headers: { authorization, ...headers } })).status,
      status,
    );
  }
  tested.sent = [];
});

// Cloudflare Access.

const access = { ADMIN_TOKEN: undefined, ACCESS_TEAM: "acme", ACCESS_AUDIENCE: "our-tag" };
const issuer = "https://acme.cloudflareaccess.com";

/** @param {string} kid */
async function newKey(kid) {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" } };
}

const ours = await newKey("ours");
const next = await newKey("next");
const unknown = await newKey("unknown");
/** The published keys. */
let published = [ours.jwk];
let fetches = 0;
let fetchFails = false;
before(() => {
  mock.method(globalThis, "fetch", async (/** @type {string} */ url) => {
    assert.equal(url, `${issuer}/cdn-cgi/access/certs`);
    fetches += 1;
    if (fetchFails) {
      throw new Error("network down");
    }
    return Response.json({ keys: published });
  });
});
after(() => mock.restoreAll());

/** @param {Record<string, unknown>} [claims] @param {{ kid: string, privateKey: any }} [key] @param {object} [header] */
function assertion(claims, key = ours, header) {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: issuer, aud: ["our-tag"], email: "ada@acme.example", iat: now, exp: now + 3600, ...claims })
    .setProtectedHeader({ alg: "RS256", kid: key.kid, ...header })
    .sign(key.privateKey);
}

/** @param {string} value */
const asserted = (value) => ({ headers: { "cf-access-jwt-assertion": value }, settings: access });

test("an assertion of Access opens each route, and says who it is", async () => {
  for (const [claims, name] of /** @type {const} */ ([
    [{}, "ada@acme.example"],
    [{ aud: ["other", "our-tag"] }, "ada@acme.example"],
    [{ email: undefined, common_name: "deploy.access" }, "deploy.access"],
  ])) {
    const { status, answer } = await send("GET", "/session", asserted(await assertion(claims)));
    assert.equal(status, 200);
    assert.deepEqual(answer, { name, by: "access" });
  }
  assert.equal(fetches, 1, "the keys are fetched once");
});

test("an assertion that is forged, expired, of another audience, issuer or key, or unsigned, opens nothing", async () => {
  const now = Math.floor(Date.now() / 1000);
  const good = await assertion();
  const [head, payload, signature] = good.split(".");
  const eve = Buffer.from(JSON.stringify({ iss: issuer, aud: ["our-tag"], email: "eve@x", exp: now + 60 }));
  const hmac = await new SignJWT({ iss: issuer, aud: "our-tag", email: "eve@x", exp: now + 60 })
    .setProtectedHeader({ alg: "HS256", kid: "ours" })
    .sign(new TextEncoder().encode(JSON.stringify(ours.jwk)));
  for (const [name, value] of /** @type {const} */ ([
    ["forged", `${head}.${eve.toString("base64url")}.${signature}`],
    ["without its signature", `${head}.${payload}.`],
    ["alg none", new UnsecuredJWT({ iss: issuer, aud: "our-tag", email: "eve@x", exp: now + 60 }).encode()],
    ["HMAC with the public key", hmac],
    ["another audience", await assertion({ aud: ["other"] })],
    ["no audience", await assertion({ aud: undefined })],
    ["another issuer", await assertion({ iss: "https://evil.cloudflareaccess.com" })],
    ["expired", await assertion({ exp: now - 1 })],
    ["no expiry", await assertion({ exp: undefined })],
    ["not yet valid", await assertion({ nbf: now + 60 })],
    ["an unknown key", await assertion({}, unknown)],
    ["an unknown key under a known name", await assertion({}, { kid: "ours", privateKey: unknown.privateKey })],
    ["its own key", await assertion({}, unknown, { jwk: unknown.jwk })],
    ["no name", await assertion({ email: undefined })],
    ["nothing", "x"],
  ])) {
    const { status, answer } = await send("GET", "/events", asserted(value));
    assert.deepEqual([status, answer.code], [401, "access_required"], name);
  }
  await assertRefused(asserted(await assertion({ aud: ["other"] })));
});

test("the log quotes nothing of an assertion that is refused", async () => {
  mock.timers.tick(120_000);
  const own = "chosen by a stranger";
  const head = { alg: "RS256", kid: "ours", crit: [own], [own]: own };
  const [, ...rest] = (await assertion()).split(".");
  const value = [Buffer.from(JSON.stringify(head)).toString("base64url"), ...rest].join(".");
  const lines = await silent(async () => {
    assert.equal((await tested.send("/console/api/events", asserted(value))).status, 401);
  });
  assert.deepEqual(
    lines.map(({ outcome, reason }) => [outcome, reason]),
    [["assertion_refused", "ERR_JOSE_NOT_SUPPORTED"]],
  );
});

test("a new key of Access is fetched when it is first used, at most once a minute", async () => {
  mock.timers.tick(120_000);
  published = [ours.jwk, next.jwk];
  fetches = 0;
  assert.equal((await send("GET", "/session", asserted(await assertion({}, next)))).status, 200);
  assert.equal(fetches, 1);
  for (let number = 0; number < 20; number += 1) {
    assert.equal((await send("GET", "/session", asserted(await assertion({}, unknown)))).status, 401);
  }
  assert.equal(fetches, 1);
  fetchFails = true;
  mock.timers.tick(2 * 3_600_000);
  assert.equal(
    (await send("GET", "/session", asserted(await assertion()))).status,
    200,
    "with the keys that are known",
  );
  const elsewhere = { ...access, ACCESS_TEAM: "elsewhere" };
  const failing = mock.method(globalThis, "fetch", async () => Promise.reject(new Error("network down")));
  for (let number = 0; number < 20; number += 1) {
    const { status, answer } = await send("GET", "/session", { ...asserted("x"), settings: elsewhere });
    assert.deepEqual([status, answer.code], [503, "unavailable"]);
  }
  assert.equal(failing.mock.callCount(), 1, "a failure is remembered for a minute");
  const both = { ...elsewhere, ADMIN_TOKEN: token };
  const headers = { "cf-access-jwt-assertion": "x", authorization: `Bearer ${token}` };
  assert.equal((await send("GET", "/session", { headers, settings: both })).status, 200, "the token needs no keys");
  mock.timers.tick(25 * 3_600_000);
  assert.equal((await send("GET", "/session", asserted(await assertion()))).status, 503, "keys of a day ago");
  failing.mock.restore();
  fetchFails = false;
});

test("with Access alone, the token and the login open nothing", async () => {
  await assertRefused({ ...bearer(`Bearer ${token}`), settings: access });
  assert.equal((await login({}, {}, access)).status, 404);
  assert.equal((await send("GET", "/events", { settings: access })).answer.code, "access_required");
  const both = { ...access, ADMIN_TOKEN: token };
  assert.equal(
    (await send("GET", "/events", { settings: both })).answer.code,
    "unauthorized",
    "the token opens it, too",
  );
});

test("Access on the Worker itself counts only for the right audience", async () => {
  const context = (/** @type {string} */ aud) => ({
    access: { aud, getIdentity: async () => ({ email: "ada@acme.example" }) },
  });
  const { status, answer } = await send("GET", "/session", { settings: access, context: context("our-tag") });
  assert.deepEqual([status, answer], [200, { name: "ada@acme.example", by: "access" }]);
  await assertRefused({ settings: access, context: context("other") });
  await assertRefused({ context: context("our-tag") });
});

test("a read that another site has a browser send is refused", async () => {
  for (const [site, expected] of /** @type {const} */ ([
    ["cross-site", 403],
    ["same-site", 403],
    ["same-origin", 200],
    ["none", 200],
  ])) {
    const { settings, headers } = asserted(await assertion());
    const { status } = await send("GET", "/session", { settings, headers: { ...headers, "sec-fetch-site": site } });
    assert.equal(status, expected, site);
  }
});

test("a cross-site change through Access is refused, one of a service token is not", async () => {
  const value = await assertion({ email: undefined, common_name: "deploy.access" });
  for (const [headers, status] of /** @type {const} */ ([
    [{ origin: "https://evil.example", cookie: "CF_Authorization=x" }, 403],
    [{ cookie: "CF_Authorization=x" }, 403],
    [{ origin, cookie: "CF_Authorization=x" }, 200],
    [{}, 200],
  ])) {
    const asked = asserted(value);
    const found = await send("POST", "/dead-letters/redrive", { ...asked, headers: { ...asked.headers, ...headers } });
    assert.equal(found.status, status, JSON.stringify(headers));
  }
});
