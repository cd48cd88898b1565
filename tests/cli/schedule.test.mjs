// `send --schedule`: the gateway in workerd behind a proxy that fails as networks do.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answerJson, runCli, runJson, serve, startCli } from "./cli.mjs";
import { secrets, startStarter } from "./starter.mjs";

const signing = { CRONOZEN_SIGNING_SECRET: secrets.CRONOZEN_SIGNING_SECRET };
const patience = { timeout: 60_000 };

/** The sender's delays before the second to the seventh attempt, in milliseconds. */
const delays = [30, 120, 600, 3600, 21_600, 86_400].map((seconds) => seconds * 1000);

/** @type {Awaited<ReturnType<typeof startStarter>>} */
let starter;
before(async () => {
  starter = await startStarter();
});
after(() => starter.close());

/**
 * A proxy that does another thing at each attempt, and notes when it came and what it held.
 *
 * @param {("forward" | "lose the answer" | "reset" | "hang" | number)[]} behaviours
 */
async function proxy(behaviours) {
  /** @type {{ at: number, body: string, signature: unknown }[]} */
  const attempts = [];
  const url = await serve(async ({ url: path, headers, body }, response) => {
    const behaviour = behaviours[attempts.length];
    attempts.push({ at: performance.now(), body, signature: headers["x-cronozen-signature"] });
    if (typeof behaviour === "number") {
      answerJson(response, behaviour, { code: "unavailable" });
    } else if (behaviour === "reset") {
      response.socket?.resetAndDestroy();
    } else if (behaviour !== "hang") {
      const signed = { "x-cronozen-signature": String(headers["x-cronozen-signature"]) };
      const answer = await fetch(new URL(path, starter.webhook), { method: "POST", headers: signed, body });
      const json = /** @type {object} */ (await answer.json());
      if (behaviour === "forward") {
        answerJson(response, answer.status, json);
      } else {
        assert.equal(answer.status, 202);
        response.socket?.resetAndDestroy();
      }
    }
  });
  return { url, attempts };
}

test("seven attempts through every failure have one effect", patience, async () => {
  const scale = 20_000;
  const { url, attempts } = await proxy([503, "lose the answer", "hang", "reset", 500, 503, "forward"]);
  const args = ["send", "payment.completed", url, "--schedule", "--time-scale", String(scale)];
  const { code, json } = await runJson(args, { secrets: signing });
  assert.deepEqual(
    json.attempts.map((/** @type {any} */ { status, code }) => [status, code]),
    [
      [503, "unavailable"],
      [null, "connection_reset"],
      [null, "timeout"],
      [null, "connection_reset"],
      [500, "unavailable"],
      [503, "unavailable"],
      // The gateway had got it at the second attempt.
      [200, "duplicate"],
    ],
  );
  assert.deepEqual([code, json.ok, json.deliveredAt, json.interrupted], [0, true, 7, false]);
  assert.equal(new Set(attempts.map(({ body, signature }) => `${signature}${body}`)).size, 1);

  // The sender's clock: each delay counts from the end of the attempt before.
  let clock = 0;
  for (const [index, { atMs, ms }] of json.attempts.entries()) {
    assert.equal(atMs, clock, `attempt ${index + 1}`);
    const [now, next] = [attempts[index], attempts[index + 1]];
    if (now !== undefined && next !== undefined) {
      clock += ms + (delays[index] ?? 0);
      const real = next.at - now.at;
      const scaled = (delays[index] ?? 0) / scale;
      // An attempt takes some milliseconds before it arrives, and only the time-out takes long after that.
      const least = scaled + (index === 2 ? 4900 : 0) - 5;
      assert.ok(real > least && real < scaled + ms + 4500, `attempt ${index + 2} came after ${real} ms`);
    }
  }
  assert.ok(json.attempts[2].ms >= 4990 && json.attempts[2].ms < 9500, "the time-out is not scaled");

  // A second row would come within the second that a batch takes.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const payments = await starter.rows(`SELECT event_id FROM payments WHERE event_id = '${json.eventId}'`);
  assert.deepEqual(payments, [{ event_id: json.eventId }]);
});

test("the first 2xx ends it", patience, async () => {
  const { url, attempts } = await proxy([503, "forward", "forward"]);
  const args = ["send", "dpu.sealed", url, "--schedule", "--time-scale", "100000"];
  const { code, stdout } = await runCli(args, { secrets: signing });
  assert.equal(code, 0);
  assert.equal(attempts.length, 2);
  const [, , header = "", first = "", second = "", , verdict] = stdout.split("\n");
  assert.match(header, /^ {2}attempt {2}after +answer +next$/);
  assert.match(first, /^ {2}1 +0 s +503 unavailable, \d+ ms +in 30 s$/);
  assert.match(second, /^ {2}2 +30 s +202 accepted, \d+ ms$/);
  assert.equal(verdict, "ok  Delivered at attempt 2.");
});

test("it has failed after seven attempts, with the cure", patience, async () => {
  const { url, attempts } = await proxy(Array(9).fill(503));
  const args = ["send", "dpu.sealed", url, "--schedule", "--time-scale", "1000000"];
  const { code, stdout } = await runCli(args, { secrets: signing });
  assert.equal(code, 1);
  assert.equal(attempts.length, 7);
  const times = [...stdout.matchAll(/^ {2}\d +(.+?) {2,}503/gm)].map(([, time]) => time);
  assert.deepEqual(times, ["0 s", "30 s", "2 min 30 s", "12 min 30 s", "1 h 12 min", "7 h 12 min", "31 h 12 min"]);
  assert.match(stdout, /^ {2}7 +31 h 12 min +503 unavailable, \d+ ms$/m);
  assert.match(stdout, /^no {2}Failed after 7 attempts\.\n\n503 unavailable\n {2}The gateway could not queue/m);
});

test("rows are printed as they happen, and Ctrl-C ends the wait", patience, async () => {
  const { url } = await proxy([503]);
  const { child, printed, ended } = startCli(["send", "dpu.sealed", url, "--schedule"], { secrets: signing });
  while (!printed.stdout.includes("in 30 s\n")) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const started = performance.now();
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  // The next attempt would come after 30 s.
  assert.ok(performance.now() - started < 10_000);
  assert.match(stdout, /\nno {2}Interrupted after 1 attempt\. It is not delivered\.\n$/);
  assert.deepEqual([code, stderr], [1, ""]);
});

test("Ctrl-C aborts an attempt that hangs", patience, async () => {
  const { url, attempts } = await proxy(["hang"]);
  const { child, ended } = startCli(["send", "dpu.sealed", url, "--schedule", "--json"], { secrets: signing });
  while (attempts.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill("SIGINT");
  const { code, stdout } = await ended;
  const { interrupted, attempts: made, deliveredAt } = JSON.parse(stdout);
  assert.deepEqual(
    { code, interrupted, made, deliveredAt },
    { code: 1, interrupted: true, made: [], deliveredAt: null },
  );
});
