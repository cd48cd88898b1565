// The example consumer in Rust, in workerd, with the shared vectors on its queue.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { d1 } from "cronozen-edge/consumer";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { Run } from "../consumer/run.mjs";
import { messageOf, sign } from "../support/messages.mjs";
import { builtModules, moduleIn } from "../support/modules.mjs";
import { messageVectors } from "../support/vectors.mjs";
import { sleep } from "./gateway.mjs";

const build = join(root, "build", "consumer-rust");
const example = join(root, "examples", "consumer-rust");
const inside = join(root, "tests", "worker", "inside");
const { secret, vectors } = messageVectors();
const deadLetters = "cronozen-events-dead";

/** @type {Miniflare} */
let miniflare;
/** @type {Record<string, any>[]} */
let lines = [];
/** @type {any} */
let database;
/** For the npm package's consumer. @type {any} */
let packageDatabase;

before(async () => {
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "consumer",
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: ({ message }) => lines.push(...message.trim().split("\n").map(parsed)),
      cf: false,
      compatibilityDate: "2026-10-01",
      modulesRoot: "/",
      // The first is the entry point.
      modules: [
        ...["consumer-rust.mjs", "footprint.mjs"].map((name) => moduleIn(inside, name, "")),
        ...builtModules(build, "/consumer"),
      ],
      bindings: { CRONOZEN_SIGNING_SECRET: secret },
      d1Databases: ["DB", "PACKAGE_DB"],
      r2Buckets: ["BODIES"],
      queueProducers: { EVENTS: "cronozen-events" },
      queueConsumers: {
        // A message that fails is a dead letter at once.
        "cronozen-events": { maxBatchTimeout: 0.05, maxRetries: 0, deadLetterQueue: deadLetters },
        [deadLetters]: { maxBatchTimeout: 0.05 },
      },
    }),
  );
  await miniflare.ready;
  database = await miniflare.getD1Database("DB");
  packageDatabase = await miniflare.getD1Database("PACKAGE_DB");
  const migration = readFileSync(join(example, "migrations", "0001_events.sql"), "utf8");
  for (const statement of migration.split(";").filter((text) => text.trim() !== "")) {
    await database.prepare(statement).run();
  }
});
after(() => miniflare.dispose());

/** @param {string} line */
function parsed(line) {
  return line.startsWith("{") ? JSON.parse(line) : { line };
}

/** Sends messages, and waits for the end of each. @param {string[]} messages */
async function send(messages) {
  lines = [];
  const queue = await miniflare.getQueueProducer("EVENTS");
  await queue.sendBatch(messages.map((body) => ({ body, contentType: "text" })));
  for (let tries = 0; lines.filter(isEnd).length < messages.length && tries < 100; tries += 1) {
    await sleep(50);
  }
  const ends = lines.filter(isEnd);
  assert.equal(ends.length, messages.length, JSON.stringify(lines));
  return ends;
}

/** @param {Record<string, any>} line */
function isEnd({ outcome }) {
  return ["handled", "duplicate", "dead"].includes(outcome);
}

/** The stored events, which are forgotten. @returns {Promise<{ event_id: string, type: string | null, event: string }[]>} */
async function rows() {
  const { results } = await database.prepare("SELECT * FROM events ORDER BY event_id").all();
  await database.batch(["events", "cronozen_events"].map((table) => database.prepare(`DELETE FROM ${table}`)));
  return results;
}

/** The rows of the ledger. @returns {Promise<Record<string, any>[]>} */
async function ledger() {
  return (await database.prepare("SELECT * FROM cronozen_events ORDER BY event_id").all()).results;
}

/** Passes one message to the Worker, from a queue of this name. @param {string} queue @param {string} body @param {number} [attempts] */
async function deliver(queue, body, attempts = 1) {
  const worker = /** @type {any} */ (await miniflare.getWorker());
  lines = [];
  return worker.queue(queue, [{ id: "1", timestamp: new Date(), attempts, body }]);
}

/** Passes one message to the npm package's consumer. @param {any} db @param {string} message */
async function packageOutcome(db, message) {
  const run = new Run({ "*": () => [] }, { once: d1(() => db), secrets: () => secret });
  await run.take(message);
  return run.outcomes();
}

