// Deliveries appear on an open page, and an event is found with all that happened to it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { patience, until, useConsole } from "./console.mjs";
import { acceptedLine, ago, failedLine, fillDeliveries, forgedLine, hour, randomNumbers } from "./data.mjs";

const served = useConsole(async (console) => {
  const random = randomNumbers();
  const id = () => `evt_${Math.floor(random() * 2 ** 32).toString(36)}`;
  const lines = Array.from({ length: 60 }, () => acceptedLine(id(), { at: ago(random() * hour) }));
  await fillDeliveries(console, [...lines, forgedLine(), forgedLine(), failedLine("evt_failed")]);
});

/** @param {string} eventId */
function event(eventId, type = "demo.works") {
  return { eventId, type, createdAt: ago(0), data: {} };
}

test("a delivery appears on an open page, and its event is found", patience, async () => {
  const page = await served.open("/console/deliveries");
  await page.getByRole("link", { name: "evt_failed" }).waitFor();
  await page.evaluate(() => Object.assign(globalThis, { isSame: true }));
  assert.equal((await served.deliver(event("evt_live"))).status, 202);
  const arrived = page.getByRole("link", { name: "evt_live", exact: true });
  await arrived.waitFor();
  assert.equal(await page.evaluate(() => Reflect.get(globalThis, "isSame")), true);
  await arrived.click();
  await page.getByRole("listitem").filter({ hasText: "handled" }).first().waitFor();
  assert.equal(page.url(), `${served.url}/console/event?id=evt_live`);
});

test("a filter shows only what matches, also of what comes in", patience, async () => {
  const page = await served.open("/console/deliveries?code=invalid_signature");
  const rows = page.locator("main tbody tr");
  await until(async () => (await rows.count()) === 2, "two forged deliveries");
  assert.equal((await served.deliver(event("evt_forged"), "whsec_wrong")).status, 401);
  assert.equal((await served.deliver(event("evt_other"))).status, 202);
  // A flush of what anyone can cause waits for up to a minute, but not beside another one.
  await until(async () => (await rows.count()) === 3, "a third forged delivery");
  assert.equal(await page.getByText("evt_other").count(), 0);
});

test("a delivery says what its code means", patience, async () => {
  const page = await served.open("/console/deliveries?outcome=failed");
  await page.locator("main tbody tr a").first().click();
  await page.getByText("queue send timed out after 3750 ms").first().waitFor();
  await page.getByRole("link", { name: "evt_failed" }).first().waitFor();
});

test("an event is searched by its id", patience, async () => {
  await served.deliver(event("evt_searched", "demo.fails_twice"));
  const page = await served.open("/console/events", { expected: [/ 404 /] });
  await page.getByLabel("Event id").fill("evt_searched");
  await page.keyboard.press("Enter");
  await page.getByRole("listitem").filter({ hasText: "accepted" }).first().waitFor();
  await page.getByRole("listitem").filter({ hasText: "handled" }).first().waitFor();
  await page.getByLabel("Event id").fill("evt_nowhere");
  await page.keyboard.press("Enter");
  await page.getByText("Nothing is known of this event.").waitFor();
});

test("an id is copied", patience, async () => {
  const page = await served.open("/console/deliveries?outcome=failed");
  await page.getByRole("button", { name: "Copy evt_failed" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "evt_failed");
});
