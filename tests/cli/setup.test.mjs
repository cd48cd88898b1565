// `setup` through the real wrangler, with a stub in the place of Cloudflare's API.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { runCli } from "./cli.mjs";

const folder = join(root, "examples", "starter");

/** The queues of the account, and their retention in seconds. @type {Map<string, number>} */
const queues = new Map();

/** The most that the account's plan allows. */
let maxSeconds = 1_209_600;

/** The names of queues, and the methods of which the API fails one call. @type {Map<string, Set<string>>} */
const failing = new Map();

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "", "http://stub");
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
  /** @param {number} status @param {unknown} result @param {object[]} [errors] */
  const answer = (status, result, errors = []) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: status === 200, result, errors, messages: [] }));
  };
  const [, id] = /\/queues\/([^/]+)$/.exec(url.pathname) ?? [];
  const name = body.queue_name ?? id ?? url.searchParams.get("name") ?? "";
  const seconds = body.settings?.message_retention_period;
  if (failing.get(name)?.delete(request.method ?? "")) {
    answer(500, null, [{ code: 10_001, message: "internal error" }]);
  } else if (request.method === "GET") {
    const found = [...queues.keys()].filter((queue) => queue === name);
    answer(
      200,
      found.map((queue) => ({
        queue_id: queue,
        queue_name: queue,
        producers_total_count: 0,
        consumers_total_count: 0,
        settings: { message_retention_period: queues.get(queue) },
      })),
    );
  } else if (seconds > maxSeconds) {
    answer(400, null, [{ code: 100_127, message: "message_retention_period exceeds the limit of the plan" }]);
  } else {
    queues.set(name, seconds);
    answer(200, { queue_id: name, queue_name: name });
  }
});

const account = { CLOUDFLARE_API_TOKEN: "token-of-the-stub" };
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  process.env.CLOUDFLARE_API_BASE_URL = `http://127.0.0.1:${port}/client/v4`;
  process.env.CLOUDFLARE_ACCOUNT_ID = "0123456789abcdef0123456789abcdef";
});
after(() => server.close());
beforeEach(() => {
  queues.clear();
  failing.clear();
  maxSeconds = 1_209_600;
});

const patience = { timeout: 120_000 };

/** @param {...string} args */
const setup = (...args) => runCli(["setup", ...args], { folder, secrets: account });

test("setup creates the queues with the longest retention, and can be repeated", patience, async () => {
  const first = await setup();
  assert.equal(first.code, 0, first.stdout + first.stderr);
  assert.equal(
    first.stdout,
    "ok  cronozen-events: created, keeps a message for 14 days\nok  cronozen-events-dead: created, keeps a message for 14 days\n",
  );
  const expected = [
    ["cronozen-events", 1_209_600],
    ["cronozen-events-dead", 1_209_600],
  ];
  assert.deepEqual([...queues], expected);
  const second = await setup("--json");
  assert.deepEqual(JSON.parse(second.stdout), {
    ok: true,
    queues: [
      { name: "cronozen-events", created: false, retentionSeconds: 1_209_600 },
      { name: "cronozen-events-dead", created: false, retentionSeconds: 1_209_600 },
    ],
  });
  assert.deepEqual([...queues], expected);
});

test("setup corrects queues that a deployment has created", patience, async () => {
  queues.set("cronozen-events", 345_600);
  queues.set("cronozen-events-dead", 345_600);
  assert.equal((await setup()).code, 0);
  assert.deepEqual([...queues.values()], [1_209_600, 1_209_600]);
});

test("on the free plan, setup takes 24 hours", patience, async () => {
  maxSeconds = 86_400;
  const { code, stdout } = await setup();
  assert.equal(code, 0);
  assert.match(stdout, /^ok {2}cronozen-events: created, keeps a message for 24 hours, the most of the free plan$/m);
  assert.deepEqual([...queues.values()], [86_400, 86_400]);
});

test("an API that fails ends setup with wrangler's reason", patience, async () => {
  failing.set("cronozen-events-dead", new Set(["GET"]));
  const { code, stdout, stderr } = await setup();
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^failed {2}queue cronozen-events-dead not looked up: .*internal error/);
});

test("a failure of the API does not lower a retention", patience, async () => {
  queues.set("cronozen-events", 1_209_600);
  failing.set("cronozen-events", new Set(["PATCH"]));
  const { code, stderr } = await setup();
  assert.equal(code, 2);
  assert.match(stderr, /^failed {2}queue cronozen-events not set up: .*internal error/);
  assert.deepEqual([...queues], [["cronozen-events", 1_209_600]]);
});

test("a failure of the API does not give a new queue a short retention", patience, async () => {
  failing.set("cronozen-events", new Set(["POST"]));
  assert.equal((await setup()).code, 0);
  assert.deepEqual([...queues.values()], [1_209_600, 1_209_600]);
});

test("without a login, setup says how to log in", patience, async () => {
  const { code, stderr } = await runCli(["setup"], { folder });
  assert.equal(code, 2);
  assert.match(stderr, /Run npx wrangler login\./);
});

test("outside of a project, setup says so", async () => {
  const { code, stderr } = await runCli(["setup"]);
  assert.equal(code, 2);
  assert.equal(stderr, "failed  settings not found: run this in a project's folder, which has a wrangler.toml\n");
});
