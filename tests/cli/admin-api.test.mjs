// `dead-letters` against consoles that fail, and with wrong arguments.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readable } from "../../pkg/src/cli/log.ts";
import { wrapped } from "../../pkg/src/cli/output.ts";
import { freePort } from "../support/ports.mjs";
import { answerJson, runCli, runInTerminal, runJson, scratchFolder, serve, startCli } from "./cli.mjs";

const secrets = { ADMIN_TOKEN: "an-admin-token-that-nobody-guesses-91" };
const patience = { timeout: 60_000 };

/**
 * A console whose steps do what a list says: an answer's status, or the ids that the queue refuses. It awaits `beforeStep`
 * before it answers a step, whose number it passes.
 *
 * @param {(number | number[])[]} steps
 * @param {(step: number) => Promise<void>} [beforeStep]
 */
async function consoleOf(steps, beforeStep) {
  /** @type {any[]} */
  const previews = [];
  /** @type {any[]} */
  const requests = [];
  const origin = await serve(async ({ url, headers, body }, response) => {
    const { dryRun, ...selection } = JSON.parse(body);
    assert.equal(url, "/console/api/dead-letters/redrive");
    assert.equal(headers.authorization, `Bearer ${secrets.ADMIN_TOKEN}`);
    if (dryRun) {
      previews.push(selection);
      const letters = selection.ids?.length ?? 40;
      answerJson(response, 200, { letters, upTo: 40, groups: [{ type: null, reason: null, letters }] });
      return;
    }
    const step = steps[requests.length] ?? 500;
    requests.push(selection);
    await beforeStep?.(requests.length);
    if (typeof step === "number") {
      answerJson(response, step, { code: "unavailable", detail: "D1 failed" });
      return;
    }
    // A request with ids is a selection of its own.
    const isLast = "ids" in selection || requests.length === steps.length;
    const failed = step.map((id) => ({ id, eventId: "evt", type: "a", reason: "queue full" }));
    const redriven = Array.from({ length: (selection.ids?.length ?? 20) - failed.length }, () => ({}));
    answerJson(response, 200, {
      redriven,
      failed,
      next: isLast ? null : 20,
      open: isLast ? steps.flat().length : null,
    });
  });
  return { url: `${origin}/console`, previews, requests };
}

