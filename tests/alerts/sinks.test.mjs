// The sinks over HTTP: failures, repetition, and URLs that stay secret.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { discord, json, slack, teams } from "cronozen-edge/alerts";
import { alertStatus, muteIncident, showIncident } from "../../pkg/src/alerts/incidents.ts";
import { day, hour, minute, TestAlerts } from "./alerts.mjs";
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

test("a message is sent twice at most, however many runs are broken off after they sent it", async () => {
  tested = new TestAlerts();
  await tested.begin();
  const { send } = tested.sink;
  let isSent = false;
  tested.sink.send = async (/** @type {any} */ message) => {
    isSent = true;
    await send(message);
  };
  tested.dead.before = async () => {
    if (isSent) {
      throw new Error("D1 is gone");
    }
  };
  tested.losses.lost = 1;
  const sent = [];
  for (let run = 0; run < 4; run += 1) {
    isSent = false;
    await tested.run();
    sent.push(...tested.took());
  }
  assert.deepEqual(sent, ["opened loss", "opened loss"]);
  isSent = false;
  const [failing] = (await alertStatus(/** @type {any} */ (tested.dead))).failing;
  assert.deepEqual([failing?.sink, failing?.reason], ["test", "two runs were broken off while they sent it"]);
  delete tested.dead.before;
  await tested.run(day);
  assert.deepEqual(tested.took(), ["repeated loss"], "the next message is another");
});

test("a message that one run may have sent is sent again", async () => {
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

test("a redirect is not followed, and its target is in no line", async () => {
  const [service, target] = [await Service.start(), await Service.start()];
  service.fails = (answer) => answer.writeHead(307, { location: `${target.url}/${secretPart}` }).end();
  tested = new TestAlerts({ sinks: () => [slack(service.url)] });
  await tested.begin();
  tested.losses.lost = 1;
  const lines = await tested.run();
  assert.equal(lines.find(({ outcome }) => outcome === "alert_not_sent")?.reason, "answer 307");
  assert.deepEqual([service.requests, target.requests], [1, 0]);
  assert.ok(!(JSON.stringify(lines) + tested.dead.dump()).includes(secretPart));
});

test("messages that a broken-off run did not begin are sent, one in each run, and each at most twice", async () => {
  tested = new TestAlerts();
  await tested.begin();
  const { send } = tested.sink;
  let breaks = true;
  tested.sink.send = async (/** @type {any} */ message) => {
    await send(message);
    if (breaks) {
      tested.dead.before = async () => {
        throw new Error("D1 is gone");
      };
      throw new Error("the run is broken off");
    }
  };
  tested.losses.lost = 1;
  tested.bury();
  tested.db.bytes = 499_000_000;
  for (const _ of ["once", "again"]) {
    await tested.run();
    delete tested.dead.before;
  }
  assert.deepEqual(tested.took(), ["opened dead_letter", "opened dead_letter"]);
  breaks = false;
  for (const expected of [["opened ledger_full"], ["opened loss"], []]) {
    await tested.run();
    assert.deepEqual(tested.took(), expected);
  }
});

/** Has the sink refuse all messages, and counts them. */
function refuseAll() {
  const sends = { count: 0 };
  tested.sink.send = async () => {
    sends.count += 1;
    throw new Error("refused");
  };
  return sends;
}

test("a message is given up after a day of runs", async () => {
  tested = new TestAlerts();
  await tested.begin();
  const sends = refuseAll();
  tested.losses.lost = 1;
  await tested.run();
  tested.losses.lost = 0;
  await tested.run();
  // It closes, and its last message replaces the one before.
  await tested.run();
  const before = sends.count;
  for (let run = 0; run < 300; run += 1) {
    await tested.run();
  }
  assert.equal(sends.count - before, 287);
  assert.equal((await alertStatus(/** @type {any} */ (tested.dead))).failing.length, 1, "the console still shows it");
});

test("after a failure, a sink gets no further message in the same run", async () => {
  tested = new TestAlerts();
  await tested.begin();
  const sends = refuseAll();
  tested.losses.lost = 1;
  tested.bury();
  await tested.run();
  assert.equal(sends.count, 1);
});

test("a sink that is removed no longer counts as failing", async () => {
  tested = new TestAlerts();
  await tested.begin();
  tested.options.sinks = () => [slack(undefined), tested.sink];
  tested.losses.lost = 1;
  await tested.run();
  assert.equal((await alertStatus(/** @type {any} */ (tested.dead))).failing[0]?.sink, "slack");
  tested.options.sinks = () => [tested.sink];
  // The next day.
  await tested.run(day - 4 * minute);
  assert.deepEqual((await alertStatus(/** @type {any} */ (tested.dead))).failing, []);
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