/** @param {string} name */
function vector(name) {
  return vectors.find((vector) => vector.name === name) ?? assert.fail(name);
}

test("an event is handled once, however often it comes", async () => {
  const { message, expected } = vector("the documented fields");
  const first = await send([message]);
  assert.deepEqual(first, [{ outcome: "handled", eventId: "evt_1" }]);
  const again = await send([message, message]);
  assert.deepEqual(
    again.map(({ outcome }) => outcome),
    ["duplicate", "duplicate"],
  );
  assert.deepEqual(await rows(), [{ event_id: "evt_1", type: "payment.completed", event: expected.event }]);
});

test("the ledger's row says what the event was, when it was handled, and at which attempt", async () => {
  const started = new Date().toISOString();
  const documented = vector("the documented fields").message;
  const untyped = vector("emoji");
  const long = { eventId: "evt_long", type: "é".repeat(300), createdAt: "2".repeat(300) };
  await deliver("cronozen-events", documented, 3);
  await deliver("cronozen-events", untyped.message);
  await deliver("cronozen-events", messageOf(long, { signature: sign(JSON.stringify(long), secret) }));
  const found = await ledger();
  for (const { handled_at: handledAt } of found) {
    assert.equal(handledAt, new Date(handledAt).toISOString());
    assert.ok(handledAt >= started && handledAt <= new Date().toISOString(), handledAt);
  }
  const common = { received_at: "2026-11-24T06:55:01.204Z", attempts: 1, outcome: "handled", body_key: null };
  assert.deepEqual(
    found.map(({ handled_at: _, ...others }) => others),
    [
      { event_id: "evt_1", type: "payment.completed", created_at: "2026-11-24T06:55:00Z", ...common, attempts: 3 },
      { event_id: "evt_long", type: "é".repeat(256), created_at: "2".repeat(256), ...common },
      { event_id: untyped.expected.eventId, type: null, created_at: null, ...common },
    ],
  );
  await rows();
});

test("the ledger's row of a stored body has its key", async () => {
  const { message, body, expected } = vector("stored body");
  const bucket = await miniflare.getR2Bucket("BODIES");
  await bucket.put(expected.bodyKey, body ?? "");
  await deliver("cronozen-events", message, 2);
  const [{ handled_at: handledAt, ...row } = {}, ...others] = await ledger();
  assert.ok(handledAt);
  assert.deepEqual(row, {
    event_id: expected.eventId,
    type: JSON.parse(expected.typeJson),
    created_at: JSON.parse(expected.createdAtJson),
    received_at: expected.receivedAt,
    attempts: 2,
    outcome: "handled",
    body_key: expected.bodyKey,
  });
  assert.deepEqual(others, []);
  await rows();
  await bucket.delete([expected.bodyKey]);
});

test("the migration makes the ledger that the npm package makes", async () => {
  assert.deepEqual(await packageOutcome(packageDatabase, vector("the documented fields").message), ["handled"]);
  /** @param {any} db */
  const schema = async (db) => {
    const query = "SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'cronozen_events' ORDER BY name";
    const { results } = await db.prepare(query).all();
    return results.map((/** @type {any} */ { name, sql }) => ({ name, sql: sql.replaceAll(/\s+/g, " ") }));
  };
  const made = await schema(database);
  assert.deepEqual(
    made.map((/** @type {any} */ { name }) => name),
    ["cronozen_events", "cronozen_events_by_type"],
  );
  assert.deepEqual(made, await schema(packageDatabase));
});

test("the npm package's consumer finds the claim of an event", async () => {
  const { message } = vector("the documented fields");
  await deliver("cronozen-events", message);
  assert.deepEqual(await packageOutcome(database, message), ["duplicate"]);
  await rows();
});

test("an event that another copy of its message claims meanwhile has no second effect", async () => {
  const { explicitAcks } = await deliver("faster-copy", vector("the documented fields").message);
  assert.deepEqual(explicitAcks, ["1"]);
  assert.deepEqual(lines, [{ outcome: "duplicate", eventId: "evt_1" }]);
  assert.equal((await ledger()).length, 1);
  assert.deepEqual(await rows(), []);
});