test("a redrive of all goes step by step up to the preview's end", async () => {
  const { url, requests } = await consoleOf([[], []]);
  const args = ["dead-letters", "redrive", "--all", "--type", "a", "--reason", "b", "--yes", "--url", url];
  const { code, stdout } = await runCli(args, { secrets });
  assert.deepEqual(requests, [
    { type: "a", reason: "b", upTo: 40, after: 0 },
    { type: "a", reason: "b", upTo: 40, after: 20 },
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /^40 to redrive:\n\n {2}40 {2}no type {2}no reason\n\nok {2}40 of 40 redriven\.\n/);
});

test("ids go in requests of 20", async () => {
  const { url, previews, requests } = await consoleOf([[], [], [], []]);
  const ids = Array.from({ length: 70 }, (_, index) => index + 1);
  const args = ["dead-letters", "redrive", ...ids.map(String), "--yes", "--url", url];
  const { code, json } = await runJson(args, { secrets });
  const selections = [0, 20, 40, 60].map((start) => ({ ids: ids.slice(start, start + 20) }));
  assert.deepEqual(previews, selections);
  assert.deepEqual(requests, selections);
  assert.deepEqual([code, json.letters, json.redriven, json.failed, json.open], [0, 70, 70, 0, 0]);
});

test("letters that the queue refuses are counted, with exit code 1", async () => {
  const { url } = await consoleOf([[3], [21, 22]]);
  const args = ["dead-letters", "redrive", "--all", "--yes", "--url", url];
  const { code, stdout } = await runCli(args, { secrets });
  assert.equal(code, 1);
  assert.match(stdout, /^no {2}37 of 40 redriven\.\n {4}3 refused by the queue; they stay open: queue full\.\n$/m);
  const failing = await consoleOf([[3], [21, 22]]);
  const { json } = await runJson([...args.slice(0, -1), failing.url], { secrets });
  const failures = [3, 21, 22].map((id) => ({ id, eventId: "evt", type: "a", reason: "queue full" }));
  assert.deepEqual([json.redriven, json.failed, json.open, json.failures], [37, 3, 3, failures]);
  assert.equal(json.ok, false);
});

test("a failure in the middle keeps the totals", async () => {
  const { url } = await consoleOf([[], 503]);
  const args = ["dead-letters", "redrive", "--all", "--yes", "--url", url];
  const { code, json } = await runJson(args, { secrets });
  const { error, ...totals } = json;
  const expected = { ok: false, letters: 40, redriven: 20, failed: 0, open: null, failures: [], interrupted: false };
  assert.deepEqual([code, totals], [1, expected]);
  assert.match(error, /^console unavailable: /);
  const { stdout } = await runCli(args.with(-1, (await consoleOf([[], 503])).url), { secrets });
  assert.match(stdout, /^ {4}Stopped: console unavailable: .+\. Run it again after a minute to go on\.$/m);
});

for (const [name, steps, expected] of /** @type {[string, number[][], object][]} */ ([
  ["the last answer has done its work", [[], []], { code: 0, ok: true, redriven: 40, open: 0, interrupted: false }],
  ["a step leaves the rest", [[], [], []], { code: 1, ok: false, redriven: 40, open: null, interrupted: true }],
])) {
  test(`a redrive that is interrupted during ${name}`, async () => {
    /** @type {import("node:child_process").ChildProcess | undefined} */
    let child;
    const { url } = await consoleOf(steps, async (step) => {
      if (step === 2) {
        child?.kill("SIGINT");
        // The signal arrives before the answer.
        await sleep(200);
      }
    });
    const started = startCli(["dead-letters", "redrive", "--all", "--yes", "--url", url, "--json"], { secrets });
    child = started.child;
    const { code, stdout } = await started.ended;
    const { ok, redriven, open, interrupted } = JSON.parse(stdout);
    assert.deepEqual({ code, ok, redriven, open, interrupted }, expected);
  });
}

for (const [name, status, body, error] of /** @type {[string, number, object | string, RegExp][]} */ ([
  ["a console that fails", 503, { code: "unavailable" }, /^console unavailable: D1 or the queue failed/],
  ["a console without settings", 500, { code: "misconfigured" }, /^console misconfigured: its log names the setting/],
  ["a login before the console", 302, "", /^answer 302 by .+ such as Cloudflare Access, refuses the request$/],
  ["too many wrong tokens", 429, { code: "too_many_failures" }, /^ADMIN_TOKEN refused/],
  [
    "a refused parameter",
    400,
    { code: "invalid_parameter", detail: "type too long" },
    /^request refused by .+: type too long$/,
  ],
  ["another program", 200, "<html>", /^answer not the console's: another program is at/],
])) {
  test(`${name} is named, with exit code 2`, async () => {
    const url = await serve((_, response) => {
      const headers = { location: "/elsewhere" };
      typeof body === "string" ? response.writeHead(status, headers).end(body) : answerJson(response, status, body);
    });
    const { code, json } = await runJson(["dead-letters", "list", "--url", `${url}?key=hidden`], { secrets });
    assert.deepEqual([code, json.ok], [2, false]);
    assert.match(json.error, error);
    assert.ok(!json.error.includes("hidden"));
  });
}

test("an unexpected failure has exit code 2, and a stack only with DEBUG", async () => {
  // A list is expected.
  const url = await serve((_, response) => answerJson(response, 200, { deadLetters: 1 }));
  const args = ["dead-letters", "list", "--url", url];
  delete process.env.DEBUG;
  const { code, stdout, stderr } = await runCli(args, { secrets });
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^failed {2}unexpected failure: [^\n]+: DEBUG=1 shows where\n$/);
  const { json, ...asJson } = await runJson(args, { secrets });
  assert.deepEqual([asJson.code, json.ok], [2, false]);
  assert.match(json.error, /^unexpected failure: /);
  const debugged = await runCli([...args, "--json"], { secrets: { ...secrets, DEBUG: "any-value" } });
  assert.equal(debugged.code, 2);
  assert.match(JSON.parse(debugged.stdout).error, /^unexpected failure: /);
  assert.match(debugged.stderr, /^TypeError: .+\n {4}at /);
});

test("a text is wrapped line by line, and each line keeps its indentation", () => {
  const long = "word ".repeat(20).trim();
  assert.equal(
    wrapped(`one two\n\n  ${long}\nlast`, 2),
    `  one two\n\n    ${"word ".repeat(15).trim()}\n    ${"word ".repeat(5).trim()}\n  last`,
  );
});

test("no server is named, with its cure", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, json } = await runJson(["dead-letters", "list", "--url", url], { secrets });
  assert.equal(code, 2);
  assert.match(
    json.error,
    /^console unreachable at .+: connection refused: start it with npm run dev, or give its --url$/,
  );
});

