// `dead-letters` against the starter in workerd.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runCli, runInTerminal, runJson, scratchFolder, serve, startCli } from "./cli.mjs";
import { secrets, startStarter } from "./starter.mjs";

const token = { ADMIN_TOKEN: secrets.ADMIN_TOKEN };
const signing = { CRONOZEN_SIGNING_SECRET: secrets.CRONOZEN_SIGNING_SECRET };
const patience = { timeout: 60_000 };
const reason = "data.amount or data.currency missing or not a string";

/** @type {Awaited<ReturnType<typeof startStarter>>} */
let starter;
before(async () => {
  starter = await startStarter();
});
after(() => starter.close());

/** @param {string[]} args */
function run(...args) {
  return runCli(["dead-letters", ...args, "--url", starter.console], { secrets: token });
}

/** @param {string[]} args */
function ask(...args) {
  return runJson(["dead-letters", ...args, "--url", starter.console], { secrets: token });
}

/** Sends payments that cannot be handled, and waits until they are stored. @param {number} count */
async function bury(count) {
  const { letters } = (await starter.ask("status")).deadLetters;
  const args = ["send", "payment.completed", starter.webhook, "--count", String(count), "--data", "{}"];
  assert.equal((await runCli(args, { secrets: signing })).code, 0);
  await stored(letters + count);
}

/** Waits until that many dead letters are stored. @param {number} count */
async function stored(count) {
  while ((await starter.ask("status")).deadLetters.letters < count) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("it says plainly that there are none", patience, async () => {
  for (const [args, line] of /** @type {[string[], string][]} */ ([
    [["list"], "There are no open dead letters.\n"],
    [["list", "--all"], "There are no dead letters.\n"],
    [["list", "--type", "a.b"], "There are no open dead letters of the type a.b.\n"],
    [["redrive", "--all"], "There are no open dead letters to redrive.\n"],
  ])) {
    assert.deepEqual(await run(...args), { code: 0, stdout: line, stderr: "" });
  }
});

test("list has the newest first, with two lines each, and pages on", patience, async () => {
  await bury(230);
  const { stdout } = await run("list", "--limit", "2");
  const [first = "", why, second = "", , , more] = stdout.split("\n");
  const row = /^(\d+) {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC {2}payment\.completed {2}evt_[0-9a-f]{10}_\d+ +1 attempt$/;
  assert.equal(row.exec(first)?.[1], "230");
  assert.equal(row.exec(second)?.[1], "229");
  assert.equal(why, `     ${reason}`);
  assert.equal(more, "There are more: --limit 20 shows them.");
  const { code, json } = await ask("list", "--limit", "225");
  assert.deepEqual([code, json.ok, json.more], [0, true, true]);
  const ids = json.deadLetters.map((/** @type {any} */ { id }) => id);
  assert.deepEqual(
    ids,
    Array.from({ length: 225 }, (_, index) => 230 - index),
  );
  assert.equal((await ask("list", "--type", "payment.failed")).json.deadLetters.length, 0);
  assert.equal((await ask("list", "--limit", "300")).json.more, false);
});

test("show has every field, and the message only with --body", patience, async () => {
  const { eventId } = (await starter.ask("dead-letters/3")) ?? {};
  const { code, stdout } = await run("show", "3");
  assert.equal(code, 0);
  assert.match(
    stdout,
    new RegExp(`^ {2}id +3\n {2}event id +${eventId}\n {2}type +payment\\.completed\n {2}reason +${reason}\n`),
  );
  assert.match(stdout, /^ {2}state +open$/m);
  assert.ok(!stdout.includes("signature"), stdout);
  const shown = await ask("show", "3");
  assert.ok(!Object.hasOwn(shown.json.deadLetter, "text"));
  const { text } = await starter.ask("dead-letters/3");
  assert.ok((await run("show", "3", "--body")).stdout.endsWith(`\n\n${text}\n`));
  assert.equal((await ask("show", "3", "--body")).json.deadLetter.text, text);
});

test("redrive takes ids, after a preview", patience, async () => {
  const refused = await run("redrive", "1", "2", "2");
  assert.equal(refused.stdout, `2 to redrive:\n\n  2  payment.completed  ${reason}\n\n`);
  assert.deepEqual(
    [refused.code, refused.stderr],
    [2, "failed  confirmation missing: without a terminal, --yes is needed\n"],
  );
  assert.equal((await starter.ask("dead-letters/1")).redrives, 0);
  const { code, json } = await ask("redrive", "1", "2", "--yes");
  const expected = { ok: true, letters: 2, redriven: 2, failed: 0, open: 0, failures: [], interrupted: false };
  assert.deepEqual([code, json], [0, expected]);
  assert.equal((await starter.ask("dead-letters/1")).redrives, 1);
  await stored(232);
  const { stdout } = await run("list", "--all", "--limit", "300");
  assert.match(stdout, /^1 .+ {2}1 attempt\n +failed again: data\.amount or /m);
});

test("a question on the terminal takes y, and nothing else", patience, async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, ".dev.vars"), `ADMIN_TOKEN=${token.ADMIN_TOKEN}\n`);
  const args = ["dead-letters", "redrive", "4", "--url", starter.console];
  // The last one is Ctrl-C.
  for (const answer of ["n\r", "\r", "yesterday\r", "\x03"]) {
    const { code, screen } = await runInTerminal(args, { folder, answer });
    assert.equal(code, 1, screen);
    assert.match(screen, /Redrive them\? \[y\/N\] /);
    assert.match(screen, /Nothing was redriven\.\r\n$/);
  }
  assert.equal((await starter.ask("dead-letters/4")).redrives, 0);
  const { code, screen } = await runInTerminal(args, { folder, answer: "y\r" });
  assert.equal(code, 0, screen);
  assert.match(screen, /ok {2}1 of 1 redriven\./);
  assert.ok(!screen.includes(token.ADMIN_TOKEN));
  assert.equal((await starter.ask("dead-letters/4")).redrives, 1);
});

