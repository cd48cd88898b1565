// The consumers in docs/consumers.md, run as printed.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { example } from "../support/docs.mjs";
import { messageOf, secret } from "../support/messages.mjs";
import { bundled } from "../support/modules.mjs";
import { message, Run } from "./run.mjs";

/** The shortest valid token. */
const token = "a-token-of-thirty-two-characters";

/**
 * Asks the admin API.
 *
 * @callback Ask
 * @param {string} path
 * @returns {Promise<any>}
 */

/**
 * Runs a consumer with the settings and the first table of the page.
 *
 * @param {string} name
 * @param {string} code
 * @param {(running: { db: any, queue: any, log: Record<string, unknown>[], ask: Ask }) => Promise<void>} work
 */
async function withConsumer(name, code, work) {
  const folder = join(root, "build", "docs");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.mjs`), code);
  const settings = example("toml");
  /** @param {string} name */
  const setting = (name) =>
    new RegExp(`^\\[\\[queues[^]*?^${name} = "?([^"\n]+)`, "m").exec(settings)?.[1] ?? assert.fail(name);
  const [, producer = ""] = /^\[\[queues\.producers\]\]\nbinding = "(.+)"/m.exec(settings) ?? [];
  const deadLetterQueue = setting("dead_letter_queue");
  /** @type {Record<string, unknown>[]} */
  const log = [];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: ({ message }) => log.push(JSON.parse(message)),
      cf: false,
      compatibilityDate: "2026-10-01",
      modulesRoot: "/",
      modules: await bundled(`build/docs/${name}.mjs`),
      bindings: { CRONOZEN_SIGNING_SECRET: secret, ADMIN_TOKEN: token },
      d1Databases: ["DB"],
      queueProducers: { EVENTS: setting("queue"), [producer]: deadLetterQueue },
      queueConsumers: {
        [setting("queue")]: { maxBatchTimeout: 0.05, maxRetries: Number(setting("max_retries")), deadLetterQueue },
        [deadLetterQueue]: { maxBatchTimeout: 0.05 },
      },
    }),
  );
  /** @type {Ask} */
  const ask = async (path) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await miniflare.dispatchFetch(`http://localhost/console/api/${path}`, { headers })).json();
  };
  try {
    const db = await miniflare.getD1Database("DB");
    await db.exec(example("sql"));
    await work({ db, queue: await miniflare.getQueueProducer("EVENTS"), log, ask });
  } finally {
    await miniflare.dispose();
  }
}

test("the first consumer stores each event whole, once, and keeps dead letters", async () => {
  await withConsumer("first", example("js"), async ({ db, queue, ask }) => {
    const event = { eventId: "evt_1", type: "comet.sighted", data: { tail: "long" }, more: [1] };
    const odd = { eventId: "evt_2", type: { name: "comet" }, eventType: "comet.seen" };
    for (const text of [messageOf(event), messageOf(odd, { type: "comet.seen" }), messageOf(event)]) {
      await queue.send(text, { contentType: "text" });
    }
    await claimed(ask, 2);
    const { results } = await db.prepare("SELECT * FROM events ORDER BY event_id").all();
    assert.deepEqual(results, [
      { event_id: "evt_1", type: "comet.sighted", event: JSON.stringify(event) },
      { event_id: "evt_2", type: "comet.seen", event: JSON.stringify(odd) },
    ]);
    const forged = messageOf(event).replace('"long"', '"short"');
    await queue.send(forged, { contentType: "text" });
    const kept = async () => (await ask("dead-letters")).deadLetters;
    for (let tries = 0; tries < 200 && (await kept()).length === 0; tries += 1) {
      await sleep(50);
    }
    const [{ id }] = await kept();
    const { eventId, reason, state, text } = await ask(`dead-letters/${id}`);
    assert.match(reason, /^signature mismatch/);
    assert.deepEqual([eventId, state, text], ["evt_1", "open", forged]);
  });
});

test("handlers by type apply each event once, keep the newest state, and give up bad events", async () => {
  const code = example("js").replace(/^const handlers = .*?^};\n/ms, () => example("js", 1));
  await withConsumer("by-type", code, async ({ db, queue, log, ask }) => {
    await db.exec(example("sql", 1));
    const stored = { eventId: "evt_0", data: { amount: "7.00", currency: "EUR" } };
    const store = "INSERT INTO events VALUES ('evt_0', 'payment.completed', ?)";
    await db.prepare(store).bind(JSON.stringify(stored)).run();
    await db.exec(example("sql", 2));
    const data = { amount: "49.00", currency: "EUR" };
    const payment = messageOf({ eventId: "evt_1", type: "payment.completed", data });
    const wrong = messageOf({ eventId: "evt_2", type: "payment.completed", data: {} });
    /** @param {string} eventId @param {string} createdAt @param {string} state */
    const certificate = (eventId, createdAt, state) =>
      messageOf({ eventId, createdAt, type: "certificate.issued", data: { certificateId: "42", state } });
    for (const text of [
      certificate("evt_3", "2026-11-24T08:00:00Z", "revoked"),
      payment,
      wrong,
      payment,
      messageOf({ eventId: "evt_4", type: "workflow.transitioned" }),
      messageOf({ eventId: "evt_6", type: "dpu.sealed" }),
    ]) {
      await queue.send(text, { contentType: "text" });
    }
    await claimed(ask, 2);
    await queue.send(certificate("evt_5", "2026-11-24T07:00:00Z", "issued"), { contentType: "text" });
    await claimed(ask, 3);
    const rows = async (/** @type {string} */ query) => (await db.prepare(query).all()).results;
    assert.deepEqual(await rows("SELECT * FROM payments ORDER BY event_id"), [
      { event_id: "evt_0", ...stored.data },
      { event_id: "evt_1", ...data },
    ]);
    assert.deepEqual(await rows("SELECT * FROM certificates"), [{ certificate_id: "42", state: "revoked" }]);
    const dead = log.filter(({ outcome }) => outcome === "dead").map(({ eventId, reason }) => `${eventId}: ${reason}`);
    assert.deepEqual(dead.sort(), [
      "evt_2: data.amount missing or not a string",
      "evt_4: no_handler: no handler for the event's type, and no wildcard covers it",
    ]);
  });
});

test("the npm package's README shows the first consumer", () => {
  assert.ok(readFileSync(join(root, "pkg", "README.md"), "utf8").includes(example("js")));
});

/** Waits until `events` events are claimed. @param {Ask} ask @param {number} events */
async function claimed(ask, events) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = (await ask("events?source=ledger")).events.length;
    if (found >= events) {
      return assert.equal(found, events);
    }
    await sleep(25);
  }
  assert.fail(`fewer than ${events} events have been claimed`);
}

test("the page gives the right time span of a message's retries", async (context) => {
  const failing = new Run({
    "*": () => {
      throw new Error("always");
    },
  });
  /** @param {number} random */
  const hours = async (random) => {
    context.mock.method(Math, "random", () => random);
    let seconds = 0;
    let attempt = 1;
    let result = await failing.take(message);
    while (result !== "acknowledged") {
      seconds += result;
      attempt += 1;
      result = await failing.take(message, attempt);
    }
    return Math.round(seconds / 3600);
  };
  const span = `which take ${await hours(1)} to ${await hours(0)} hours`;
  const read = (/** @type {string} */ path) => readFileSync(join(root, path), "utf8");
  assert.ok(read("docs/consumers.md").includes(span), span);
  const longest = `up to ${await hours(0)} hours`;
  assert.ok(read("examples/starter/wrangler.toml").includes(longest), longest);
});
