// Each rule opens an incident, repeats its message after a day, can be muted, and closes.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { muteIncident } from "../../pkg/src/alerts/incidents.ts";
import { day, hour, minute, TestAlerts } from "./alerts.mjs";

/** @type {TestAlerts} */
let tested;
afterEach(() => tested.stop());

/** @param {any} [options] */
async function begin(options) {
  tested = new TestAlerts(options);
  await tested.begin();
  return tested;
}

/** Silence would not show that the cause is gone. */
const heals = () => tested.deliver("accepted", 1, tested.now - minute);

/** A rule's name, how its condition is kept up until now, and how it ends. @type {Record<string, { breaks: () => void, heals?: () => void, options?: object, says: RegExp }>} */
const rules = {
  dead_letter: {
    breaks: () => tested.inLetters("SELECT 1 FROM cronozen_dead_letters").length === 0 && tested.bury(),
    heals: () => tested.inLetters("DELETE FROM cronozen_dead_letters"),
    says: /^1 dead letter is open\./,
  },
  late: {
    breaks: () => tested.handle(`evt_${tested.now}`, tested.now - 16 * minute),
    says: /^1 event was handled in the last 15 minutes, but first tried more than 15 minutes after arrival\./,
  },
  signatures: {
    breaks: () => {
      tested.deliver("mismatch", 2, tested.now - 2 * minute);
      tested.deliver("mismatch", 1, tested.now - minute);
    },
    heals,
    says: /^3 deliveries in the last 15 minutes had a signature that matches no secret, and none was accepted since/,
  },
  failing: {
    breaks: () => tested.deliver("unavailable", 5, tested.now - minute),
    heals,
    says: /^5 of 5 deliveries in the last 10 minutes were answered 5xx\./,
  },
  misconfigured: {
    breaks: () => tested.deliver("misconfigured", 1, tested.now - minute),
    heals,
    says: /^1 delivery was answered 500 in the last 10 minutes/,
  },
  dead_letters_full: {
    breaks: () => tested.inLetters("UPDATE cronozen_dead_letter_totals SET bytes = 501"),
    heals: () => tested.inLetters("UPDATE cronozen_dead_letter_totals SET bytes = 500"),
    says: /^They take 501 of 1000 bytes\./,
  },
  ledger_full: {
    breaks: () => Object.assign(tested.db, { bytes: 400_000_001 }),
    heals: () => Object.assign(tested.db, { bytes: 400_000_000 }),
    says: /^It has 400000001 bytes; the limit is 500000000\./,
  },
  loss: {
    breaks: () => Object.assign(tested.losses, { lost: 2, events: [{ eventId: "evt_1", type: null }] }),
    heals: () => Object.assign(tested.losses, { lost: 0, events: [] }),
    says: /^2 events were accepted, and then found neither in the ledger nor among the dead letters\./,
  },
  quiet: {
    breaks: () => {},
    heals,
    options: { quietHours: 2 },
    says: /^Nothing was accepted for 2 hours\./,
  },
};

/** An incident with a rule that is always true must not be there at the start. @param {string} name */
async function beginWith(name) {
  tested = new TestAlerts(rules[name]?.options);
  if (name === "quiet") {
    tested.deliver("accepted", 1, tested.now - minute);
  }
  await tested.begin();
  if (name === "quiet") {
    tested.pass(3 * hour);
  }
  return rules[name] ?? assert.fail(name);
}

for (const name of Object.keys(rules)) {
  test(`${name}: an incident opens once, is repeated after a day, and closes when its condition is gone`, async () => {
    const { breaks, heals = () => {}, says } = await beginWith(name);
    tested.pass(5 * minute);
    breaks();
    const lines = await tested.run(0);
    const [message, ...more] = tested.messages.splice(0);
    assert.deepEqual([message?.kind, message?.rule, message?.incident, more.length], ["opened", name, 1, 0]);
    assert.match(message?.text ?? "", says);
    assert.equal(message?.link, "https://edge.example.com/console/incidents/1");
    assert.deepEqual(
      lines.map(({ outcome, incident, rule }) => [outcome, incident, rule]),
      [["alert_opened", 1, name]],
    );
    const again = async (/** @type {number} */ ms) => {
      tested.pass(ms);
      breaks();
      await tested.run(0);
    };
    for (let passed = 0; passed < day - 10 * minute; passed += 10 * minute) {
      await again(10 * minute);
    }
    assert.deepEqual(tested.took(), [], "nothing for a day");
    await again(10 * minute);
    assert.deepEqual(tested.took(), [`repeated ${name}`]);
    await again(5 * minute);
    assert.deepEqual(tested.took(), []);
    // Longer than any rule looks back.
    tested.pass(20 * minute);
    heals();
    await tested.run(0);
    assert.deepEqual(tested.took(), [], "one run is not enough");
    assert.deepEqual(tested.open(), [name]);
    const closed = await tested.run();
    const [end, ...others] = tested.messages.splice(0);
    assert.deepEqual([end?.kind, end?.incident, others.length], ["closed", 1, 0]);
    assert.match(end?.title ?? "", /^Closed: /);
    assert.equal(end?.link, "https://edge.example.com/console/incidents/1");
    assert.deepEqual(
      closed.map(({ outcome }) => outcome),
      ["alert_closed"],
    );
    assert.deepEqual(tested.open(), []);
    await tested.run();
    assert.deepEqual(tested.took(), []);
    tested.pass(4 * hour);
    breaks();
    await tested.run(0);
    assert.deepEqual(tested.took(), [`opened ${name}`], "it can open again");
    assert.equal(tested.messages.length, 0);
  });

  test(`${name}: a muted incident sends nothing, and closes in silence`, async () => {
    const { breaks, heals = () => {} } = await beginWith(name);
    tested.pass(5 * minute);
    breaks();
    await tested.run(0);
    assert.deepEqual(tested.took(), [`opened ${name}`]);
    const until = new Date(tested.now + 3 * day).toISOString();
    const muted = await muteIncident(/** @type {any} */ (tested.dead), 1, until, "Ada (session)");
    assert.deepEqual([muted?.mutedUntil, muted?.mutedBy], [until, "Ada (session)"]);
    for (let passed = 0; passed < 2 * day; passed += hour / 2) {
      tested.pass(hour / 2);
      breaks();
      await tested.run(0);
    }
    assert.deepEqual(tested.open(), [name]);
    tested.pass(20 * minute);
    heals();
    await tested.run(0);
    await tested.run();
    assert.deepEqual(tested.open(), []);
    assert.deepEqual(tested.took(), []);
    tested.pass(3 * day);
    if (name === "quiet") {
      heals();
    }
    await tested.run(0);
    assert.deepEqual(tested.took(), [], "also after the mute");
  });

  test(`${name}: it can be switched off`, async () => {
    const { breaks } = await beginWith(name);
    tested.stop();
    tested = new TestAlerts(name === "quiet" ? {} : { rules: { [name]: false } });
    await tested.begin();
    tested.pass(5 * minute);
    breaks();
    await tested.run(0);
    assert.deepEqual(tested.open(), []);
  });
}

