// The end of a run: waits for what is on its way, cures and redrives, and lets the clock run ahead until incidents close and
// losses would show.

import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../support/waiting.mjs";

const minuteMs = 60_000;

/** The longest wait for messages that are on their way. */
const patienceMs = 45_000;

/** @typedef {import("./world.mjs").World} World */

/** Returns false if the patience ends. @param {() => Promise<boolean>} look */
async function holds(look) {
  return (await until(look, patienceMs)) !== undefined;
}

/** The admin API's answer, which may be 503 for a moment. @param {World} world @param {string} path @param {object} [change] @returns {Promise<any>} */
async function answered(world, path, change) {
  const found = await until(async () => {
    const { status, answer } = await world.ask(path, change);
    return status === 200 ? answer : undefined;
  }, patienceMs);
  if (found === undefined) {
    throw new Error(`${path} is not answered 200`);
  }
  return found;
}

/** The number of events with an effect. @param {World} world */
async function handled(world) {
  const [[row]] = await world.sql("SELECT count(DISTINCT event_id) AS events FROM effects");
  return row.events;
}

/** The number of events with an open dead letter. @param {World} world @returns {Promise<number>} */
async function dead(world) {
  const query = "SELECT count(DISTINCT event_id) AS events FROM cronozen_dead_letters WHERE redriven_at IS NULL";
  const [[row]] = await world.deadLettersSql(query);
  return row.events;
}

/** Waits until each accepted event is handled. @param {World} world @param {number} accepted */
export async function allHandled(world, accepted) {
  return holds(async () => (await handled(world)) >= accepted);
}

/** Waits until each accepted event is handled or a dead letter. @param {World} world @param {number} accepted */
export async function drain(world, accepted) {
  return holds(async () => (await handled(world)) + (await dead(world)) >= accepted);
}

/** The rules of the incidents in a state, after a run of the alerts some minutes ahead. @param {World} world @param {number} minutes @param {"open" | "closed"} state @returns {Promise<Set<string>>} */
export async function incidentsAhead(world, minutes, state) {
  await world.setAhead(minutes * minuteMs);
  await world.runAlerts();
  const answer = await answered(world, `incidents?state=${state}`);
  return new Set(answer.incidents.map((/** @type {any} */ { rule }) => rule));
}

/** Cures the cause of the dead letters, redrives them, and waits until each accepted event is handled. @param {World} world @param {number} accepted */
export async function redrive(world, accepted) {
  await world.setConsumer({ isCured: true });
  const { upTo } = await answered(world, "dead-letters/redrive", { dryRun: true });
  let redriven = 0;
  for (let after = 0; after !== null; ) {
    const answer = await answered(world, "dead-letters/redrive", { upTo, after });
    redriven += answer.redriven.length;
    after = answer.next;
  }
  const isDone = await allHandled(world, accepted);
  // An effect too many may come later.
  await sleep(2000);
  return { redriven, isDone };
}

/** Accepts an event ahead of time, and waits until the object `Activity` knows it. @param {World} world @param {number} minutes @param {() => Promise<void>} sendOne */
export async function acceptAhead(world, minutes, sendOne) {
  await world.setAhead(minutes * minuteMs);
  const at = new Date(Date.now() + (minutes - 1) * minuteMs).toISOString();
  await sendOne();
  return holds(async () => {
    const { deliveries } = await answered(world, "deliveries?outcome=accepted&limit=1");
    return deliveries[0]?.at > at;
  });
}

/** Looks for losses, an hour ahead and again. @param {World} world @returns {Promise<{ lost: number, waiting: number, notKept: number, checkedTo: string | null }>} */
export async function lossesAhead(world) {
  for (const minutes of [100, 102]) {
    await world.setAhead(minutes * minuteMs);
    while ((await answered(world, "losses")).more) {
      // Each look takes the next events.
    }
  }
  return answered(world, "losses");
}
