// The sinks and the heartbeat if a secret or a binding is missing or wrong.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { discord, slack, teams } from "cronozen-edge/alerts";
import { alertStatus } from "../../pkg/src/alerts/incidents.ts";
import { namedApart } from "../../pkg/src/alerts/sinks.ts";
import { TestAlerts } from "./alerts.mjs";
import { Service, secretPart, stopServices } from "./service.mjs";

/** @type {TestAlerts} */
let tested;
afterEach(() => {
  tested.stop();
  stopServices();
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

test("no two sinks have one name, whatever names are given", () => {
  const sinks = [slack("https://a.example.com"), slack("https://b.example.com", { name: "slack-2" }), slack(undefined)];
  const named = namedApart(sinks);
  assert.deepEqual(
    named.map(({ name }) => name),
    ["slack", "slack-2", "slack-3"],
  );
  assert.match(named[2]?.problem ?? "", /^URL missing/);
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

test("an answer whose body cannot be cancelled counts as an answer", async (context) => {
  tested = new TestAlerts({ sinks: () => [slack("https://hooks.example.com/services/1")] });
  await tested.begin();
  const body = new ReadableStream({ cancel: () => assert.fail("connection closed") });
  context.mock.method(globalThis, "fetch", async () => new Response(body));
  tested.losses.lost = 1;
  await tested.run();
  await tested.run();
  const { failing } = await alertStatus(/** @type {any} */ (tested.dead));
  assert.deepEqual(
    [failing, tested.inLetters("SELECT attempts FROM cronozen_incident_messages")],
    [[], [{ attempts: 1 }]],
  );
});

test("a missing heartbeat URL is logged", async () => {
  tested = new TestAlerts({ heartbeat: () => undefined });
  const [line] = await tested.run();
  assert.deepEqual(
    [line?.outcome, line?.reason],
    ["heartbeat_failed", "URL missing or unusable: it must begin with https://"],
  );
});

test("with a sink that cannot be used, the heartbeat stops", async () => {
  const service = await Service.start();
  tested = new TestAlerts({ heartbeat: () => service.url });
  tested.options.sinks = () => [tested.sink, slack(undefined)];
  await tested.run();
  assert.equal(service.requests, 0);
});
