// A Worker that traps is replaced: the next delivery is served by a fresh instance, and the deliveries
// that were under way are answered at once. Uses a build that traps when a header asks for it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sign } from "../../scripts/delivery.mjs";
import { countedByStatus, newEvent, promisedMs, secret, sleep, TestGateway } from "./gateway.mjs";

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start("worker-test-trap");
});
after(() => gateway.stop());

test("the lines of a trap, and those before it, reach Activity", async () => {
  const accepted = Array.from({ length: 5 }, () => newEvent());
  for (const { body } of accepted) {
    assert.equal((await gateway.deliver(body)).status, 202);
  }
  await gateway.deliver(newEvent().body, { headers: { "x-test-trap": "unreachable" } });
  /** @type {string[]} */
  let outcomes = [];
  for (let tries = 0; outcomes.length < 7; tries += 1) {
    assert.ok(tries < 100, outcomes.join());
    await sleep(100);
    const { deliveries } = await gateway.activity("deliveries", { limit: 200 });
    outcomes = deliveries.map((/** @type {any} */ { outcome, reason }) => reason ?? outcome);
  }
  assert.deepEqual(outcomes, ["instance trapped", "trapped", ...accepted.map(() => "accepted")]);
  assert.equal((await gateway.activity("status")).lost, 0);
});

for (const trap of ["unreachable", "unreachable after a wait", "panic", "exception", "stack overflow"]) {
  test(`${trap}: 20 pending deliveries are answered 503`, async () => {
    const hung = { faults: { send: "hangs" } };
    const { calls } = await gateway.observed();
    const pending = Array.from({ length: 20 }, () => gateway.deliver(newEvent().body, hung));
    await gateway.called("send", 20, calls);
    const before = gateway.log.length;
    const trapped = await gateway.deliver(newEvent().body, { headers: { "x-test-trap": trap } });
    for (const { status, answer, headers, ms } of [trapped, ...(await Promise.all(pending))]) {
      assert.equal(status, 503);
      assert.equal(answer.code, "unavailable");
      assert.equal(headers.get("retry-after"), "30");
      assert.equal(headers.get("content-type"), "application/problem+json");
      assert.ok(ms < promisedMs, `${ms} ms`);
    }

    const { eventId, body } = newEvent();
    assert.equal((await gateway.deliver(body)).status, 202);
    assert.equal((await gateway.deliver(body)).status, 200);
    assert.equal((await gateway.messages(eventId)).length, 1);

    const lines = gateway.log.slice(before).join("\n");
    const trapLines = lines.split("\n").filter((line) => line.includes('"outcome":"trapped"'));
    assert.equal(trapLines.length, 1, lines);
    assert.equal(JSON.parse(trapLines[0] ?? "").inFlight, 21);
    const failed = lines.split("\n").filter((line) => line.includes('"reason":"instance trapped'));
    assert.equal(failed.length, 21, "each delivery has its line");
    assert.ok(!/\.rs|wasm-function|\bat .+:\d+:\d+/.test(lines), lines);
  });
}

/**
 * Starts a Worker whose code V8 optimises after some calls. Otherwise, some 5,000 deliveries come before that.
 *
 * @param {import("node:test").TestContext} context
 * @param {import("./gateway.mjs").Circumstances} circumstances of the deliveries that make the code hot
 */
async function startHot(context, circumstances = {}) {
  process.env.MINIFLARE_WORKERD_V8_FLAGS =
    "--invocation-count-for-turbofan=10 --no-lazy-feedback-allocation --minimum-invocations-after-ic-update=1";
  let gateway;
  try {
    gateway = await startApart(context);
  } finally {
    delete process.env.MINIFLARE_WORKERD_V8_FLAGS;
  }
  for (let batch = 0; batch < 50; batch += 1) {
    await Promise.all(Array.from({ length: 20 }, () => gateway.deliver(newEvent().body, circumstances)));
  }
  return gateway;
}

test("in a Worker whose code V8 has optimised, a trap's neighbours are answered 503, too", async (context) => {
  const gateway = await startHot(context);
  for (const trap of ["stack overflow", "exception", "unreachable"]) {
    const { calls } = await gateway.observed();
    const pending = Array.from({ length: 20 }, () => gateway.deliver(newEvent().body, { faults: { send: "hangs" } }));
    await gateway.called("send", 20, calls);
    await gateway.deliver(newEvent().body, { headers: { "x-test-trap": trap } });
    for (const { status, answer } of await Promise.all(pending)) {
      assert.equal(`${status} ${answer.code}`, "503 unavailable", trap);
    }
  }
});