test("the token does not cross the network in clear, and does not follow a redirect", patience, async () => {
  const clear = await runJson(["dead-letters", "list", "--url", "http://edge.example.com"], { secrets });
  assert.deepEqual([clear.code, /^URL unusable: .+https/.test(clear.json.error)], [2, true]);
  let asked = 0;
  const other = await serve((_, response) => {
    asked += 1;
    answerJson(response, 200, { deadLetters: [] });
  });
  const url = await serve((_, response) => response.writeHead(307, { location: other }).end());
  assert.equal((await runCli(["dead-letters", "list", "--url", url], { secrets })).code, 2);
  assert.equal(asked, 0);
});

test("what others have written cannot control the terminal, and fits into it", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, ".dev.vars"), `ADMIN_TOKEN=${secrets.ADMIN_TOKEN}\n`);
  const letter = {
    id: 1,
    storedAt: "2026-11-29T12:47:56.330Z",
    type: "\u001b]0;title\u0007\u202etype",
    eventId: "결".repeat(90),
    attempts: 3,
    reason: `Error:\n\u001b[2J${"x".repeat(200)}`,
  };
  const answer = { deadLetters: [letter], next: null };
  const origin = await serve(({ url }, response) => answerJson(response, 200, /\/\d/.test(url) ? letter : answer));
  const { code, screen } = await runInTerminal(["dead-letters", "list", "--url", origin], { folder });
  assert.equal(code, 0);
  const [head = "", reason = "", ...rest] = screen.split("\r\n");
  assert.deepEqual(rest, [""]);
  assert.match(head, /^1 {2}2026-11-29 12:47:56 UTC {2}\ufffd\]0;title\ufffd\ufffdtype {2}결{17}…$/);
  assert.equal(reason, `   Error:\ufffd\ufffd[2J${"x".repeat(65)}…`);
  const shown = await runInTerminal(["dead-letters", "show", "1", "--url", origin], { folder });
  assert.ok(!shown.screen.includes("\u001b") && shown.screen.includes("결".repeat(90)), shown.screen);
});

for (const [status, answer] of /** @type {[number, object][]} */ ([
  [400, { code: "invalid_parameter", detail: "\u001b[2Jtype too long" }],
  [404, { code: "not_found", detail: "no dead letter \u001b[2J" }],
  [200, { id: 1, "\u001b[2J": 1, state: "open" }],
])) {
  test(`an answer ${status} cannot control the terminal`, async () => {
    const url = await serve((_, response) => answerJson(response, status, answer));
    const { stdout, stderr } = await runCli(["dead-letters", "show", "1", "--url", url], { secrets });
    assert.ok(`${stdout}${stderr}`.includes("\ufffd[2"), stdout + stderr);
    assert.ok(!`${stdout}${stderr}`.includes("\u001b"));
  });
}

test("a list of all cannot control the terminal", async () => {
  const wild = "\u001b[2J";
  const letter = { id: wild, storedAt: wild, type: wild, eventId: wild, attempts: wild, reason: wild, state: wild };
  const url = await serve((_, response) => answerJson(response, 200, { deadLetters: [letter], next: null }));
  const { code, stdout } = await runCli(["dead-letters", "list", "--all", "--url", url], { secrets });
  assert.deepEqual([code, stdout.match(/\ufffd\[2J/g)?.length, stdout.includes("\u001b")], [0, 7, false]);
});

test("a line of a Worker's log cannot control the terminal", () => {
  const wild = "\u001b[2J";
  const fields = { at: `2026-11-29T${wild}05:34`, outcome: wild, name: wild, eventId: wild, type: wild, reason: wild };
  const line = readable(JSON.stringify(fields)) ?? "";
  assert.deepEqual([line.match(/\ufffd\[2J/g)?.length, line.includes("\u001b")], [6, false]);
  assert.match(readable('{"outcome":"handled","reason":5}') ?? "", / {2}5$/);
});

test("wrong arguments are named, with exit code 2", patience, async () => {
  for (const [args, error] of /** @type {[string[], RegExp][]} */ ([
    [["lost"], /unknown command 'lost'/],
    [["list", "1"], /too many arguments/],
    [["list", "--limit", "0"], /A whole number from 1 to 10000 is expected/],
    [["show"], /missing required argument 'id'/],
    [["show", "x"], /A whole number from 1 to/],
    [["redrive"], /^nothing chosen: name the ids of dead letters, or --all$/],
    [["redrive", "1", "--all"], /^ids given together with --all/],
    [["redrive", "--type", "a"], /^--type or --reason given without --all$/],
    [["redrive", "1", "x"], /A whole number from 1 to/],
  ])) {
    const { code, json } = await runJson(["dead-letters", ...args], { secrets });
    assert.equal(code, 2, args.join(" "));
    assert.match(json.error, error);
  }
});