test("an interrupted redrive goes on when it runs again, and sends each once", patience, async () => {
  const { letters } = (await starter.ask("status")).deadLetters;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let child;
  let steps = 0;
  const origin = await serve(async ({ method, url, headers, body }, response) => {
    const { dryRun } = JSON.parse(body);
    steps += dryRun ? 0 : 1;
    if (steps === 2) {
      child?.kill("SIGINT");
      // The signal must arrive before the answer.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const { authorization = "" } = headers;
    const sent = { authorization, "content-type": "application/json" };
    const answer = await fetch(new URL(url, starter.console), { method, headers: sent, body });
    response.writeHead(answer.status).end(await answer.text());
  });
  const started = startCli(["dead-letters", "redrive", "--all", "--yes", "--json", "--url", origin], {
    secrets: token,
  });
  child = started.child;
  const { code, stdout } = await started.ended;
  const { ok, redriven, open, interrupted } = JSON.parse(stdout);
  assert.deepEqual(
    { code, ok, redriven, open, interrupted, steps },
    { code: 1, ok: false, redriven: 40, open: null, interrupted: true, steps: 2 },
  );

  const again = await ask("redrive", "--all", "--yes", "--type", "payment.completed", "--reason", reason);
  assert.deepEqual([again.code, again.json.failed, again.json.open], [0, 0, 0]);
  const { json } = await ask("list", "--all", "--limit", "1000");
  const old = json.deadLetters.filter((/** @type {any} */ { id }) => id <= letters);
  assert.equal(old.length, letters);
  for (const { id, redrives } of old) {
    assert.equal(redrives, 1, `dead letter ${id}`);
  }
});

for (const [name, args, options, error] of /** @type {[string, string[], object, RegExp][]} */ ([
  [
    "a wrong token",
    [],
    { ADMIN_TOKEN: "another-token-of-thirty-two-letters" },
    /^ADMIN_TOKEN refused by http.+: it differs from the console's$/,
  ],
  ["a token that no header holds", [], { ADMIN_TOKEN: "a token\u00a0of mine" }, /^ADMIN_TOKEN unusable: /],
  ["a missing token", [], {}, /^ADMIN_TOKEN neither set nor in \.dev\.vars of this folder: run read -rs ADMIN_TOKEN; /],
  [
    "a wrong mount",
    ["/elsewhere"],
    token,
    /^no console found at .+\/elsewhere: answer 404\. Give the address at which/,
  ],
])) {
  test(`${name} is named, with its cure`, patience, async () => {
    const url = new URL(args[0] ?? "/console", starter.console).href;
    const { code, stdout, stderr } = await runCli(["dead-letters", "list", "--url", url, "--json"], {
      secrets: { ...options },
    });
    assert.deepEqual([code, stderr], [2, ""]);
    const { ok, error: message } = JSON.parse(stdout);
    assert.equal(ok, false);
    assert.match(message, error);
  });
}

test("ids that do not exist are named, and nothing is redriven", patience, async () => {
  const shown = await run("show", "99999");
  assert.deepEqual(
    [shown.code, shown.stderr],
    [2, "failed  no dead letter 99999: dead-letters list --all shows the ids\n"],
  );
  const { redrives } = await starter.ask("dead-letters/5");
  const { code, stderr } = await run("redrive", "5", "99999", "--yes");
  assert.deepEqual([code, stderr], [2, "failed  1 of these ids not found: dead-letters list --all shows the ids\n"]);
  assert.equal((await starter.ask("dead-letters/5")).redrives, redrives);
});
