// Marked secrets, bodies, signatures and headers go through every answer and every failure of the gateway. Then each place
// that holds anything is searched for them.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { webhookPath } from "../../scripts/delivery.mjs";
import { large, runIn } from "./canaries.mjs";
import { readAll } from "./gateway.mjs";

/** @typedef {import("./canaries.mjs").Run} Run */

/** The settings with a text, each wrong in a way of its own. @param {string} text @returns {Record<string, unknown>[]} */
function badSettings(text) {
  return [
    { CRONOZEN_SIGNING_SECRET: `"${text}"` },
    { CRONOZEN_SIGNING_SECRET: `${text} `.repeat(9) },
    { CRONOZEN_SIGNING_SECRET: { secret: text } },
    { CRONOZEN_SIGNING_SECRET: [text] },
    { CRONOZEN_SIGNING_SECRET: "absent", CRONOZEN_SIGNING_SECRET_NEXT: text },
    { CRONOZEN_SIGNING_SECRET_NEXT: `${text}\u200b` },
    ...["DEDUPE", "DEDUPE_TTL_SECONDS", "REPLAY", "MAX_BODY_BYTES", "DEADLINE_MS", "WEBHOOK_PATH"].map((name) => ({
      [name]: text,
    })),
    { DEDUPE: { secret: text } },
    { FORGET: [text] },
    { MIGRATE_FROM_KV: text },
    { SEEN: text, DEDUPER: text },
    { EVENTS: text },
    { BODIES: text },
  ];
}

/** Signatures that are refused. @param {Run} run */
async function forge(run) {
  const forged = () => run.event({ data: run.canaries.make("forged body") }).body;
  const wrong = forged();
  const signature = run.signature(wrong, "whsec_wrong", "forged signature");
  await run.deliver(401, wrong, { signature });
  await run.deliver(401, forged(), { signature });
  await run.deliver(401, `${wrong} `, { signature: run.signature(wrong) });
  for (const malformed of [
    "",
    signature.toUpperCase(),
    `sha256=${signature}`,
    `${signature}, ${signature}`,
    run.secret,
  ]) {
    await run.deliver(401, forged(), { signature: malformed });
  }
  await run.deliver(401, wrong, { signature: Buffer.from(signature, "hex").toString("base64") });
  const unsigned = await run.request(webhookPath, { method: "POST", body: forged() });
  assert.equal(unsigned.status, 401);
  // A limiter that resolves to nothing usable counts as exhausted.
  await run.deliver(429, forged(), { signature, faults: { limit: "pretends after 0 ms" } });
  const limiter = `throws an error: ${run.canaries.make("first line of a binding's error")}`;
  await run.deliver(401, forged(), { signature, faults: { limit: limiter } });
}

/** Bodies and requests that are refused. @param {Run} run */
async function refuse(run) {
  const private_ = () => run.canaries.make("body that is not queued");
  await run.deliver(400, private_());
  await run.deliver(400, `{"eventId":"evt_1","data":"${private_()}"`);
  await run.deliver(400, `{"eventId":"evt_1","data":"${private_()}\u0001"}`);
  await run.deliver(400, JSON.stringify({ data: private_() }));
  await run.deliver(400, JSON.stringify({ eventId: [private_()] }));
  await run.deliver(400, JSON.stringify({ eventId: `${private_()}\n` }));
  await run.deliver(400, JSON.stringify({ eventId: private_().repeat(7) }));
  await run.deliver(400, JSON.stringify([private_()]));
  const old = { createdAt: "2020-01-01T00:00:00Z", data: private_() };
  await run.deliver(422, run.event(old).body, { settings: { REPLAY: "refuse" } });
  await run.deliver(413, run.event({ data: private_() + "x".repeat(2048) }).body, {
    settings: { MAX_BODY_BYTES: 2048 },
  });
  // The body is within the cap, and its message does not fit.
  const long = run.event({ data: private_(), type: "t".repeat(1000) }).body;
  await run.deliver(413, long + " ".repeat(127_000 - long.length), { settings: { BODIES: "absent" } });

  for (const path of [`/${run.canaries.make("path")}`, `${webhookPath}/${run.canaries.make("path")}`]) {
    const { body } = run.event({ data: private_() });
    const headers = { "x-cronozen-signature": run.signature(body) };
    assert.equal((await run.request(path, { method: "POST", body, headers })).status, 404);
  }
  for (const method of ["GET", "PUT", "DELETE"]) {
    const body = method === "GET" ? {} : { body: private_() };
    assert.equal((await run.request(webhookPath, { method, ...body })).status, 405);
  }

  const { body } = run.event({ data: private_() });
  const head = `X-Cronozen-Signature: ${run.signature(body)}\r\nAuthorization: ${run.headers.authorization}\r\n`;
  const slow = { settings: { ...run.settings, DEADLINE_MS: 1000 } };
  const socket = await run.gateway.connect(`${head}Content-Length: ${body.length + 1}\r\n`, slow);
  socket.write(body);
  const answer = await readAll(socket, 5000);
  assert.match(answer, /^HTTP\/1\.1 408 /);
  run.canaries.search("answers", answer);
}