test("an event is a duplicate if D1's answer to its claim is lost", async () => {
  const { explicitAcks } = await deliver("lost-answer", vector("the documented fields").message);
  assert.deepEqual(explicitAcks, ["1"]);
  assert.deepEqual(lines, [{ outcome: "duplicate", eventId: "evt_1" }]);
  assert.equal((await rows()).length, 1);
});

test("a message that was tampered with is a dead letter, and its neighbours are handled", async () => {
  const { message } = vector("event tampered with");
  const ends = await send([vector("emoji").message, message, vector("the documented fields").message]);
  assert.deepEqual(ends.map(({ outcome }) => outcome).sort(), ["dead", "handled", "handled"]);
  const { results } = await database.prepare("SELECT message_id, body FROM dead_letters").all();
  const dead = ends.find(({ outcome }) => outcome === "dead");
  assert.deepEqual(results, [{ message_id: dead?.id, body: message }]);
  const [retried, ...others] = lines.filter(({ outcome }) => outcome === "retried");
  assert.match(retried?.reason, /^signature mismatch: no active secret matches the body\./);
  assert.deepEqual(others, []);
  assert.deepEqual(
    (await rows()).map(({ event_id: eventId }) => eventId),
    ["evt_1", vector("emoji").expected.eventId],
  );
});

test("each vector is handled, or is a dead letter", async () => {
  const bucket = await miniflare.getR2Bucket("BODIES");
  for (const { name, message, body, expected } of vectors) {
    if (body !== null) {
      // Under the key that the message names, if any.
      const key = /"bodyKey":"([^"]*)"/.exec(message)?.[1];
      await bucket.put(key ?? "nowhere", body);
    }
    const [end] = await send([message]);
    assert.equal(end?.outcome, typeof expected === "string" ? "dead" : "handled", name);
    const found = (await rows()).map(({ event }) => event);
    assert.deepEqual(found, typeof expected === "string" ? [] : [expected.event], name);
  }
});

test("a stored body that is missing is tried again, and then a dead letter", async () => {
  const { message, expected } = vector("stored body");
  const bucket = await miniflare.getR2Bucket("BODIES");
  await bucket.delete(expected.bodyKey);
  const [end] = await send([message]);
  assert.equal(end?.outcome, "dead");
  assert.equal(lines[0]?.reason, `stored body missing: ${expected.bodyKey}`);
});

test("a refused insert is no duplicate", async () => {
  await database.prepare("ALTER TABLE events ADD COLUMN amount INTEGER CHECK (amount > 0) DEFAULT 0").run();
  const [end] = await send([vector("the documented fields").message]);
  await database.prepare("ALTER TABLE events DROP COLUMN amount").run();
  assert.equal(end?.outcome, "dead");
  assert.match(lines[0]?.reason, /CHECK constraint failed/);
  assert.deepEqual(await ledger(), [], "the event can be handled later");
});

test("a body of another size is not read", async () => {
  const bucket = await miniflare.getR2Bucket("BODIES");
  const { message, expected } = vector("stored body");
  // Reading it would trap.
  await bucket.put(expected.bodyKey, "x".repeat(10), { customMetadata: { fault: "traps" } });
  const { retryMessages } = await deliver("cronozen-events", message);
  assert.deepEqual(retryMessages, [{ msgId: "1", delaySeconds: 30 }]);
  assert.match(lines[0]?.reason, /stored body mismatch/);
});

test("without a bucket, a stored body is tried again later, and the log says what to bind", async () => {
  const { retryMessages } = await deliver("without-a-bucket", vector("stored body").message);
  assert.deepEqual(retryMessages, [{ msgId: "1", delaySeconds: 30 }]);
  assert.match(lines[0]?.reason, /bind BODIES/);
});

test("a dead letter that is no string is kept", async () => {
  lines = [];
  const queue = await miniflare.getQueueProducer("EVENTS");
  await queue.send({ eventId: "evt_1" }, { contentType: "json" });
  for (let tries = 0; !lines.some(isEnd) && tries < 100; tries += 1) {
    await sleep(50);
  }
  const id = lines.find(isEnd)?.id;
  const kept = await database.prepare("SELECT body FROM dead_letters WHERE message_id = ?").bind(id).first();
  assert.deepEqual(kept, { body: '{"eventId":"evt_1"}' });
  assert.equal(lines[0]?.reason, "message body not a string");
});

