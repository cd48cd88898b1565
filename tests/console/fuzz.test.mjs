// Random requests to the console: each gets a documented answer, a stranger gets no data, and nobody changes anything from
// another site.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { alerts } from "cronozen-edge/alerts";
import fc from "fast-check";
import { assertHolds, patience, text } from "../support/fuzz.mjs";
import { silent } from "../support/log.mjs";
import { messageOf, token } from "../support/messages.mjs";
import { origin, TestConsole } from "./console.mjs";

/** @type {TestConsole} */
let running;
before(async () => {
  running = await TestConsole.start();
  await running.bury("marked", messageOf({ eventId: mark, type: mark }));
  // Opens an incident, which names the dead letter.
  const run = alerts({ deadLetters: running.letters, sinks: () => [{ name: "test", send: async () => {} }] });
  await silent(() => run({}, running.env));
});
after(() => running.stop());

/** A part of the data, which no answer to a stranger holds. */
const mark = "evt_0marked0";

/** The documented pairs of a status and a code. */
const pairs = (() => {
  const reference = readFileSync(new URL("../../docs/reference.md", import.meta.url), "utf8");
  const [, section = ""] = /^## The admin API$(.*?)^### /ms.exec(reference) ?? [];
  return [...section.matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm)].map(([, status, code]) => `${status} ${code}`);
})();

/** The routes, each with its parameters. */
const routes = Object.entries({
  session: "",
  status: "",
  activity: "by from to",
  outcomes: "by from to",
  deliveries: "after before outcome code type address limit",
  events: "type source from to before limit",
  event: "id",
  "dead-letters": "eventId type reason from to state before limit",
  "dead-letters/1": "",
  "dead-letters/redrive": "ids upTo after type reason from to state dryRun",
  "dead-letters/prune": "ids upTo after type reason from to state dryRun",
  erase: "eventId",
  losses: "",
  incidents: "state before limit",
  "incidents/1": "",
  "incidents/mute": "id until",
  audit: "before limit",
  login: "name token",
  logout: "",
});
const changes = ["dead-letters/redrive", "dead-letters/prune", "erase", "incidents/mute", "login", "logout"];

const value = fc.oneof(
  fc.constantFrom(
    "1",
    "0",
    "-1",
    "1e3",
    "200",
    "201",
    "9007199254740993",
    "hour",
    "open",
    "all",
    "ledger",
    "true",
    mark,
  ),
  fc.constantFrom("2026-11-30", "2026-11-30T25:00Z", "2026-02-30", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00Z"),
  fc.constantFrom("[]", "null", "1,2,3", "2026-11-30T00:00:00.000Z", "minute", "day"),
  text,
);

const field = fc.oneof(value, fc.jsonValue(), fc.array(fc.integer(), { maxLength: 30 }), fc.integer(), fc.boolean());

/** A route and its parameters, or any others. @param {[string, string]} route */
function requestOf([route, names]) {
  const own = names.split(" ").filter((name) => name !== "");
  const name = own.length === 0 ? text : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...own) }, text);
  const json = fc
    .array(fc.tuple(name, field), { maxLength: 3 })
    .map((fields) => JSON.stringify(Object.fromEntries(fields)));
  const usual = changes.includes(route) ? "POST" : "GET";
  return fc.record({
    method: fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, method),
    path: fc.constant(`/console/api/${route}`),
    query: fc.array(fc.tuple(name, value), { maxLength: usual === "GET" ? Math.min(own.length + 1, 3) : 0 }),
    headers,
    body: fc.oneof({ weight: 5, arbitrary: json }, text, fc.constant("x".repeat(20_000))),
  });
}