test("a trap answers the deliveries of leased events, and ends their leases", async () => {
  const settings = { DEDUPE: "durable-object" };
  const { calls } = await gateway.observed();
  const events = Array.from({ length: 20 }, () => newEvent());
  const pending = events.map(({ body }) => gateway.deliver(body, { settings, faults: { send: "hangs" } }));
  await gateway.called("send", 20, calls);
  await gateway.deliver(newEvent().body, { headers: { "x-test-trap": "unreachable" } });
  for (const { status, ms } of await Promise.all(pending)) {
    assert.equal(status, 503);
    assert.ok(ms < promisedMs, `${ms} ms`);
  }
  for (const { eventId, body } of events) {
    assert.equal((await gateway.deliver(body, { settings })).status, 202);
    assert.equal((await gateway.deliver(body, { settings })).status, 200);
    assert.equal((await gateway.messages(eventId)).length, 1);
  }
});

const strict = { DEDUPE: "durable-object" };

// A request that lives on after its answer keeps its leases, unless the instance traps.
const activityHangs = { faults: { send: "hangs", record: "hangs" } };
const livesOn = { faults: { send: "hangs" }, headers: { "x-test-lives-on": "yes" } };

for (const [kind, start, circumstances] of /** @type {const} */ ([
  ["although Activity hangs and keeps a request alive", startApart, activityHangs],
  ["also of requests that live on in a Worker whose code V8 has optimised", startHotStrict, livesOn],
])) {
  for (const [sends, settings] of /** @type {const} */ ([
    ["sends that hang", strict],
    ["late sends", { ...strict, DEADLINE_MS: "2000" }],
  ])) {
    test(`a trap frees the leases of ${sends} at once, ${kind}`, async (context) => {
      const gateway = await start(context);
      const { calls } = await gateway.observed();
      const events = Array.from({ length: 20 }, () => newEvent());
      const pending = events.map(({ body }) => gateway.deliver(body, { settings, ...circumstances }));
      await gateway.called("send", 20, calls);
      if (settings !== strict) {
        await Promise.all(pending);
      }
      await gateway.deliver(newEvent().body, {
        headers: { "x-test-trap": "unreachable" },
        faults: { record: "hangs" },
      });
      for (const { status } of await Promise.all(pending)) {
        assert.equal(status, 503);
      }
      const again = await Promise.all(events.map(({ body }) => gateway.deliver(body, { settings: strict })));
      // One that finds a lease waits for it, and is answered 503.
      assert.deepEqual(countedByStatus(again), { 202: 20 });
    });
  }
}

/** @param {import("node:test").TestContext} context */
function startHotStrict(context) {
  return startHot(context, { settings: strict });
}

/** Starts a Worker whose objects have an isolate of their own. @param {import("node:test").TestContext} context */
async function startApart(context) {
  const gateway = await TestGateway.start("worker-test-trap", { apart: true });
  context.after(() => gateway.stop());
  // The first deliveries start the objects, which takes longer than a short deadline allows for a lease.
  await Promise.all(Array.from({ length: 50 }, () => gateway.deliver(newEvent().body, { settings: strict })));
  return gateway;
}

test("a trap while several objects are busy replaces the instance once", async () => {
  const settings = { DEDUPE: "durable-object" };
  const { calls } = await gateway.observed();
  const leased = Array.from({ length: 8 }, () => newEvent());
  // In each object one delivery has a lease, and others wait for it. The Worker has other work to do after the answer,
  // so nothing ends its timers.
  const circumstances = { settings, faults: { send: "after 2000 ms" }, headers: { "x-test-lives-on": "yes" } };
  const pending = leased.flatMap(({ body }) => [0, 1, 2].map(() => gateway.deliver(body, circumstances)));
  await gateway.called("acquire", 24, calls);
  const before = gateway.log.length;
  await gateway.deliver(newEvent().body, { headers: { "x-test-trap": "unreachable" } });
  await Promise.all(pending);
  const started = performance.now();
  while (performance.now() - started < 10_000) {
    const { status } = await gateway.deliver(newEvent().body, { settings });
    assert.equal(status, 202);
    await sleep(50);
  }
  const trapped = gateway.log.slice(before).filter((line) => line.includes('"outcome":"trapped"'));
  assert.equal(trapped.length, 1, trapped.join("\n"));
});

