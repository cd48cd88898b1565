// `send` against receivers that answer otherwise than the gateway, and with wrong arguments.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sign } from "../../scripts/delivery.mjs";
import { answerJson, runCli, runInTerminal, runJson, scratchFolder, serve, startCli } from "./cli.mjs";

const secret = "whsec_5f1d2c7b9a";
const secrets = { CRONOZEN_SIGNING_SECRET: secret };
const patience = { timeout: 60_000 };

test("the request is a POST of JSON with a right signature, and --data stands in it as given", async () => {
  /** @type {any[]} */
  const requests = [];
  const url = await serve((request, response) => {
    requests.push(request);
    answerJson(response, 202, { status: "accepted" });
  });
  const data = '{"big":12345678901234567890,"price":1.10}';
  const { json } = await runJson(["send", "payment.completed", url, "--data", ` ${data} `], { secrets });
  const [{ method, url: path, headers, body }] = requests;
  assert.deepEqual([method, path, headers["content-type"]], ["POST", "/webhooks/cronozen", "application/json"]);
  assert.equal(headers["x-cronozen-signature"], sign(body, secret));
  const { eventId, type, createdAt } = JSON.parse(body);
  assert.equal(body, `${JSON.stringify({ eventId, type, createdAt }).slice(0, -1)},"data":${data}}`);
  assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
  assert.equal(json.deliveries[0].bytes, Buffer.byteLength(body));
});