/** Without a letter that a header cannot have. */
const headerText = text.map((any) => any.replace(/[^\x21-\x7e]/g, "").slice(0, 2000));
const headers = fc.record(
  {
    authorization: fc.oneof(
      fc.constantFrom(`Bearer ${token}`, `bearer   ${token}`, `Bearer ${token}x`, "Basic x", "Bearer"),
      headerText.map((any) => `Bearer ${any}`),
    ),
    cookie: fc.oneof(
      headerText,
      headerText.map((any) => `__Host-cronozen-console=${any}`),
      fc.base64String().map((any) => `a=b; __Host-cronozen-console=${any}.${any}`),
    ),
    origin: fc.constantFrom(origin, "https://evil.example", "null", "http://edge.example.com"),
    "sec-fetch-site": fc.constantFrom("same-origin", "same-site", "cross-site", "none"),
    "content-type": fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom("application/json", "application/json; charset=utf-8") },
      fc.constantFrom("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"),
    ),
    "cf-access-jwt-assertion": headerText,
    "cf-connecting-ip": headerText,
  },
  { requiredKeys: [] },
);

/** `HEAD` and `GET` have no body. */
const method = fc.constantFrom("GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "QUERY");

const other = fc.record({
  method,
  path: fc.oneof(
    fc.webPath().map((end) => `/console/api${end}`),
    fc.constantFrom("/", "/console", "/console/", "/console/diagnose", "/console/assets/x.js", "/console/api/"),
  ),
  query: fc.array(fc.tuple(text, value), { maxLength: 2 }),
  headers,
  body: text,
});

const request = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...routes).chain(requestOf) }, other);

/** @typedef {{ method: string, path: string, query: [string, string][], headers: Record<string, string>, body: string }} Asked */

/** @param {Asked} asked */
async function ask({ method, path, query, headers, body }) {
  const url = new URL(path, origin);
  url.search = new URLSearchParams(query).toString();
  const hasBody = method !== "GET" && method !== "HEAD";
  /** @type {Awaited<ReturnType<TestConsole["send"]>>[]} */
  const answers = [];
  const lines = await silent(async () => {
    answers.push(await running.send(url.href, { method, headers, ...(hasBody && { body }) }));
  });
  return { answer: /** @type {(typeof answers)[0]} */ (answers[0]), lines };
}

/** All rows of both databases, and the number of messages on the queue. */
async function state() {
  const found = [];
  for (const db of [running.env.DB, running.env.DEAD]) {
    const { results } = await db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '_cf%'")
      .all();
    for (const { name } of results) {
      found.push(name, (await db.prepare(`SELECT * FROM ${name}`).all()).results);
    }
  }
  return JSON.stringify([found, running.sent.length]);
}

