// The whole gateway is killed in the middle of its work, and started again on the same storage.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { Killable } from "../support/processes.mjs";
import { circumstanceHeaders, newEvent, secret } from "./gateway.mjs";

/** @type {string} */
let folder;
const gateway = new Killable(fileURLToPath(new URL("crash-gateway.mjs", import.meta.url)));
before(() => {
  folder = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
});
after(async () => {
  await gateway.kill();
  rmSync(folder, { recursive: true });
});

/** An answer waits so long for the marker: `MARK_WAIT` of the gateway crate. */
const markWaitMs = 250;

/**
 * A persistent queue: appends each message to a file, and syncs it before it acknowledges.
 *
 * @param {string} path
 */
async function journal(path) {
  const file = await open(path, "a");
  const server = createServer(async (request, response) => {
    await file.appendFile(`${await text(request)}\n`);
    await file.sync();
    response.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    /** The number of each event's messages. */
    counts() {
      /** @type {Map<string, number>} */
      const counts = new Map();
      for (const line of readFileSync(path, "utf8").split("\n").slice(0, -1)) {
        const { eventId } = JSON.parse(line);
        counts.set(eventId, (counts.get(eventId) ?? 0) + 1);
      }
      return counts;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await file.close();
    },
  };
}

/** @param {string} journalUrl @param {string} storage @returns {Promise<URL>} the webhook */
async function startGateway(journalUrl, storage) {
  return new URL(webhookPath, await gateway.start(journalUrl, storage));
}

/** @param {URL} webhook @param {string} body @param {Record<string, string>} settings */
async function deliver(webhook, body, settings) {
  const response = await fetch(webhook, {
    method: "POST",
    body,
    headers: { "x-cronozen-signature": sign(body, secret), ...circumstanceHeaders({ settings }) },
  });
  await response.arrayBuffer();
  return response.status;
}

/**
 * Delivers events, 32 at a time, until `enough` are acknowledged, then kills the gateway.
 *
 * @param {URL} webhook
 * @param {Record<string, string>} settings
 * @param {number} enough
 */
async function deliverUntilKilled(webhook, settings, enough) {
  /** @type {{ eventId: string, body: string, ms: number }[]} */
  const acknowledged = [];
  /** @type {typeof acknowledged} */
  const inDoubt = [];
  let killed = false;
  const work = async () => {
    while (!killed) {
      const event = newEvent();
      const started = performance.now();
      const status = await deliver(webhook, event.body, settings).catch(() => 0);
      const ms = performance.now() - started;
      (status === 202 ? acknowledged : inDoubt).push({ ...event, ms });
      if (acknowledged.length >= enough && !killed) {
        killed = true;
        await gateway.kill();
      }
    }
  };
  await Promise.all(Array.from({ length: 32 }, work));
  return { acknowledged, inDoubt };
}

for (const mode of ["durable-object", "kv"]) {
  test(`${mode}: after a kill and a restart no event is lost, and the markers are known`, {
    timeout: 120_000,
  }, async (context) => {
    const settings = { DEDUPE: mode };
    const queue = await journal(join(folder, `${mode}.jsonl`));
    context.after(queue.close);
    const storage = join(folder, mode);
    let doubts = 0;
    for (const enough of [50, 200, 411]) {
      const { acknowledged, inDoubt } = await deliverUntilKilled(
        await startGateway(queue.url, storage),
        settings,
        enough,
      );
      doubts += inDoubt.length;
      const atDeath = queue.counts();
      for (const { eventId } of acknowledged) {
        assert.equal(atDeath.get(eventId), 1, "a 2xx means that the event is in the queue");
      }

      const webhook = await startGateway(queue.url, storage);
      let known = 0;
      for (const { eventId, body, ms } of acknowledged) {
        const isKnown = (await deliver(webhook, body, settings)) === 200;
        known += Number(isKnown);
        assert.ok(isKnown || ms >= markWaitMs, `${eventId} is unknown after ${ms} ms`);
      }
      // A busy machine may take longer for some.
      assert.ok(
        known >= acknowledged.length * 0.9,
        `${known} of ${acknowledged.length} markers are known after the restart`,
      );
      for (const { eventId, body } of inDoubt) {
        const status = await deliver(webhook, body, settings);
        assert.ok([200, 202].includes(status), `${status}`);
        const copies = queue.counts().get(eventId) ?? 0;
        assert.ok(copies >= 1 && copies <= 2, `${copies} copies of an event that was in flight`);
      }
      await gateway.kill();
    }
    assert.ok(doubts > 0, "events were in flight when it was killed");
  });
}
