// The sinks over HTTP: failures, repetition, two runs at once, and URLs that stay secret.

import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { discord, json, slack, teams } from "cronozen-edge/alerts";
import { alertStatus, muteIncident, showIncident } from "../../pkg/src/alerts/incidents.ts";
import { silent } from "../support/log.mjs";
import { hour, minute, TestAlerts } from "./alerts.mjs";
import { Service, secretPart, stopServices } from "./service.mjs";

/** @type {TestAlerts} */
let tested;
afterEach(() => {
  tested.stop();
  stopServices();
});

/** @type {Record<string, { fails: import("./service.mjs").Behaviour, reason: string }>} */
const failures = {
  "answer 500": { fails: (answer) => answer.writeHead(500).end("no"), reason: "answer 500" },
  "no answer": { fails: () => {}, reason: "no answer within 10000 ms" },
  "answer 429": { fails: (answer) => answer.writeHead(429, { "retry-after": "600" }).end(), reason: "answer 429" },
  "a reset connection": { fails: (answer) => answer.socket?.resetAndDestroy(), reason: "connection failed" },
  "a redirect": {
    fails: (answer) => answer.writeHead(307, { location: `http://127.0.0.1:1/${secretPart}` }).end(),
    reason: "answer 307",
  },
};

test("sinks that fail get each message once when they recover, and the others are not repeated", async () => {
  const good = await Service.start();
  /** @type {Record<string, Service>} */
  const bad = {};
  for (const [name, { fails }] of Object.entries(failures)) {
    const service = await Service.start();
    service.fails = fails;
    bad[name] = service;
  }
  tested = new TestAlerts({
    sinks: () => [json(good.url), ...Object.entries(bad).map(([name, { url }]) => slack(url, { name }))],
  });
  await tested.begin();
  tested.losses.lost = 1;
  const lines = await tested.run();
  const reasons = lines.filter(({ outcome }) => outcome === "alert_not_sent").map(({ sink, reason }) => [sink, reason]);
  assert.deepEqual(
    reasons.sort(),
    Object.entries(failures)
      .map(([name, { reason }]) => [name, reason])
      .sort(),
  );
  const { failing } = await alertStatus(/** @type {any} */ (tested.dead));
  assert.deepEqual(
    failing.map(({ sink, messages, reason }) => [sink, messages, reason]),
    reasons.map(([sink, reason]) => [sink, 1, reason]).sort(),
  );
  for (const service of Object.values(bad)) {
    assert.equal(service.requests, 1);
    delete service.fails;
  }
  await tested.run();
  const at429 = bad["answer 429"];
  assert.equal(at429?.requests, 1, "Retry-After is 10 minutes");
  await tested.run();
  await tested.run();
  for (const [name, { taken, requests }] of Object.entries(bad)) {
    assert.deepEqual([taken.length, requests], [1, 2], name);
  }
  assert.deepEqual([good.taken.length, good.requests], [1, 1]);
  assert.equal(good.taken[0].incident, 1);
  assert.deepEqual((await alertStatus(/** @type {any} */ (tested.dead))).failing, []);
  const shown = await showIncident(/** @type {any} */ (tested.dead), 1);
  assert.deepEqual(
    shown?.sinks.map(({ sink, attempts, reason }) => [sink, attempts, reason]),
    [...Object.keys(bad).map((name) => [name, 2, null]), ["json", 1, null]].sort(),
  );
  const everything = JSON.stringify(tested.lines) + tested.dead.dump() + tested.db.dump() + JSON.stringify(shown);
  assert.ok(everything.includes("connection failed"), "the search sees the log");
  assert.ok(!everything.includes(secretPart) && !everything.includes("127.0.0.1"), "no URL in log and tables");
});

test("a Retry-After of a day is respected for an hour", async () => {
  const service = await Service.start();
  service.fails = (answer) => answer.writeHead(503, { "retry-after": "86400" }).end();
  tested = new TestAlerts({ sinks: () => [discord(service.url)] });
  await tested.begin();
  tested.losses.lost = 1;
  await tested.run();
  delete service.fails;
  await tested.run(hour - minute);
  assert.equal(service.requests, 1);
  await tested.run(minute);
  assert.equal(service.taken.length, 1);
});

test("a sink that fails for hours gets the newest message alone", async () => {
  tested = new TestAlerts();
  const { send } = tested.sink;
  await tested.begin();
  tested.sink.send = async () => {
    throw new Error(`refused by https://hooks.example.com/${secretPart} today`);
  };
  tested.losses.lost = 1;
  const [, line] = await tested.run();
  assert.deepEqual([line?.outcome, line?.reason], ["alert_not_sent", "Error: refused by (URL) today"]);
  await tested.run();
  tested.losses.lost = 0;
  await tested.run();
  await tested.run();
  tested.sink.send = send;
  await tested.run();
  assert.deepEqual(tested.took(), ["closed loss"]);
  await tested.run();
  assert.deepEqual(tested.took(), []);
});

test("a message that was not sent waits while its incident is muted", async () => {
  tested = new TestAlerts();
  const { send } = tested.sink;
  await tested.begin();
  tested.sink.send = async () => {
    throw new Error("refused");
  };
  tested.losses.lost = 1;
  await tested.run();
  tested.sink.send = send;
  const until = new Date(tested.now + hour).toISOString();
  await muteIncident(/** @type {any} */ (tested.dead), 1, until, "Ada");
  await tested.run();
  assert.deepEqual(tested.took(), []);
  await tested.run(hour);
  assert.deepEqual(tested.took(), ["opened loss"]);
});