/** @param {Asked} asked @param {Awaited<ReturnType<typeof ask>>} result */
function assertDocumented({ method, path }, { answer: { status, headers, text, answer }, lines }) {
  const isPage = !path.startsWith("/console/api/");
  assert.doesNotMatch(text, /\bat .*\.[mc]?[jt]s\b|SQLITE|D1_ERROR|SELECT |cronozen_dead|node_modules|\/pkg\//);
  assert.ok(!text.includes(token), "the token is answered");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  if (status >= 400 && !(isPage && headers.get("content-type")?.startsWith("text/html"))) {
    assert.equal(headers.get("content-type"), "application/problem+json");
    if (!(isPage && method === "HEAD")) {
      assert.deepEqual([answer.status, answer.type], [status, "about:blank"]);
      assert.ok(pairs.includes(`${status} ${answer.code}`), `${status} ${answer.code} is not documented`);
      assert.equal(status === 405, headers.has("allow"));
    }
  }
  assert.ok(status !== 500 && status !== 503, `${status}: ${JSON.stringify(lines)}`);
  assert.ok(isPage || status === 200 || status >= 400);
  if (!isPage) {
    assert.equal(headers.get("cache-control"), "no-store");
  }
}

test("the documentation has the pairs of a status and a code", () => {
  assert.ok(pairs.length > 12 && pairs.includes("429 too_many_failures"));
});

test("any request with the token gets a documented answer", patience, async () => {
  /** @type {Record<string, number>} */
  const counts = {};
  await assertHolds(
    4000,
    fc.asyncProperty(request, async (asked) => {
      const own = { ...asked, headers: { ...asked.headers, authorization: `Bearer ${token}` } };
      const result = await ask(own);
      assertDocumented(own, result);
      const key = `${result.answer.status} ${result.answer.answer?.code ?? ""}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }),
  );
  // It must have come past the first checks.
  for (const key of [
    "200 ",
    "400 invalid_parameter",
    "403 cross_site",
    "404 not_found",
    "405 method_not_allowed",
    "415 not_json",
  ]) {
    assert.ok((counts[key] ?? 0) > 5, `${key} came ${counts[key] ?? 0} times: ${JSON.stringify(counts)}`);
  }
});

test("a request without a credential gets no data and changes nothing", patience, async () => {
  await running.bury("marked", messageOf({ eventId: mark, type: mark }));
  const before = await state();
  await assertHolds(
    4000,
    fc.asyncProperty(request, async (asked) => {
      const { authorization = "", ...headers } = asked.headers;
      const strange = { ...asked, headers: { ...headers, ...(!authorization.endsWith(token) && { authorization }) } };
      const result = await ask(strange);
      assertDocumented(strange, result);
      const { status, text } = result.answer;
      assert.ok(!text.includes(mark), "data is answered");
      assert.ok(status !== 200 || !asked.path.startsWith("/console/api/"), `${asked.path} is answered 200`);
    }),
  );
  assert.equal(await state(), before);
});

test("a change without the console's origin, or without JSON, changes nothing", patience, async () => {
  await running.bury("marked", messageOf({ eventId: mark, type: mark }));
  const { answer } = await running.post("/dead-letters/prune", { upTo: 9, dryRun: true });
  assert.ok(answer.letters > 0);
  const before = await state();
  const { headers: session } = await running.send("/console/api/login", {
    method: "POST",
    headers: { origin, "content-type": "application/json" },
    body: { name: "Ada", token },
  });
  const cookie = session.get("set-cookie")?.split(";")[0] ?? "";
  assert.match(cookie, /^__Host-cronozen-console=./);
  const until = new Date(Date.now() + 3_600_000).toISOString();
  /** @type {[route: string, fields: object][]} */
  const wanted = [
    ["dead-letters/redrive", { upTo: 99 }],
    ["dead-letters/prune", { upTo: 99 }],
    ["erase", { eventId: mark }],
    ["incidents/mute", { id: 1, until }],
  ];
  const foreign = fc.record({
    change: fc.constantFrom(...wanted),
    headers,
    isJson: fc.boolean(),
    credential: fc.constantFrom("cookie", "token"),
  });
  /** @type {Record<string, number>} */
  const counts = {};
  await assertHolds(
    600,
    fc.asyncProperty(foreign, async ({ change: [route, fields], headers, isJson, credential }) => {
      const own = { ...headers, ...(credential === "cookie" ? { cookie } : { authorization: `Bearer ${token}` }) };
      if (credential === "cookie") {
        delete own.authorization;
      }
      if (isJson) {
        own["content-type"] = "application/json";
        own.origin = own.origin === undefined || own.origin === origin ? "https://evil.example" : own.origin;
      } else if (own["content-type"]?.startsWith("application/json")) {
        own["content-type"] = "text/plain";
      }
      const asked = {
        method: "POST",
        path: `/console/api/${route}`,
        query: [],
        headers: own,
        body: JSON.stringify(fields),
      };
      const { status } = (await ask(/** @type {Asked} */ (asked))).answer;
      assert.ok(status === 403 || status === 415, `answer ${status}`);
      const key = `${credential} ${status}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }),
  );
  assert.equal(await state(), before);
  for (const key of ["cookie 403", "cookie 415", "token 403", "token 415"]) {
    assert.ok((counts[key] ?? 0) > 2, `${key} came ${counts[key] ?? 0} times: ${JSON.stringify(counts)}`);
  }

  // The credentials and the changes are right, so it is the origin and the type that are refused.
  const json = { "content-type": "application/json" };
  for (const [credential, [route, body]] of /** @type {const} */ ([
    [{ cookie, origin }, ["incidents/mute", { id: 1, until }]],
    [{ authorization: `Bearer ${token}` }, ["dead-letters/prune", { upTo: 99 }]],
  ])) {
    const last = await state();
    const path = `/console/api/${route}`;
    const { status, answer } = await running.send(path, { method: "POST", headers: { ...json, ...credential }, body });
    assert.equal(status, 200, route);
    assert.notDeepEqual(answer.pruned, []);
    assert.notEqual(await state(), last, `${route} changes nothing`);
  }
});