test("a message that is not handled within 30 s is tried again, and the next one is handled", async () => {
  const bucket = await miniflare.getR2Bucket("BODIES");
  const worker = /** @type {any} */ (await miniflare.getWorker());
  const { message, expected } = vector("stored body");
  await bucket.put(expected.bodyKey, "x".repeat(expected.bodyBytes), { customMetadata: { fault: "never ends" } });
  lines = [];
  const messages = [message, vector("the documented fields").message].map((body, position) => ({
    id: String(position),
    timestamp: new Date(),
    attempts: 1,
    body,
  }));
  const { explicitAcks, retryMessages } = await worker.queue("cronozen-events", messages);
  assert.deepEqual(explicitAcks, ["1"]);
  assert.deepEqual(retryMessages, [{ msgId: "0", delaySeconds: 30 }]);
  assert.equal(lines[0]?.reason, "message timed out after 30000 ms");
  await rows();
  await bucket.delete([expected.bodyKey]);
});

test("10,000 messages do not grow WebAssembly's memory", async (context) => {
  const worker = /** @type {any} */ (await miniflare.getWorker());
  // No strings, so that each ends at once. Their log lines must fit the simulator's pipe, which it empties only
  // afterwards.
  const messages = Array.from({ length: 100 }, (_, position) => {
    return { id: String(position), timestamp: new Date(), attempts: 1, body: { eventId: "evt_1" } };
  });
  /** @type {number[]} */
  const kibibytes = [];
  for (let round = 0; round < 100; round += 1) {
    await worker.queue("cronozen-events", messages);
    kibibytes.push(Number(await (await miniflare.dispatchFetch("http://consumer/")).text()) / 1024);
  }
  context.diagnostic(`KiB after each 100: ${kibibytes.join(" ")}`);
  const [first = 0] = kibibytes;
  assert.ok(first > 0);
  assert.ok((kibibytes.at(-1) ?? 0) - (kibibytes.at(19) ?? 0) <= 128);
});

test("a message that traps is retried later, alone, and so is another batch's current message", async () => {
  const bucket = await miniflare.getR2Bucket("BODIES");
  const worker = /** @type {any} */ (await miniflare.getWorker());
  const good = vector("the documented fields").message;
  const batch = (/** @type {string[]} */ ...bodies) =>
    worker.queue(
      "cronozen-events",
      bodies.map((body, position) => ({ id: String(position), timestamp: new Date(), attempts: 1, body })),
    );
  const faulty = async (/** @type {string} */ name, /** @type {string} */ fault) => {
    const { message, body, expected } = vector(name);
    await bucket.put(expected.bodyKey, body ?? "", { customMetadata: { fault } });
    return message;
  };
  const hangs = await faulty("stored body with emoji and white space", "hangs");
  const traps = await faulty("stored body", "traps");
  lines = [];

  const other = batch(good, hangs, good);
  await sleep(200);
  const answers = await Promise.all([other, batch(good, traps, good)]);

  for (const { outcome, explicitAcks, retryMessages } of answers) {
    assert.equal(outcome, "ok", JSON.stringify(lines));
    assert.deepEqual([...explicitAcks].sort(), ["0", "2"]);
    assert.deepEqual(retryMessages, [{ msgId: "1", delaySeconds: 300 }]);
  }
  assert.equal(lines.filter(({ outcome }) => outcome === "trapped").length, 1);
  assert.deepEqual(
    lines.filter(({ outcome }) => outcome === "abandoned"),
    [
      { outcome: "abandoned", id: "1" },
      { outcome: "abandoned", id: "1" },
    ],
  );
  assert.ok(!JSON.stringify(lines).includes("Warning"), JSON.stringify(lines));
  assert.equal((await rows()).length, 1);
  assert.equal((await batch(good)).explicitAcks.length, 1, "the instance works again");
  await rows();
  await bucket.delete([vector("stored body").expected.bodyKey]);
});
