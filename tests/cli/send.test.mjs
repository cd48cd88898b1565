// `send` against the starter in workerd.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../support/ports.mjs";
import { runCli, runJson, scratchFolder, startCli } from "./cli.mjs";
import { secrets, startStarter } from "./starter.mjs";

const patience = { timeout: 60_000 };

/** @type {Awaited<ReturnType<typeof startStarter>>} */
let starter;
before(async () => {
  starter = await startStarter();
});
after(() => starter.close());

const signing = { CRONOZEN_SIGNING_SECRET: secrets.CRONOZEN_SIGNING_SECRET };

/** Waits until a query finds as many rows. @param {string} sql @param {number} count */
async function rows(sql, count) {
  for (;;) {
    const found = await starter.rows(sql);
    if (found.length >= count) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("a sample is accepted, and its handler records it", patience, async () => {
  const { code, stdout, stderr } = await runCli(["send", "payment.completed", starter.webhook], { secrets: signing });
  assert.equal(stderr, "");
  const [, eventId, bytes] =
    /^payment\.completed to http:\/\/127\.0\.0\.1:\d+\/webhooks\/cronozen\n\n {2}event {3}(evt_[0-9a-f]{10})\n {2}size {4}(\d+) bytes\n {2}answer {2}202 accepted after \d+ ms\n\nok {2}As expected\.\n$/.exec(
      stdout,
    ) ?? assert.fail(stdout);
  assert.ok(Number(bytes) > 100);
  assert.equal(code, 0);
  const [payment] = await rows(`SELECT * FROM payments WHERE event_id = '${eventId}'`, 1);
  assert.deepEqual(payment, { event_id: eventId, amount: "49.00", currency: "EUR" });
});

test("the secret is split as the gateway splits it, which refuses a byte order mark", patience, async () => {
  const { CRONOZEN_SIGNING_SECRET: secret } = signing;
  const send = async (/** @type {string} */ value) => {
    const args = ["send", "payment.completed", starter.webhook];
    return (await runJson(args, { secrets: { CRONOZEN_SIGNING_SECRET: value } })).json;
  };
  assert.equal((await send(`\u0085${secret}\u3000whsec_old`)).deliveries?.[0].status, 202);
  assert.match((await send(`\ufeff${secret}`)).error, /^signing secret unusable: .+ an invisible character/);
});

test("a URL without a path is that of the webhook, and its query is not printed", patience, async () => {
  const url = `${new URL(starter.webhook).origin}?key=hidden`;
  const { code, stdout, stderr } = await runCli(["send", "dpu.sealed", url], { secrets: signing });
  assert.equal(code, 0, stderr);
  assert.ok(!stdout.includes("hidden"), stdout);
});

test("all sends one of each documented type, and --duplicate each again", patience, async () => {
  const { code, json } = await runJson(["send", "all", starter.webhook, "--duplicate"], { secrets: signing });
  assert.equal(code, 0);
  assert.equal(json.ok, true);
  assert.equal(json.deliveries.length, 18);
  for (const [index, { eventId, type, status, expected }] of json.deliveries.entries()) {
    assert.equal(status, index % 2 === 0 ? 202 : 200);
    assert.equal(expected, true);
    const { eventId: partner, type: same } = json.deliveries[index - (index % 2)];
    assert.deepEqual([eventId, type], [partner, same]);
  }
  assert.equal(new Set(json.deliveries.map((/** @type {any} */ { type }) => type)).size, 9);
  const { stdout } = await runCli(["send", "--help"]);
  for (const { type } of json.deliveries) {
    assert.ok(stdout.includes(`  ${type}\n`), `${type} is not in the help`);
  }
});

for (const part of ["body", "signature", "secret"]) {
  test(`a forged ${part} is answered 401, as expected`, patience, async () => {
    const args = ["send", "payment.completed", starter.webhook, "--tamper", part, "--duplicate"];
    // A forged secret needs no real one.
    const { code, json } = await runJson(args, part === "secret" ? {} : { secrets: signing });
    assert.equal(code, 0);
    assert.deepEqual(
      json.deliveries.map((/** @type {any} */ { status, code, expected }) => ({ status, code, expected })),
      Array(2).fill({ status: 401, code: "invalid_signature", expected: true }),
    );
  });
}

test("--id and --data are the event's, and the same id again is a duplicate", patience, async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "data.json"), '{"amount":"7.10","currency":"KRW"}\n');
  const args = ["send", "payment.completed", starter.webhook, "--id", "evt_mine", "--data", "@data.json"];
  const first = await runJson(args, { folder, secrets: signing });
  assert.deepEqual([first.code, first.json.deliveries[0].status], [0, 202]);
  const again = await runJson(args, { folder, secrets: signing });
  assert.deepEqual([again.code, again.json.deliveries[0].status], [0, 200]);
  const [payment] = await rows("SELECT * FROM payments WHERE event_id = 'evt_mine'", 1);
  assert.deepEqual(payment, { event_id: "evt_mine", amount: "7.10", currency: "KRW" });
});

test("a type that is not documented is sent, with a note", patience, async () => {
  const { code, stdout } = await runCli(["send", "toString", starter.webhook], { secrets: signing });
  assert.equal(code, 0);
  assert.match(stdout, /Not a documented type/);
  const [stored] = await rows("SELECT * FROM events WHERE type = 'toString'", 1);
  assert.deepEqual(JSON.parse(stored?.event).data, {});
});