test("a lease from before a trap does not end one from after it", async () => {
  const settings = { DEDUPE: "durable-object" };
  const { eventId, body } = newEvent();
  const { calls } = await gateway.observed();
  // Its request lasts 10 s, and its lease is disposed of only then.
  const hung = { settings, faults: { send: "hangs" }, headers: { "x-test-lives-on": "yes" } };
  const first = gateway.deliver(body, hung);
  await gateway.called("send", 1, calls);
  await gateway.deliver(newEvent().body, { headers: { "x-test-trap": "unreachable" } });
  assert.equal((await first).status, 503);
  await sleep(8000);
  const second = gateway.deliver(body, { settings, faults: { send: "after 3500 ms" } });
  await gateway.called("send", 2, calls);
  const third = gateway.deliver(body, { settings: { ...settings, DEADLINE_MS: "4500" } });
  assert.ok([202, 503].includes((await second).status));
  assert.ok([200, 503].includes((await third).status));
  await sleep(500);
  assert.equal((await gateway.messages(eventId)).length, 1);
});

test("a trap frees its deliveries' allowance", async () => {
  // The longest deadline gives bodies the most time to arrive.
  const settings = { MAX_BODY_BYTES: 1_048_576, DEADLINE_MS: 4500 };
  const head = `Content-Length: 1048576\r\nX-Cronozen-Signature: ${sign("other", secret)}\r\n`;
  const stall = async () => {
    const socket = await gateway.connect(head, { settings });
    socket.on("error", () => {});
    socket.write(Buffer.alloc(1_048_575, "x"));
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: 32 }, stall));
  const { body } = newEvent({ data: "x".repeat(100_000) });
  // One that is refused, or is too late, gives back what had arrived of it, so some may be missing.
  for (let tries = 0; (await gateway.deliver(body, { settings })).status !== 503; tries += 1) {
    assert.ok(tries < 200, "the allowance is used up");
    sockets.push(await stall());
  }
  await gateway.deliver(newEvent().body, { headers: { "x-test-trap": "unreachable" } });
  assert.ok([200, 202].includes((await gateway.deliver(body, { settings })).status));
  for (const socket of sockets) {
    socket.destroy();
  }
});

test("the gateway recovers from 20 traps in a row", async () => {
  for (let round = 0; round < 20; round += 1) {
    const trapped = await gateway.deliver(newEvent().body, { headers: { "x-test-trap": "unreachable" } });
    assert.equal(trapped.status, 503);
    assert.equal((await gateway.deliver(newEvent().body)).status, 202);
  }
});

test("a trap in a timer is still answered before the sender gives up", async () => {
  const hung = gateway.deliver(newEvent().body, { headers: { "x-test-trap": "unreachable in a timer" } });
  const trapped = await hung;
  assert.equal(trapped.status, 503);
  assert.ok(trapped.ms < 5000, `${trapped.ms} ms`);
  assert.equal((await gateway.deliver(newEvent().body)).status, 202);
});

test("an instance that cannot be replaced at once is replaced by the next request", async () => {
  const pending = gateway.deliver(newEvent().body, { faults: { send: "hangs" } });
  await sleep(200);
  const faults = { instance: "fails once" };
  const trapped = await gateway.deliver(newEvent().body, { faults, headers: { "x-test-trap": "unreachable" } });
  assert.equal(trapped.status, 503);
  assert.equal(trapped.answer.code, "unavailable");
  assert.equal((await pending).answer.code, "unavailable");
  assert.equal((await gateway.deliver(newEvent().body)).status, 202);
});

test("a binding that returns no promise has failed, and one that returns a thenable has not", async () => {
  const before = gateway.log.length;
  const failed = await gateway.deliver(newEvent().body, { faults: { send: "returns no promise" } });
  assert.equal(failed.status, 503);
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body, { faults: { send: "returns a thenable" } })).status, 202);
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.ok(!gateway.log.slice(before).join("\n").includes('"outcome":"trapped"'));
});

test("a trap is answered like a failed send", async () => {
  const trapped = await gateway.deliver(newEvent().body, { headers: { "x-test-trap": "unreachable" } });
  const failed = await gateway.deliver(newEvent().body, { faults: { send: "throws an error" } });
  assert.deepEqual(trapped.answer, failed.answer);
  for (const name of ["content-type", "cache-control", "retry-after"]) {
    assert.equal(trapped.headers.get(name), failed.headers.get(name));
  }
});