test("--concurrency is the number of deliveries at once, and a shuffle sends each event once", patience, async () => {
  let [open, most] = [0, 0];
  /** @type {string[]} */
  const ids = [];
  const url = await serve(({ body }, response) => {
    open += 1;
    most = Math.max(most, open);
    ids.push(JSON.parse(body).eventId);
    setTimeout(() => {
      open -= 1;
      answerJson(response, 202, { status: "accepted" });
    }, 20);
  });
  const args = ["send", "all", url, "--count", "200", "--concurrency", "7", "--shuffle"];
  const { code, json } = await runJson(args, { secrets });
  assert.deepEqual([code, json.sent, most], [0, 200, 7]);
  const positions = ids.map((id) => Number(id.split("_")[2]));
  assert.deepEqual(
    [...positions].sort((one, other) => one - other),
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
  assert.notDeepEqual(
    positions.slice(0, 20),
    [...positions.slice(0, 20)].sort((one, other) => one - other),
  );
});

test("a duplicate comes after the answer to the first, with the same bytes", async () => {
  /** @type {string[]} */
  const bodies = [];
  const url = await serve(({ body }, response) => {
    const again = bodies.includes(body);
    bodies.push(body);
    setTimeout(() => answerJson(response, again ? 200 : 202, { status: again ? "duplicate" : "accepted" }), 10);
  });
  const { code } = await runJson(["send", "all", url, "--count", "30", "--duplicate"], { secrets });
  assert.equal(code, 0);
  assert.deepEqual([bodies.length, new Set(bodies).size], [60, 30]);
});

for (const [name, status, body, headers, extra, answer, cure] of /** @type {const} */ ([
  ["a full queue", 503, { code: "unavailable" }, { "retry-after": "30" }, [], "503 unavailable", "Retry-After: 30 s."],
  ["a wrong setting", 500, { code: "misconfigured" }, {}, [], "500 misconfigured", "/healthz names it"],
  ["a wrong method", 405, { code: "method_not_allowed" }, {}, [], "405 method_not_allowed", "whole URL"],
  ["a redirect", 302, {}, { location: "/?key=hidden" }, [], "302 (no code)", "The address redirects"],
  ["a login", 403, "<html>", {}, [], "403 (not json)", "such as a login or a firewall"],
  ["another program", 200, "<html>", {}, [], "200 (not json)", "another program has this address"],
  ["a second acceptance", 202, { status: "accepted" }, {}, ["--duplicate"], "202 accepted", "DEDUPE=kv"],
  ["a known new id", 200, { status: "duplicate" }, {}, [], "200 duplicate", "had been seen before"],
  ["no verification", 202, { status: "accepted" }, {}, ["--tamper", "body"], "202 accepted", "must verify"],
  ["an unknown failure", 502, "", {}, [], "502 (not json)", "The receiver failed"],
  ["a code of another program", 418, { code: "\u001b[2Jcleared" }, {}, [], "418 (no code)", "refuses it"],
])) {
  test(`${name} is not as expected, and its cure is named`, async () => {
    const url = await serve((_, response) =>
      typeof body === "string"
        ? response.writeHead(status, headers).end(body)
        : answerJson(response, status, body, headers),
    );
    const { code, stdout } = await runCli(["send", "payment.completed", url, ...extra], { secrets });
    assert.equal(code, 1);
    const [, shown = ""] = /answers not as expected\.\n\n(.+)\n/.exec(stdout) ?? assert.fail(stdout);
    assert.equal(shown, answer);
    assert.ok(stdout.replaceAll(/\n */g, " ").includes(cure), stdout);
    assert.ok(!stdout.includes("\u001b") && !stdout.includes("hidden"), stdout);
  });
}

for (const [args, left] of /** @type {[string[], number][]} */ ([
  [[], 0],
  [["--count", "1"], 0],
  [["--duplicate"], 1],
  [["--count", "3", "--concurrency", "1"], 2],
])) {
  test(`${args.join(" ") || "one"}: Ctrl-C during the first answer leaves ${left}`, async () => {
    for (const format of [["--json"], []]) {
      /** @type {import("node:child_process").ChildProcess | undefined} */
      let child;
      const url = await serve(async (_, response) => {
        child?.kill("SIGINT");
        // The signal arrives before the answer.
        await sleep(200);
        answerJson(response, 202, { status: "accepted" });
      });
      const started = startCli(["send", "payment.completed", url, ...args, ...format], { secrets });
      child = started.child;
      const { code, stdout } = await started.ended;
      assert.equal(code, left === 0 ? 0 : 1);
      if (format.length > 0) {
        const { ok, interrupted } = JSON.parse(stdout);
        assert.deepEqual({ ok, interrupted }, { ok: left === 0, interrupted: left > 0 });
      } else {
        const verdict = left === 0 ? "ok  As expected." : `no  Interrupted: ${left} of ${left + 1} not sent.`;
        assert.ok(stdout.includes(`\n\n${verdict}\n`), stdout);
      }
    }
  });
}

test("a byte order mark before the data of a file is not sent", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "data.json"), '\ufeff{"amount":"7.10"}\n');
  /** @type {string[]} */
  const bodies = [];
  const url = await serve(({ body }, response) => {
    bodies.push(body);
    answerJson(response, 202, { status: "accepted" });
  });
  const { code } = await runCli(["send", "payment.completed", url, "--data", "@data.json"], { folder, secrets });
  assert.equal(code, 0);
  assert.ok(bodies[0]?.endsWith(',"data":{"amount":"7.10"}}'), bodies[0]);
});

test("a file of --data that is not JSON is named", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "data.json"), "{whsec_x");
  const { code, json } = await runJson(["send", "payment.completed", "--data", "@data.json"], { folder, secrets });
  const cure = 'for example, {"amount":"49.00","currency":"EUR"} is expected';
  assert.deepEqual([code, json.error], [2, `file of --data not JSON: data.json: ${cure}`]);
});

test("a broken connection and an endless answer are no success", patience, async () => {
  const url = await serve(({ url: path }, response) => {
    if (path === "/reset") {
      response.socket?.resetAndDestroy();
      return;
    }
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(65_536))) {}
    };
    response.on("drain", more);
    more();
  });
  const reset = await runJson(["send", "payment.completed", `${url}/reset`], { secrets });
  assert.deepEqual([reset.code, reset.json.deliveries[0].code], [1, "connection_reset"]);
  const { stdout } = await runCli(["send", "payment.completed", `${url}/reset`], { secrets });
  assert.ok(stdout.includes("\n  The connection was closed before the answer: look at the"), stdout);
  const endless = await runJson(["send", "payment.completed", `${url}/endless`], { secrets });
  assert.deepEqual([endless.code, endless.json.deliveries[0].code], [1, "not_json"]);
  assert.ok(endless.json.deliveries[0].ms < 4000);
});

