// The sinks over HTTP: failures, repetition, two runs at once, and URLs that stay secret.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
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

test("a missing or unusable URL is logged at each run without it, and does not stop the other sinks", async () => {
  tested = new TestAlerts();
  tested.options.sinks = () => [
    slack(undefined),
    slack(""),
    discord(`ftp://example.com/${secretPart}`),
    teams(`http://example.com/${secretPart}`),
    tested.sink,
  ];
  await tested.begin().catch(() => {});
  assert.deepEqual(
    tested.lines.map(({ outcome, reason }) => [outcome, reason]),
    [
      ["alerts_failed", "sink slack: URL missing: is the secret set?"],
      ["alerts_failed", "sink slack-2: URL missing: is the secret set?"],
      ["alerts_failed", "sink discord: URL unusable: it must begin with https://"],
      ["alerts_failed", "sink teams: URL unusable: it must begin with https://"],
    ],
  );
  tested.losses.lost = 1;
  await tested.run();
  assert.deepEqual(tested.took(), ["opened loss"]);
  const { failing, problems } = await alertStatus(/** @type {any} */ (tested.dead));
  assert.deepEqual(
    failing.map(({ sink }) => sink),
    ["discord", "slack", "slack-2", "teams"],
  );
  assert.equal(problems.length, 4);
  assert.ok(!(JSON.stringify(tested.lines) + tested.dead.dump()).includes(secretPart));
});

test("sinks that throw, or none, still open incidents for the console", async () => {
  tested = new TestAlerts();
  tested.options.sinks = () => {
    throw new Error("no https://example.com/secret");
  };
  tested.losses.lost = 1;
  await tested.run();
  assert.deepEqual(tested.open(), ["loss"]);
  assert.equal(tested.lines[0]?.reason, "option sinks failed: Error: no (URL)");
  tested.options.sinks = () => [];
  const [line] = await tested.run();
  assert.equal(line?.reason, "no sinks: nobody gets a message");
  tested.options.sinks = () => [tested.sink];
  await tested.run();
  assert.deepEqual(tested.took(), ["opened loss"]);
});

test("the heartbeat is called after each run that worked, and no other", async () => {
  const service = await Service.start();
  tested = new TestAlerts({ heartbeat: () => service.url });
  await tested.begin();
  assert.deepEqual(service.taken, ["GET"]);
  const { send } = tested.sink;
  tested.sink.send = async () => {
    throw new Error("refused");
  };
  tested.losses.lost = 1;
  await tested.run();
  assert.equal(service.requests, 1, "a message was not sent");
  tested.sink.send = send;
  tested.dead.before = async () => {
    throw new Error("D1 is gone");
  };
  await tested.run();
  assert.equal(service.requests, 1, "the database failed");
  delete tested.dead.before;
  await tested.run();
  assert.equal(service.requests, 2);
  service.fails = (answer) => answer.writeHead(404).end();
  const [line] = await tested.run();
  assert.deepEqual([line?.outcome, line?.reason], ["heartbeat_failed", "answer 404"]);
  assert.ok(!JSON.stringify(tested.lines).includes(secretPart));
});

test("a missing heartbeat URL is logged", async () => {
  tested = new TestAlerts({ heartbeat: () => undefined });
  const [line] = await tested.run();
  assert.deepEqual(
    [line?.outcome, line?.reason],
    ["heartbeat_failed", "URL missing or unusable: it must begin with https://"],
  );
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
