// The pattern in docs/consumers.md, as it is printed.

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

test("the pattern has each event take effect once, keeps the newest state, and gives up what cannot be", async () => {
  const folder = join(root, "build", "docs");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "consumer.mjs"), example("js"));
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
      modules: await bundled("build/docs/consumer.mjs"),
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
    const own = ["CREATE TABLE payments (event_id, cents)", "CREATE TABLE certificates (id PRIMARY KEY, state)"];
    for (const statement of [...example("sql").split("\n").filter(Boolean), ...own]) {
      await db.prepare(statement).run();
    }
    const payment = messageOf({ eventId: "evt_1", type: "payment.completed", data: { amountCents: 4900 } });
    const wrong = messageOf({ eventId: "evt_2", type: "payment.completed", data: {} });
    /** @param {string} eventId @param {string} createdAt @param {string} state */
    const certificate = (eventId, createdAt, state) =>
      messageOf({ eventId, createdAt, type: "certificate.issued", data: { id: "42", state } });
    const queue = await miniflare.getQueueProducer("EVENTS");
    for (const text of [
      certificate("evt_3", "2026-11-24T08:00:00Z", "revoked"),
      payment,
      wrong,
      payment,
      messageOf({ eventId: "evt_4", type: "dpu.sealed" }),
    ]) {
      await queue.send(text, { contentType: "text" });
    }
    await claimed(db, 2);
    await queue.send(certificate("evt_5", "2026-11-24T07:00:00Z", "issued"), { contentType: "text" });
    await claimed(db, 3);
    const rows = async (/** @type {string} */ query) => (await db.prepare(query).all()).results;
    assert.deepEqual(await rows("SELECT * FROM payments"), [{ event_id: "evt_1", cents: 4900 }]);
    assert.deepEqual(await rows("SELECT * FROM certificates"), [{ id: "42", state: "revoked" }]);
    const dead = log.filter(({ outcome }) => outcome === "dead").map(({ eventId, reason }) => `${eventId}: ${reason}`);
    assert.deepEqual(dead.sort(), [
      "evt_2: expected a whole number as amountCents",
      "evt_4: no_handler: expected a handler of the event's type, or a wildcard, got none",
    ]);
  } finally {
    await miniflare.dispose();
  }
});

test("the npm package's README shows a part of the pattern", () => {
  const readme = readFileSync(join(root, "pkg", "README.md"), "utf8");
  const [, code = ""] = /```js\nimport { consume,[^\n]*\n(.*?)```/s.exec(readme) ?? [];
  const lines = example("js").split("\n");
  assert.ok(code.length > 400);
  assert.deepEqual(
    code.split("\n").filter((line) => !lines.includes(line)),
    [],
  );
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