test("a send whose note fails is repeated: a copy at worst, and never a loss", async () => {
  tested = new TestAlerts();
  await tested.begin();
  tested.losses.lost = 1;
  tested.dead.before = async () => {
    if (tested.messages.length > 0) {
      throw new Error("D1 is gone");
    }
  };
  await tested.run();
  delete tested.dead.before;
  await tested.run();
  assert.deepEqual(tested.took(), ["opened loss", "opened loss"]);
  await tested.run();
  assert.deepEqual(tested.took(), []);
});

test("a message is given up after a day of runs", async () => {
  tested = new TestAlerts();
  await tested.begin();
  let sends = 0;
  tested.sink.send = async () => {
    sends += 1;
    throw new Error("refused");
  };
  tested.losses.lost = 1;
  await tested.run();
  tested.losses.lost = 0;
  await tested.run();
  // It closes, and its last message replaces the one before.
  await tested.run();
  const before = sends;
  for (let run = 0; run < 300; run += 1) {
    await tested.run();
  }
  assert.equal(sends - before, 287);
  assert.equal((await alertStatus(/** @type {any} */ (tested.dead))).failing.length, 1, "the console still shows it");
});

test("a run that hangs is given up after 60 s", async () => {
  tested = new TestAlerts({ deadLetters: { totals: async () => {}, databases: () => new Promise(() => {}) } });
  tested.stop();
  mock.timers.enable({ apis: ["Date", "setTimeout"] });
  const run = silent(() => tested.scheduled({}, {}));
  mock.timers.tick(60_000);
  const [line] = await run;
  assert.equal(line?.reason, "Error: alerts timed out after 60000 ms");
});

test("a sink that is added later gets the open incidents", async () => {
  tested = new TestAlerts();
  await tested.begin();
  tested.losses.lost = 1;
  await tested.run();
  const service = await Service.start();
  tested.options.sinks = () => [tested.sink, teams(service.url)];
  tested.stop();
  const later = new TestAlerts(tested.options);
  later.now = tested.now;
  await later.run();
  await later.run();
  later.stop();
  assert.equal(service.taken.length, 1);
  assert.deepEqual(tested.took(), ["opened loss"]);
});

test("of two runs at once, one does nothing", async () => {
  const service = await Service.start();
  tested = new TestAlerts({ sinks: () => [json(service.url)] });
  await tested.begin();
  tested.losses.lost = 1;
  tested.bury();
  // Each call of the database waits, so that the runs overlap at every step.
  tested.dead.before = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  tested.pass(5 * minute);
  await silent(() => Promise.all(Array.from({ length: 5 }, () => tested.scheduled({}, {}))));
  assert.deepEqual(service.taken.map(({ rule }) => rule).sort(), ["dead_letter", "loss"]);
  assert.equal(tested.inLetters("SELECT 1 FROM cronozen_incidents").length, 2);
});

test("a run that was broken off keeps the next one waiting for two minutes at most", async () => {
  tested = new TestAlerts();
  await tested.begin();
  tested.losses.lost = 1;
  let calls = 0;
  tested.dead.before = async () => {
    calls += 1;
    if (calls > 3) {
      throw new Error("D1 is gone");
    }
  };
  const [line] = await tested.run();
  assert.deepEqual([line?.outcome, line?.reason], ["alerts_failed", "Error: D1 is gone"]);
  delete tested.dead.before;
  await tested.run(119_000);
  assert.deepEqual(tested.took(), []);
  await tested.run(1000);
  assert.deepEqual(tested.took(), ["opened loss"]);
});

test("a run starts no message after 40 s: the rest waits for the next one", async () => {
  tested = new TestAlerts();
  const { send } = tested.sink;
  await tested.begin();
  tested.sink.send = async (/** @type {any} */ message) => {
    tested.pass(41_000);
    await send(message);
  };
  tested.losses.lost = 1;
  tested.bury();
  await tested.run();
  assert.equal(tested.took().length, 1);
  await tested.run();
  assert.equal(tested.took().length, 1);
});

test("a run makes at most 50 subrequests, also if all rules open for three sinks", async () => {
  const sinks = await Promise.all([Service.start(), Service.start(), Service.start()]);
  tested = new TestAlerts({ sinks: () => [slack(sinks[0]?.url), teams(sinks[1]?.url), json(sinks[2]?.url)] });
  await tested.begin();
  tested.losses.lost = 1;
  tested.bury({ bytes: 900 });
  tested.deliver("misconfigured", 9);
  tested.db.bytes = 499_000_000;
  const requests = () => sinks.reduce((sum, { requests }) => sum + requests, 0);
  let opened = 0;
  for (let run = 0; run < 4; run += 1) {
    const before = tested.db.calls + tested.dead.calls + requests();
    await tested.run(minute);
    const made = tested.db.calls + tested.dead.calls + requests() - before;
    assert.ok(made <= 40, `${made} subrequests, without those of Activity, the queue and the losses`);
    opened = requests();
  }
  assert.equal(opened, 18, "six incidents");
});
