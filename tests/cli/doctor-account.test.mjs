// `doctor --account`: the real wrangler asks a stub of Cloudflare's API.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { runCli } from "./cli.mjs";
import { toml } from "./mistakes.mjs";
import { newProject } from "./project.mjs";

/** The account, as the stub has it. */
const right = {
  queues: /** @type {Record<string, { retention: number, consumers: string[] }>} */ ({
    "cronozen-events": { retention: 1_209_600, consumers: ["cronozen-edge"] },
    "cronozen-events-dead": { retention: 86_400, consumers: ["cronozen-edge"] },
  }),
  databases: ["cronozen-events", "cronozen-dead-letters"],
  secrets: /** @type {Record<string, string[]>} */ ({ "cronozen-edge": ["CRONOZEN_SIGNING_SECRET", "ADMIN_TOKEN"] }),
};

const token = "a-cloudflare-token-91";
let account = right;
/** @type {string[]} The methods and paths that were asked for. */
let asked = [];

const api = createServer((request, response) => {
  const url = new URL(request.url ?? "", "http://api");
  asked.push(`${request.method} ${url.pathname}`);
  const isKnown = request.headers.authorization === `Bearer ${token}`;
  const result = isKnown ? resultOf(url) : undefined;
  const errors =
    result === undefined
      ? [{ code: isKnown ? 10007 : 10000, message: isKnown ? "not found" : "Authentication error" }]
      : [];
  response.writeHead(isKnown ? (result === undefined ? 404 : 200) : 403, { "content-type": "application/json" });
  response.end(JSON.stringify({ success: errors.length === 0, result, errors, messages: [] }));
});

/** @param {URL} url */
function resultOf({ pathname, searchParams }) {
  const [, script] = /\/workers\/scripts\/([^/]+)\/secrets$/.exec(pathname) ?? [];
  if (script !== undefined) {
    return account.secrets[script]?.map((name) => ({ name, type: "secret_text" }));
  }
  if (pathname.endsWith("/d1/database")) {
    return searchParams.get("page") === "1" ? account.databases.map((name) => ({ name, uuid: name })) : [];
  }
  if (pathname.endsWith("/queues")) {
    const name = searchParams.get("name") ?? "";
    const queue = account.queues[name];
    return queue === undefined ? [] : [queueOf(name, queue)];
  }
}

/** @param {string} name @param {{ retention: number, consumers: string[] }} queue */
function queueOf(name, { retention, consumers }) {
  return {
    queue_id: "1",
    queue_name: name,
    created_on: "2026-11-01T00:00:00Z",
    modified_on: "2026-11-01T00:00:00Z",
    producers: [],
    producers_total_count: 0,
    consumers: consumers.map((script) => ({ type: "worker", script })),
    consumers_total_count: consumers.length,
    settings: { delivery_delay: 0, message_retention_period: retention },
  };
}

before(async () => {
  api.listen(0, "127.0.0.1");
  await once(api, "listening");
});
after(() => api.close().closeAllConnections());

/** @param {typeof right} state @param {{ key?: string, environment?: string }} [options] */
async function examine(state, { key = token, environment } = {}) {
  account = state;
  asked = [];
  const project = await newProject();
  if (environment !== undefined) {
    project.write(
      toml,
      `${project.read(toml)}\n[env.${environment}]\nqueues = { consumers = [{ queue = "cronozen-events" }] }\n`,
    );
  }
  const options = environment === undefined ? [] : ["--env", environment];
  const { port } = /** @type {import("node:net").AddressInfo} */ (api.address());
  const { code, stdout, stderr } = await runCli(["doctor", "--account", "--json", ...options], {
    folder: project.folder,
    secrets: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
      CLOUDFLARE_API_TOKEN: key,
      CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef0123456789abcdef",
    },
  });
  assert.equal(stderr, "");
  assert.doesNotMatch(stdout, /token-91/);
  /** @type {{ checks: import("./project.mjs").Finding[] }} */
  const { checks } = JSON.parse(stdout);
  const bad = checks.filter(({ status }) => status !== "ok");
  return { code, checks, bad, codes: bad.map((check) => `${check.status} ${check.code}`) };
}

