// `doctor` with a URL: it is content with the real gateway, and names what answers in its place.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../support/ports.mjs";
import { runCli, scratchFolder } from "./cli.mjs";
import { examine, healthy, host, html, listen, problemJson, refusal } from "./doctor-hosts.mjs";
import { devVars, toml } from "./mistakes.mjs";
import { newProject } from "./project.mjs";
import { secrets, startStarter } from "./starter.mjs";

/** @type {Awaited<ReturnType<typeof startStarter>>} */
let starter;
before(async () => {
  starter = await startStarter();
});
after(() => starter.close());

test("the real gateway is right, in the starter's folder", async () => {
  const project = await newProject();
  const { code, checks } = await examine(starter.webhook, project.folder);
  assert.deepEqual(
    checks.filter(({ status }) => status !== "ok"),
    [],
  );
  assert.equal(code, 0);
  const codes = checks.map((check) => check.code);
  for (const wanted of ["https", "url_path", "webhook_answer", "answer_time", "health", "deployed_mode"]) {
    assert.ok(codes.includes(wanted), `${wanted} was not checked`);
  }
});

test("the real gateway is right by the URL of its host alone", async () => {
  const project = await newProject();
  assert.deepEqual((await examine(new URL(starter.webhook).origin, project.folder)).problems, []);
});