test("a mute that ends lets the daily message through", async () => {
  const { bury } = await begin();
  bury.call(tested);
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

test("without activity its rules are not watched, and the others are", async () => {
  await begin();
  delete (/** @type {any} */ (tested.letters).activity);
  tested.stop();
  const { dead, db, letters } = tested;
  tested = new TestAlerts({
    deadLetters: { ...letters, losses: async () => null, activity: () => undefined },
    quietHours: 1,
  });
  await tested.run();
  const [run] = dead.query("SELECT not_watched FROM cronozen_alert_run");
  assert.deepEqual(JSON.parse(run.not_watched), ["signatures", "failing", "misconfigured", "loss", "quiet"]);
  db.bytes = 499_000_000;
  await tested.run();
  assert.deepEqual(
    dead.query("SELECT rule FROM cronozen_incidents").map(({ rule }) => rule),
    ["ledger_full"],
  );
});

test("a source that fails or hangs keeps its rules as they are, and is reported at the third run in a row", async () => {
  await begin();
  tested.losses.lost = 1;
  tested.deliver("misconfigured", 1);
  await tested.run(minute);
  assert.deepEqual(tested.took(), ["opened misconfigured", "opened loss"]);
  tested.letters.losses = async () => {
    throw new Error("ledger closed: https://secret.example.com/x");
  };
  tested.summary = () => new Promise(() => {});
  tested.bury();
  const started = performance.now();
  await tested.run(20 * minute);
  assert.ok(performance.now() - started < 9000, "both wait at the same time, and 5 s at most");
  assert.deepEqual(tested.took(), ["opened dead_letter"], "the others are read");
  tested.summary = async () => {
    throw new Error("object overloaded");
  };
  await tested.run();
  assert.deepEqual(tested.took(), [], "two runs");
  await tested.run();
  const [message] = tested.messages;
  assert.equal(message?.rule, "unreadable");
  assert.match(message?.text ?? "", /^Reading failed 3 times or more in a row: activity, losses\./);
  assert.deepEqual(message?.details, [
    { name: "activity", value: "Error: object overloaded" },
    { name: "losses", value: "Error: ledger closed: (URL)" },
  ]);
  assert.deepEqual(tested.took(), ["opened unreadable"]);
  await tested.run();
  assert.deepEqual(tested.open(), ["misconfigured", "loss", "dead_letter", "unreadable"], "nothing closes meanwhile");
  tested.letters.losses = async () => ({ lost: 0, events: [] });
  delete (/** @type {any} */ (tested).summary);
  tested.deliver("accepted");
  await tested.run();
  await tested.run();
  assert.deepEqual(tested.took(), ["closed misconfigured", "closed loss", "closed unreadable"]);
});

test("without the ledger's database, the other rules work, and unreadable opens at the third run", async () => {
  tested = new TestAlerts();
  tested.db.before = async () => {
    throw new Error("D1 is gone");
  };
  await tested.run();
  tested.bury();
  await tested.run();
  assert.deepEqual(tested.took(), ["opened dead_letter"]);
  await tested.run();
  assert.deepEqual(tested.messages[0]?.details, [{ name: "ledger", value: "Error: D1 is gone" }]);
  assert.deepEqual(tested.took(), ["opened unreadable"]);
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

test("an Activity without lines is reported, if events that arrived meanwhile are handled", async () => {
  await begin();
  // The line of one event may have been lost with its isolate.
  tested.handle("evt_alone", tested.now + 5 * minute - 1, 1, null, tested.now + 5 * minute);
  for (let runs = 0; runs < 5; runs += 1) {
    await tested.run();
  }
  assert.deepEqual(tested.open(), []);
  for (let passed = 0; passed < 15 * minute; passed += minute / 2) {
    tested.handle(`evt_${tested.now}`, tested.now - 1000, 1, null);
    tested.pass(minute / 2);
    if (passed % (5 * minute) === 0) {
      await tested.run(0);
    }
  }
  const [message] = tested.messages;
  assert.deepEqual(message?.details, [
    { name: "activity", value: "no line of an event that was handled: is ACTIVITY bound to the gateway?" },
  ]);
  assert.deepEqual(tested.took(), ["opened unreadable"]);
  tested.deliver("accepted");
  await tested.run();
  await tested.run();
  assert.deepEqual(tested.took(), ["closed unreadable"]);
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