test("many different answers keep the summary short, and are counted", patience, async () => {
  let answers = 0;
  const url = await serve((_, response) => {
    answers += 1;
    const code = [...String(answers)].map((digit) => "abcdefghij"[Number(digit)]).join("");
    answerJson(response, 400, { code });
  });
  const { code, json } = await runJson(["send", "payment.completed", url, "--count", "300"], { secrets });
  assert.deepEqual([code, json.sent, json.unexpected, json.answers.length], [1, 300, 300, 41]);
  const counted = json.answers.reduce((/** @type {number} */ sum, /** @type {any} */ row) => sum + row.deliveries, 0);
  assert.equal(counted, 300);
});

test("a terminal shows the progress, and lines fit into it", patience, async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, ".dev.vars"), `CRONOZEN_SIGNING_SECRET=${secret}\n`);
  const url = await serve((_, response) => setTimeout(() => answerJson(response, 202, { status: "accepted" }), 10));
  const { code, screen } = await runInTerminal(["send", "all", url, "--count", "600"], { folder });
  assert.equal(code, 0);
  assert.match(screen, /\r\[#+-+\] \d+ % {2}\d+ of 600/);
  // The bar is removed before the summary.
  assert.ok(screen.includes("\r\u001b[Kevents of all types to http"), screen);
  const long = ["send", `${"한".repeat(60)}`, url, "--id", "x".repeat(200), "--json"];
  assert.equal((await runInTerminal(long, { folder })).code, 0);
  const rows = await runInTerminal(["send", "x".repeat(200), url, "--id", "한".repeat(80)], { folder });
  for (const line of rows.screen.split("\r\n")) {
    const columns = [...line].reduce((sum, letter) => sum + (letter === "한" ? 2 : 1), 0);
    assert.ok(columns <= 80, line);
  }
});

test("wrong arguments are named, with exit code 2", patience, async () => {
  for (const [args, error] of /** @type {[string[], RegExp][]} */ ([
    [[], /missing required argument 'type'/],
    [["a", "b", "c"], /too many arguments/],
    [["a", "localhost:8787"], /^URL unusable: one that begins with http:\/\/ or https:\/\/ is expected$/],
    [["a", "http://u:whsec_p@localhost"], /^URL unusable: it holds a user name or a password$/],
    [["a", "--count", "0"], /A whole number from 1 to 100000 is expected/],
    [["a", "--count", "100001"], /A whole number from 1 to 100000 is expected/],
    [["a", "--concurrency", "101"], /A whole number from 1 to 100 is expected/],
    [["a", "--tamper", "type"], /Allowed choices are body, signature, secret/],
    [["a", "--data", "{whsec_x"], /^--data not JSON: for example/],
    [["a", "--data", "@missing.json"], /^file of --data unreadable: ENOENT: missing\.json$/],
    [["a", "--id", "x", "--count", "2"], /^--id given for several events/],
    [["all", "--id", "x"], /^--id given for several events/],
    [["a", "--shuffle"], /^--shuffle given for one delivery/],
    [["a", "--schedule", "--count", "2"], /'--schedule' cannot be used with option '--count <n>'/],
    [["all", "--schedule"], /^--schedule given for several events/],
    [["a", "--time-scale", "2"], /^--time-scale given without --schedule$/],
  ])) {
    const { code, stdout, stderr } = await runCli(["send", ...args, "--json"]);
    assert.equal(code, 2, args.join(" "));
    const { ok, error: message } = JSON.parse(stdout);
    assert.equal(ok, false);
    assert.match(message, error);
    assert.ok(!stderr.includes("    at ") && !message.includes("whsec_"), message);
  }
});

test("a missing or unusable secret is named, with exit code 2", async () => {
  const missing = await runCli(["send", "payment.completed"]);
  assert.deepEqual([missing.code, missing.stdout], [2, ""]);
  assert.match(
    missing.stderr,
    /^failed {2}CRONOZEN_SIGNING_SECRET neither set nor in \.dev\.vars of this folder: run /,
  );
});
