// The consumers in docs/consumers.md, as they are printed.

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

/**
 * Runs a consumer of the page on its settings and tables.
 *
 * @param {string} name
 * @param {string} code
 * @param {(running: { db: any, queue: any, log: Record<string, unknown>[] }) => Promise<void>} work
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
      bindings: { CRONOZEN_SIGNING_SECRET: secret },
      d1Databases: ["DB"],
      queueProducers: { EVENTS: setting("queue"), [producer]: deadLetterQueue },
      queueConsumers: {
        [setting("queue")]: { maxBatchTimeout: 0.05, maxRetries: Number(setting("max_retries")), deadLetterQueue },
      },
    }),
  );
  try {
    const db = await miniflare.getD1Database("DB");
    for (const statement of example("sql").split("\n").filter(Boolean)) {
      await db.prepare(statement).run();
    }
    await work({ db, queue: await miniflare.getQueueProducer("EVENTS"), log });
  } finally {
    await miniflare.dispose();
  }
}

test("the first consumer stores each event whole, once", async () => {
  await withConsumer("first", example("js"), async ({ db, queue }) => {
    const event = { eventId: "evt_1", type: "comet.sighted", data: { tail: "long" }, more: [1] };
    const odd = { eventId: "evt_2", type: { name: "comet" }, eventType: "comet.seen" };
    for (const text of [messageOf(event), messageOf(odd, { type: "comet.seen" }), messageOf(event)]) {
      await queue.send(text, { contentType: "text" });
    }
    await claimed(db, 2);
    const { results } = await db.prepare("SELECT * FROM events ORDER BY event_id").all();
    assert.deepEqual(results, [
      { event_id: "evt_1", type: "comet.sighted", event: JSON.stringify(event) },
      { event_id: "evt_2", type: "comet.seen", event: JSON.stringify(odd) },
    ]);
  });
});

test("handlers by type apply each event once, keep the newest state, and give up what cannot be", async () => {
  await withConsumer("by-type", example("js", 1), async ({ db, queue, log }) => {
    const own = [
      "CREATE TABLE payments (event_id, amount, currency)",
      "CREATE TABLE certificates (id PRIMARY KEY, state)",
    ];
    for (const statement of own) {
      await db.prepare(statement).run();
    }
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
    await claimed(db, 2);
    await queue.send(certificate("evt_5", "2026-11-24T07:00:00Z", "issued"), { contentType: "text" });
    await claimed(db, 3);
    const rows = async (/** @type {string} */ query) => (await db.prepare(query).all()).results;
    assert.deepEqual(await rows("SELECT * FROM payments"), [{ event_id: "evt_1", ...data }]);
    assert.deepEqual(await rows("SELECT * FROM certificates"), [{ id: "42", state: "revoked" }]);
    const dead = log.filter(({ outcome }) => outcome === "dead").map(({ eventId, reason }) => `${eventId}: ${reason}`);
    assert.deepEqual(dead.sort(), [
      "evt_2: data.amount missing or not a text",
      "evt_4: no_handler: no handler for the event's type, and no wildcard covers it",
    ]);
  });
});

test("the npm package's README shows the first consumer", () => {
  assert.ok(readFileSync(join(root, "pkg", "README.md"), "utf8").includes(example("js")));
});

/** Waits until so many events have been claimed. @param {any} db @param {number} events */
async function claimed(db, events) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await db.prepare("SELECT count(*) AS events FROM cronozen_claims").first("events");
    if (found >= events) {
      return assert.equal(found, events);
    }
    await sleep(25);
  }
  assert.fail(`fewer than ${events} events have been claimed`);
}
