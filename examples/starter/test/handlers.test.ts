// Signed samples through the whole Worker, in the real Workers runtime: what each leaves in the database.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sign } from "cronozen-edge";
import { createTestHarness } from "wrangler";
import type { Env } from "../src/env.ts";

const secret = "whsec_test";
const secrets = { CRONOZEN_SIGNING_SECRET: secret, ADMIN_TOKEN: "a-token-of-thirty-two-characters" };

const configs = ["wrangler.toml"];
const server = createTestHarness({ workers: configs.map((configPath) => ({ configPath, secrets })) });
const gateway = server.getWorker<Env>();
const consumer = server.getWorker<Env>();

before(async () => {
  await server.listen();
  await consumer.applyD1Migrations("DB");
});
after(() => server.close());

async function deliver(event: object): Promise<number> {
  const body = JSON.stringify(event);
  const headers = { "content-type": "application/json", "x-cronozen-signature": sign(body, secret) };
  const response = await gateway.fetch("/webhooks/cronozen", { method: "POST", headers, body });
  await response.arrayBuffer();
  return response.status;
}

/** Waits until an event has this outcome, and returns the reason, if it has one. */
async function outcomeOf(eventId: string, outcome: string): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${secrets.ADMIN_TOKEN}` };
  for (;;) {
    const response = await consumer.fetch(`/console/api/event?id=${eventId}`, { headers });
    const { history = [] } = (await response.json()) as { history?: { outcome: string; reason?: string }[] };
    const found = history.find((happening) => happening.outcome === outcome);
    if (found !== undefined) {
      return found.reason;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function rows(sql: string): Promise<unknown[]> {
  const { DB } = await consumer.getEnv();
  return (await DB.prepare(sql).all()).results;
}

test("a payment is recorded once, however often it is delivered", { timeout: 30_000 }, async () => {
  const payment = { eventId: "evt_1", type: "payment.completed", data: { amount: "49.00", currency: "EUR" } };
  assert.equal(await deliver(payment), 202);
  assert.equal(await deliver(payment), 200);
  await outcomeOf("evt_1", "handled");
  assert.deepEqual(await rows("SELECT * FROM payments"), [{ event_id: "evt_1", amount: "49.00", currency: "EUR" }]);
});

test("a payment without an amount becomes a dead letter", { timeout: 30_000 }, async () => {
  assert.equal(await deliver({ eventId: "evt_2", type: "payment.completed", data: {} }), 202);
  assert.match(String(await outcomeOf("evt_2", "dead")), /data\.amount or data\.currency missing/);
});

test("an event of another type is stored whole", { timeout: 30_000 }, async () => {
  const event = { eventId: "evt_3", type: "certificate.issued", data: { certificateId: "cert_1" } };
  assert.equal(await deliver(event), 202);
  await outcomeOf("evt_3", "handled");
  const stored = { event_id: "evt_3", type: "certificate.issued", event: JSON.stringify(event) };
  assert.deepEqual(await rows("SELECT * FROM events"), [stored]);
});
