// Each rule opens an incident, repeats its message after a day, can be muted, and closes.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { muteIncident } from "../../pkg/src/alerts/incidents.ts";
import { day, hour, minute, TestAlerts } from "./alerts.mjs";

/** @type {TestAlerts} */
let tested;
afterEach(() => tested.stop());

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