/** Settings and their names hold what is private. @param {Run} run */
async function misconfigure(run) {
  for (const settings of badSettings(run.secret)) {
    const { body } = run.event();
    const { status } = await run.request("/healthz", {}, { settings });
    const delivered = await run.request(
      webhookPath,
      { method: "POST", body, headers: { "x-cronozen-signature": run.signature(body) } },
      { settings },
    );
    // In one of the modes, a wrong binding of the other is not used.
    assert.deepEqual(status === 500, delivered.status === 500, JSON.stringify(settings));
  }
  const { status, answer } = await run.request("/healthz", {});
  assert.deepEqual([status, answer.hints, answer.secrets], [200, ["unknown name REPLAI: did you mean REPLAY?"], 2]);
}

/** Makes each binding of the gateway fail in each way, with errors that hold the body. @param {Run} run @param {string} mode */
async function fail(run, mode) {
  run.isFaulty = true;
  const operations = mode === "kv" ? ["get", "put", "send", "store"] : ["acquire", "commit", "mark", "send", "store"];
  const failures = ["hangs", "throws", "throws a string", "resolves to nothing", "returns no promise"];
  // So many requests at once are slow, so they have the default deadline.
  const settings = { MAX_BODY_BYTES: 1_000_000 };
  await Promise.all(
    operations.flatMap((operation) =>
      failures.map(async (failure) => {
        const { eventId, body } = run.event({ data: "x".repeat(operation === "store" ? large : 10) });
        const signature = run.signature(body);
        const marked = run.canaries.make("first line of a binding's error");
        const first = `${marked} ${"x".repeat(160)}`;
        const late = ["end of a binding's first line", "stack of a binding's error"].map((kind) =>
          run.canaries.make(kind),
        );
        const text = `${first}${late[0]}\n${late[1]}\n${body}\n${run.secret}`;
        const fault = { throws: `throws an error: ${text}`, "throws a string": `throws a string: ${text}` }[failure];
        // `mark` is called if `commit` fails.
        /** @type {import("./gateway.mjs").Faults} */
        const commit = operation === "mark" ? { commit: "throws an error" } : {};
        await run.request(
          webhookPath,
          { method: "POST", body, headers: { "x-cronozen-signature": signature } },
          { settings, faults: { ...commit, [operation]: fault ?? failure } },
        );
        assert.ok((await run.gateway.linesOf(eventId)).length > 0, `${operation} ${failure}: no line`);
        // If `commit` fails and `mark` works, nothing is lost, and nothing is logged.
        if (fault !== undefined && operation !== "commit") {
          const ids = (await run.gateway.linesOf(marked)).map((line) => line.eventId);
          assert.ok(ids.includes(eventId), `${operation} ${failure}: no line has its text`);
        }
      }),
    ),
  );
  const { eventId, body } = run.event();
  // The send ends after the answer: a late commit, and a late failure.
  const fast = { DEADLINE_MS: 1500 };
  await run.deliver(503, body, { settings: fast, faults: { send: "after 1700 ms" } });
  assert.equal((await run.gateway.linesOf(eventId, 2)).length, 2);
  await run.deliver(200, body);
  const failed = run.event({ data: run.canaries.make("body that is not queued") });
  await run.deliver(503, failed.body, { settings: fast, faults: { send: "fails after 1700 ms" } });
  assert.equal((await run.gateway.linesOf(failed.eventId, 2)).length, 2);
}

/** An instance traps while it holds deliveries. @param {Run} run */
async function trap(run) {
  const kinds = ["unreachable", "unreachable after a wait", "panic", "exception", "stack overflow"];
  for (const kind of kinds) {
    const { calls } = await run.gateway.observed();
    const held = ["send", "store"].map(async (operation) => {
      const data = run.canaries.make("body that is not queued") + "x".repeat(operation === "store" ? large : 10);
      const circumstances = { settings: { MAX_BODY_BYTES: 1_000_000 }, faults: { [operation]: "hangs" } };
      await run.deliver(503, run.event({ data }).body, circumstances);
    });
    await Promise.all([run.gateway.called("send", 1, calls), run.gateway.called("store", 1, calls)]);
    const { body } = run.event({ data: run.canaries.make("body that is not queued") });
    await run.deliver(503, body, { headers: { "x-test-trap": kind } });
    await Promise.all(held);
  }
  const { body } = run.event({ data: run.canaries.make("body that is not queued") });
  await run.deliver(503, body, { faults: { instance: "fails once" }, headers: { "x-test-trap": "unreachable" } });
  assert.equal(run.gateway.logged("trapped").length > kinds.length, true);
}

suite("nothing private is where it must not be", { concurrency: true }, () => {
  for (const mode of ["kv", "durable-object"]) {
    test(`with every answer in the mode ${mode}`, () =>
      runIn(mode, async (run) => {
        await forge(run);
        await refuse(run);
        await misconfigure(run);
        await fail(run, mode);
        assert.deepEqual([...run.statuses].sort(), [200, 202, 400, 401, 404, 405, 413, 422, 429, 500, 503]);
      }));

    test(`after traps in the mode ${mode}`, () => runIn(mode, trap, "worker-test-trap"));
  }
});