test("the real gateway is right without a project, and nothing is queued", async () => {
  const { code, stdout } = await runCli(["doctor", starter.webhook]);
  assert.equal(code, 0);
  assert.match(stdout, /ok {2}deployment {2}http:.*webhooks\/cronozen is the gateway's/);
  assert.deepEqual((await starter.ask("events")).events, []);
});

test("the report with a deployment fits on a screen", async () => {
  const project = await newProject();
  const { stdout } = await runCli(["doctor", starter.webhook], { folder: project.folder });
  const lines = stdout.trimEnd().split("\n");
  assert.ok(lines.length <= 24 && lines.every((line) => line.length <= 80), stdout);
});

test("a wrong path of the real gateway is found", async () => {
  const wrong = await examine(starter.webhook.replace("cronozen", "stripe"));
  assert.deepEqual([wrong.code, wrong.problems], [1, ["webhook_answer"]]);
  assert.match(wrong.problem?.message ?? "", /^path not the webhook's: the gateway does not know/);
  const slash = await examine(`${starter.webhook}/`);
  assert.match(slash.problem?.cure ?? "", /A slash at its end counts/);
});

test("settings that are not deployed are found", async () => {
  const project = await newProject();
  project.edit(toml, 'DEDUPE = "durable-object"', 'DEDUPE = "kv"\nWEBHOOK_PATH = "/hooks"');
  project.edit(toml, "[vars]", '[[kv_namespaces]]\nbinding = "SEEN"\n\n[vars]');
  const { problems, checks } = await examine(starter.webhook, project.folder);
  assert.deepEqual(problems, ["url_path", "deployed_mode"]);
  assert.match(checks.find(({ code }) => code === "url_path")?.cure ?? "", /^Register http:.*\/hooks$/);
});

/** @type {Record<string, { answers: Parameters<typeof host>[0], message: RegExp, cure: RegExp }>} */
const others = {
  "the login page of Access": {
    answers: () => ({
      status: 302,
      headers: { location: "https://acme.cloudflareaccess.com/cdn-cgi/access/login?kid=secret-91" },
    }),
    message: /^webhook behind Cloudflare Access/,
    cure: /^Limit the Access application to the path "console"/,
  },
  "a login page": {
    answers: () => ({ status: 200, headers: html, body: "<!doctype html><form>password</form>" }),
    message: /^gateway not found: an HTML page answers 200/,
    cure: /Remove the page from the webhook/,
  },
  "a login page with 401": {
    answers: () => ({ status: 401, headers: html, body: "<html><form>password</form></html>" }),
    message: /^gateway not found: an HTML page answers 401/,
    cure: /such as a login/,
  },
  "a redirect to https": {
    answers: ({ hostname }) => ({ status: 308, headers: { location: `https://${hostname}/webhooks/cronozen` } }),
    message: /^URL redirected to https: Cronozen does not follow it/,
    cure: /^Register https:\/\/127\.0\.0\.1/,
  },
  "a redirect to another host": {
    answers: () => ({ status: 307, headers: { location: "https://www.example.com/webhooks/cronozen" } }),
    message: /^URL redirected to www\.example\.com/,
    cure: /^Register the URL of the gateway itself/,
  },
  "a redirect to a slash": {
    answers: ({ pathname }) => ({ status: 301, headers: { location: `${pathname}/` } }),
    message: /^URL redirected: the address has a slash/,
    cure: /^Register http:.*\/webhooks\/cronozen\/$/,
  },
  "another redirect": {
    answers: () => ({ status: 303, headers: { location: "/login" } }),
    message: /^URL redirected to 127/,
    cure: /login page/,
  },
  "a firewall's challenge": {
    answers: () => ({ status: 403, headers: { ...html, "cf-mitigated": "challenge" }, body: "<html>" }),
    message: /^webhook behind a firewall: it challenges/,
    cure: /Bot Fight Mode/,
  },
  "a firewall's block": {
    answers: () => ({ status: 403, headers: html, body: "<html>error code: 1020" }),
    message: /^webhook behind a firewall: it answers 403/,
    cure: /skip all checks/,
  },
  "another API": {
    answers: () => ({ status: 401, headers: { "content-type": "application/json" }, body: { error: "unauthorized" } }),
    message: /^answer unexpected: 401 application\/json, but the gateway answers 401 invalid_signature/,
    cure: /another Worker at this path/,
  },
  "an API with problem+json": {
    answers: () => ({ status: 401, headers: problemJson, body: { ...refusal, code: "unauthorized" } }),
    message: /^answer unexpected: 401 unauthorized/,
    cure: /^Register the gateway's URL/,
  },
  "a Worker that accepts everything": {
    answers: () => ({ status: 200, headers: { "content-type": "application/json" }, body: { ok: true } }),
    message: /^gateway not found: something else answers 200 to an event/,
    cure: /at this path/,
  },
  "an empty host": {
    answers: () => ({ status: 404, headers: html, body: "<html>There is nothing here yet" }),
    message: /^gateway not found/,
    cure: /npx wrangler deploy/,
  },
  "a failing proxy": {
    answers: () => ({ status: 522, headers: html, body: "<html>" }),
    message: /^gateway not reached: something before it answers 522/,
    cure: /DNS records/,
  },
  "a misconfigured gateway": {
    answers: () => ({ status: 500, headers: problemJson, body: { status: 500, code: "misconfigured" } }),
    message: /^gateway misconfigured/,
    cure: /\/healthz$/,
  },
};

for (const [name, { answers, message, cure }] of Object.entries(others)) {
  test(`${name} before the webhook is found`, async (t) => {
    const address = await listen(t, createServer(host(answers)));
    const { code, problems, problem, stdout } = await examine(`http://${address}/webhooks/cronozen?key=secret-91`);
    assert.deepEqual([code, problems], [1, ["webhook_answer"]]);
    assert.match(problem?.message ?? "", message);
    assert.match(problem?.cure ?? "", cure);
    assert.doesNotMatch(stdout, /secret-91/);
  });
}

test("a gateway whose health names a missing setting is found", async (t) => {
  const problems = [{ name: "SEEN", expected: "a KV namespace", found: "nothing" }];
  const address = await listen(
    t,
    createServer((_, response) =>
      response.writeHead(500, problemJson).end(JSON.stringify({ code: "misconfigured", problems })),
    ),
  );
  const found = await examine(`http://${address}/webhooks/cronozen`);
  assert.deepEqual(found.problems, ["webhook_answer", "health"]);
  assert.match(found.stdout, /refuses every event: SEEN: expected a KV namespace, got nothing/);
});

/** A gateway with a hint in its health. @param {string} hint @param {object} [health] */
const hinting = (hint, health) =>
  createServer(({ url }, response) => {
    const [status, body] = url === "/healthz" ? [200, { ...healthy, ...health, hints: [hint] }] : [401, refusal];
    response.writeHead(Number(status), problemJson).end(JSON.stringify(body));
  });

test("a hint of the health check is found, unless the code has the name", async (t) => {
  const address = await listen(t, hinting("unknown name DEDUP: did you mean DEDUPE?"));
  const url = `http://${address}/webhooks/cronozen`;
  assert.deepEqual((await examine(url)).problems, ["health_hints"]);
  const project = await newProject();
  assert.deepEqual((await examine(url, project.folder)).problems, ["health_hints"]);
  project.edit("src/index.ts", "export {", "console.log((env: any) => env.DEDUP);\nexport {");
  const { problems, checks } = await examine(url, project.folder);
  assert.deepEqual([problems, checks.find(({ code }) => code === "health_hints")?.status], [[], "unknown"]);
});

test("no control character of another program is printed", async (t) => {
  const evil = "\x1b[2J\x9b31m\u202e\nok";
  const address = await listen(t, hinting(`DEDUP${evil}`, { version: `1${evil}`, dedupe: `kv${evil}` }));
  const project = await newProject();
  for (const options of [[], ["--json"]]) {
    const url = `http://${address}/webhooks/cronozen`;
    const { stdout } = await runCli(["doctor", url, ...options], { folder: project.folder });
    assert.match(stdout, /DEDUP\ufffd/);
    assert.match(stdout, /kv\ufffd/);
    assert.doesNotMatch(stdout, /(?!\n)\p{Cc}|\p{Cf}|\\u001b|\\n *ok/u);
  }
});

/** Servers that take 4.2 s for one of their paths, and the problem. @type {[string, string[]][]} */
const slowPaths = [
  ["/webhooks/cronozen", ["answer_time"]],
  ["/healthz", []],
];

for (const [slow, problems] of slowPaths) {
  test(`4.2 s for ${slow} are ${problems.length === 0 ? "no problem" : "found"}`, async (t) => {
    const answers = host(() => ({ status: 401, headers: problemJson, body: refusal }));
    const address = await listen(
      t,
      createServer((request, response) => {
        setTimeout(() => answers(request, response), request.url === slow ? 4200 : 0);
      }),
    );
    assert.deepEqual((await examine(`http://${address}/webhooks/cronozen`)).problems, problems);
  });
}

test("the webhook is timed on a connection that is open", async (t) => {
  let connections = 0;
  const server = createServer(host(() => ({ status: 401, headers: problemJson, body: refusal })));
  server.on("connection", () => {
    connections += 1;
  });
  const address = await listen(t, server);
  assert.deepEqual((await examine(`http://${address}/webhooks/cronozen`)).problems, []);
  assert.equal(connections, 1);
});

test("a host that does not answer within the sender's time is found", async (t) => {
  const address = await listen(
    t,
    createServer(() => {}),
  );
  const { problems, problem } = await examine(`http://${address}/webhooks/cronozen`);
  assert.deepEqual(problems, ["webhook_answer"]);
  assert.match(problem?.message ?? "", /^no answer within 5000 ms/);
});

test("a dead host is found", async () => {
  const { problems, problem } = await examine(`http://127.0.0.1:${await freePort()}/webhooks/cronozen`);
  assert.deepEqual(problems, ["webhook_answer"]);
  assert.match(problem?.message ?? "", /^connection refused/);
});

test("a host without a DNS record is found, and http to another machine", async () => {
  const { problems, checks } = await examine("http://nothing.invalid/webhooks/cronozen");
  assert.deepEqual(problems, ["https", "webhook_answer"]);
  assert.match(checks.find(({ code }) => code === "webhook_answer")?.message ?? "", /^host not found/);
});

test("an https URL of a port that does not speak TLS is found", async (t) => {
  const address = await listen(t, createServer(host(() => ({ status: 401, body: refusal }))));
  assert.match((await examine(`https://${address}/webhooks/cronozen`)).problem?.message ?? "", /^TLS failed/);
});

test("a certificate that nobody has signed is found", async (t) => {
  const folder = scratchFolder();
  const [key = "", cert = ""] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
  const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"];
  spawnSync("openssl", ["req", ...options, "-keyout", key, "-out", cert]);
  const own = { key: readFileSync(key), cert: readFileSync(cert) };
  const server = createSecureServer(
    own,
    host(() => ({ status: 401, body: refusal })),
  );
  const { problem } = await examine(`https://${await listen(t, server)}/webhooks/cronozen`);
  assert.match(problem?.message ?? "", /^certificate invalid/);
});

test("no secret of the project and no query of the URL is printed", async () => {
  const project = await newProject();
  project.write(".dev.vars", devVars(secrets.CRONOZEN_SIGNING_SECRET, secrets.ADMIN_TOKEN));
  for (const args of [["doctor"], ["doctor", "--json"]]) {
    const { code, stdout } = await runCli([...args, `${starter.webhook}?key=secret-91`], { folder: project.folder });
    assert.equal(code, 0);
    for (const secret of [...Object.values(secrets), "secret-91"]) {
      assert.doesNotMatch(stdout, new RegExp(secret));
    }
  }
});