for (const extra of [[], ["--shuffle"]]) {
  test(
    `--count with ${["--duplicate", ...extra].join(" ")} sends each event twice, with a summary`,
    patience,
    async () => {
      const data = JSON.stringify({ amount: `${extra.length}.00`, currency: "XTS" });
      const args = ["send", "payment.completed", starter.webhook, "--count", "60", "--duplicate", "--data", data];
      const { code, json } = await runJson([...args, ...extra], { secrets: signing });
      const { p50Ms, p99Ms, perSecond, ...rest } = json;
      assert.deepEqual(rest, {
        ok: true,
        sent: 120,
        unexpected: 0,
        answers: [
          { status: 202, code: "accepted", deliveries: 60 },
          { status: 200, code: "duplicate", deliveries: 60 },
        ],
        interrupted: false,
      });
      assert.ok(p50Ms > 0 && p50Ms <= p99Ms && perSecond > 0);
      assert.equal(code, 0);
      const sql = `SELECT event_id FROM payments WHERE currency = 'XTS' AND amount = '${extra.length}.00'`;
      assert.equal((await rows(sql, 60)).length, 60);
    },
  );
}

test("another secret is found, with its cure", patience, async () => {
  const options = { secrets: { CRONOZEN_SIGNING_SECRET: "whsec_another" } };
  const { code, stdout } = await runCli(["send", "payment.completed", starter.webhook], options);
  assert.equal(code, 1);
  assert.match(stdout, /^ {10}expected: 202 accepted$/m);
  assert.match(stdout, /^no {2}1 of 1 answers not as expected\.$/m);
  assert.match(stdout, /The gateway's secret differs from the one used here\. cronozen-edge verify says/);
  const { json } = await runJson(["send", "payment.completed", starter.webhook], options);
  assert.deepEqual([json.ok, json.deliveries[0].expected], [false, false]);
});

test("another path is found, with its cure", patience, async () => {
  const url = new URL("/elsewhere", starter.webhook).href;
  const { code, stdout } = await runCli(["send", "payment.completed", url], { secrets: signing });
  assert.equal(code, 1);
  assert.match(stdout, /^404 not_found\n {2}The gateway has another path: look at WEBHOOK_PATH/m);
});

test("no server is found, with its cure", patience, async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, stdout } = await runCli(["send", "payment.completed", url], { secrets: signing });
  assert.equal(code, 1);
  assert.match(stdout, /answer {2}no answer: connection refused/);
  assert.match(stdout, /start the gateway with npm run dev/);
  const { json } = await runJson(["send", "payment.completed", url], { secrets: signing });
  const { status, code: reason, expected } = json.deliveries[0];
  assert.deepEqual({ status, reason, expected }, { status: null, reason: "connection_refused", expected: false });
});

test("the secret of .dev.vars is used on this machine alone, after that of the environment", patience, async () => {
  const folder = scratchFolder();
  // The newest is the first.
  writeFileSync(join(folder, ".dev.vars"), `CRONOZEN_SIGNING_SECRET="${signing.CRONOZEN_SIGNING_SECRET} whsec_old"\n`);
  const local = await runJson(["send", "dpu.verified", starter.webhook], { folder });
  assert.equal(local.json.deliveries[0].status, 202);
  const remote = await runJson(["send", "dpu.verified", "https://edge.example.com"], { folder });
  assert.equal(remote.code, 2);
  assert.match(remote.json.error, /^CRONOZEN_SIGNING_SECRET not set: run read -rs CRONOZEN_SIGNING_SECRET; export /);
  const other = { CRONOZEN_SIGNING_SECRET: "whsec_of_the_environment" };
  const chosen = await runJson(["send", "dpu.verified", starter.webhook], { folder, secrets: other });
  assert.equal(chosen.json.deliveries[0].status, 401);
});

for (const format of [["--json"], []]) {
  test(`Ctrl-C ends a long run with the summary of what was sent ${format}`, patience, async () => {
    const type = `interrupted${format.join("")}`;
    const args = ["send", type, starter.webhook, "--count", "100000", "--concurrency", "1", ...format];
    const { child, ended } = startCli(args, { secrets: signing });
    await rows(`SELECT 1 FROM events WHERE type = '${type}' LIMIT 1`, 1);
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    assert.equal(code, 1);
    if (format.length === 0) {
      const [, sent, left] =
        /^ {2}202 accepted {2}([\d,]+)\n[\s\S]+\nno {2}Interrupted: ([\d,]+) of 100,000 not sent\.\n$/m.exec(stdout) ??
        assert.fail(stdout);
      assert.equal(Number(sent?.replace(",", "")) + Number(left?.replace(",", "")), 100_000);
      return;
    }
    const { ok, interrupted, sent, answers } = JSON.parse(stdout);
    assert.deepEqual({ ok, interrupted }, { ok: false, interrupted: true });
    assert.ok(sent > 0 && sent < 100_000, `${sent} sent`);
    assert.deepEqual(answers, [{ status: 202, code: "accepted", deliveries: sent }]);
  });
}
