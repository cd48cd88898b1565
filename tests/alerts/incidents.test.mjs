// Incidents stay one, are reminded of, and are forgotten in the end.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { muteIncident } from "../../pkg/src/alerts/incidents.ts";
import { day, hour, minute, TestAlerts } from "./alerts.mjs";

/** @type {TestAlerts} */
let tested;
afterEach(() => tested.stop());

async function begin() {
  tested = new TestAlerts();
  await tested.begin();
}

test("a mute that ends lets the daily message through", async () => {
  await begin();
  tested.bury();
  await tested.run();
  await muteIncident(/** @type {any} */ (tested.dead), 1, new Date(tested.now + 2 * day).toISOString(), "Ada");
  await tested.run(day + hour);
  assert.deepEqual(tested.took(), ["opened dead_letter"]);
  await tested.run(day);
  assert.deepEqual(tested.took(), ["repeated dead_letter"]);
});

test("a condition that comes and goes stays one incident", async () => {
  await begin();
  for (let round = 0; round < 20; round += 1) {
    tested.losses.lost = 1 - (round % 2);
    await tested.run();
  }
  assert.deepEqual(tested.took(), ["opened loss"]);
});

test("two runs within a minute do not close an incident", async () => {
  await begin();
  tested.losses.lost = 1;
  await tested.run();
  tested.losses.lost = 0;
  await tested.run();
  await tested.run(1000);
  assert.deepEqual(tested.open(), ["loss"]);
  await tested.run();
  assert.deepEqual(tested.open(), []);
});

test("details go with what they name: an erased dead letter's at the next run, the rest when the incident closes", async () => {
  await begin();
  tested.bury({ eventId: "evt_person" });
  tested.bury({ eventId: "evt_other" });
  await tested.run();
  assert.deepEqual(tested.dead.dump().match(/evt_person/g)?.length, 2, "the dead letter and the incident");
  tested.inLetters("DELETE FROM cronozen_dead_letters WHERE event_id = 'evt_person'");
  await tested.run();
  assert.doesNotMatch(tested.dead.dump(), /evt_person/);
  assert.match(tested.dead.dump(), /evt_other/);
  tested.inLetters("DELETE FROM cronozen_dead_letters");
  await tested.run();
  await tested.run();
  assert.doesNotMatch(tested.dead.dump(), /evt_other/);
});

test("a reminder of an incident of which nothing is known has no details: what they name may have been erased", async () => {
  await begin();
  Object.assign(tested.losses, { lost: 1, events: [{ eventId: "evt_person", type: null }] });
  await tested.run();
  assert.equal(tested.messages[0]?.details[0]?.value, "evt_person");
  tested.letters.losses = async () => {
    throw new Error("D1 is gone");
  };
  await tested.run(day + minute);
  const [, reminder] = tested.messages;
  assert.deepEqual([reminder?.kind, reminder?.rule, reminder?.details], ["repeated", "loss", []]);
  assert.doesNotMatch(tested.dead.dump(), /evt_person/);
});

test("a failure is one incident while the sender waits between its attempts, until one is accepted", async () => {
  for (const [rule, code] of /** @type {const} */ ([
    ["signatures", "mismatch"],
    ["failing", "unavailable"],
    ["misconfigured", "misconfigured"],
  ])) {
    await begin();
    // Five events, each with the sender's attempts but the last one.
    for (const minutes of [0, 0.5, 2.5, 12.5, 72.5, 432.5]) {
      tested.deliver(code, 5, tested.now + minutes * minute);
    }
    for (let passed = 0; passed < 31 * hour; passed += 5 * minute) {
      await tested.run();
    }
    assert.deepEqual(
      tested.took().filter((message) => message.endsWith(rule)),
      [`opened ${rule}`, `repeated ${rule}`],
    );
    tested.deliver("accepted");
    await tested.run();
    await tested.run();
    assert.ok(tested.took().includes(`closed ${rule}`));
    tested.stop();
  }
});

test("closed incidents are forgotten after 90 days, also if a message is due at each run", async () => {
  await begin();
  tested.losses.lost = 1;
  await tested.run();
  tested.losses.lost = 0;
  await tested.run();
  await tested.run();
  await tested.run(89 * day);
  assert.equal(tested.inLetters("SELECT 1 FROM cronozen_incident_messages").length, 1);
  tested.bury();
  tested.sink.send = async () => {
    throw new Error("refused");
  };
  await tested.run(day + minute);
  assert.deepEqual(tested.inLetters("SELECT rule FROM cronozen_incidents"), [{ rule: "dead_letter" }]);
  assert.deepEqual(tested.inLetters("SELECT kind FROM cronozen_incident_messages"), [{ kind: "opened" }]);
});