test("a right account is right, and is only read", async () => {
  const { code, codes, checks } = await examine(right);
  assert.deepEqual([code, codes], [0, []]);
  for (const wanted of [
    "queues_exist",
    "queues_retention",
    "queues_consumed_there",
    "databases_exist",
    "secrets_set",
  ]) {
    assert.ok(
      checks.some((check) => check.code === wanted),
      `${wanted} was not checked`,
    );
  }
  assert.ok(asked.length >= 4 && asked.every((request) => request.startsWith("GET ")), asked.join());
});

test("a queue that does not exist is found", async () => {
  const { "cronozen-events": events, "cronozen-events-dead": dead } = right.queues;
  assert.ok(events && dead);
  const { code, codes, bad } = await examine({ ...right, queues: { "cronozen-events": events } });
  assert.deepEqual([code, codes], [1, ["problem queues_exist"]]);
  assert.match(bad[0]?.cure ?? "", /npx wrangler queues create cronozen-events-dead/);
});

test("a retention that is shorter than the attempts is found", async () => {
  const queues = { ...right.queues, "cronozen-events": { retention: 3600, consumers: ["cronozen-edge"] } };
  const { codes, bad } = await examine({ ...right, queues });
  assert.deepEqual(codes, ["problem queues_retention"]);
  assert.match(
    bad[0]?.message ?? "",
    /^retention of cronozen-events too short: 1 hour, and consume counts on 24 hours$/,
  );
  assert.match(bad[0]?.cure ?? "", /queues update cronozen-events \\\n {2}--message-retention-period-secs 86400$/);
});

test("a consumer that is not deployed is found", async () => {
  const queues = { ...right.queues, "cronozen-events-dead": { retention: 86_400, consumers: [] } };
  assert.deepEqual((await examine({ ...right, queues })).codes, ["problem queues_consumed_there"]);
});

test("a consumer of another name is found", async () => {
  const queues = { ...right.queues, "cronozen-events": { retention: 86_400, consumers: ["shop"] } };
  const { codes, bad } = await examine({ ...right, queues });
  assert.deepEqual(codes, ["problem queues_consumed_there"]);
  assert.match(bad[0]?.message ?? "", /^wrong consumer of cronozen-events: shop consumes it, and cronozen-edge is/);
  assert.match(
    bad[0]?.cure ?? "",
    /\nnpx wrangler queues consumer remove cronozen-events shop\nnpx wrangler deploy --c/,
  );
});

test("a consumer is that of the environment", async () => {
  for (const [script, status] of [
    ["cronozen-edge", "problem"],
    ["cronozen-edge-staging", "ok"],
  ]) {
    const queues = { ...right.queues, "cronozen-events": { retention: 86_400, consumers: [script ?? ""] } };
    const { checks } = await examine({ ...right, queues }, { environment: "staging" });
    assert.equal(checks.find(({ code }) => code === "queues_consumed_there")?.status, status);
  }
});

test("a database that does not exist is found", async () => {
  const { codes, bad } = await examine({ ...right, databases: ["cronozen-events"] });
  assert.deepEqual(codes, ["problem databases_exist"]);
  assert.match(bad[0]?.cure ?? "", /npx wrangler d1 create cronozen-dead-letters/);
});

test("a secret that is not set is found", async () => {
  const { codes, bad } = await examine({ ...right, secrets: { "cronozen-edge": ["ADMIN_TOKEN"] } });
  assert.deepEqual(codes, ["problem secrets_set"]);
  assert.match(bad[0]?.cure ?? "", /npx wrangler secret put CRONOZEN_SIGNING_SECRET --config wrangler\.toml$/);
});

test("a Worker that is not deployed is found", async () => {
  const { codes, bad } = await examine({ ...right, secrets: {} });
  assert.deepEqual(codes, ["problem secrets_set"]);
  assert.match(bad[0]?.message ?? "", /^Worker cronozen-edge not deployed/);
});

test("a login that is refused leaves the account unknown", async () => {
  const { code, codes, bad } = await examine(right, { key: "another-token-91" });
  assert.equal(code, 0);
  assert.deepEqual(codes, ["unknown queues_exist", "unknown databases_exist", "unknown secrets_set"]);
  assert.match(bad[0]?.message ?? "", /^queue cronozen-events not known: .+Authentication error \[code: 10000\]$/);
  assert.match(bad[0]?.cure ?? "", /npx wrangler login/);
});
