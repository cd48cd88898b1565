// Logging in and out, and a session that ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, logIn, patience, token, useConsole } from "./console.mjs";
import { fillLedger } from "./data.mjs";

const served = useConsole((console) => fillLedger(console, 3));

test("a stranger sees the login and nothing else", patience, async () => {
  const page = await served.open("/console/events", { as: "" });
  const dialog = page.getByRole("dialog", { name: "Log in" });
  await dialog.waitFor();
  assert.equal(await page.locator("main").count(), 0);
  // Chromium closes a dialog at the second Escape, whatever the page says.
  for (let press = 0; press < 3; press += 1) {
    await page.keyboard.press("Escape");
    await dialog.waitFor();
  }
  await page.getByLabel("Token").fill("typed");
});

test("a wrong token is refused, and the right one opens the view", patience, async () => {
  const page = await served.open("/console/events", { as: "" });
  await logIn(page, "Ada", "a-wrong-token-of-thirty-two-chars");
  await page.getByRole("alert").getByText("The token is wrong").waitFor();
  await logIn(page, "Ada");
  await heading(page, "Events").waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await page.locator(".operator").innerText(), "Ada");
  assert.equal(page.url(), `${served.url}/console/events`);
});

test("a script cannot read the session's cookie, and no store of the browser holds the token", patience, async () => {
  const page = await served.open("/console/events", { as: "" });
  await logIn(page, "Ada");
  await heading(page, "Events").waitFor();
  const kept = await page.evaluate(() => [document.cookie, { ...localStorage }, { ...sessionStorage }]);
  assert.equal(JSON.stringify(kept), '["",{},{}]');
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie?.name, cookie?.sameSite], ["__Host-cronozen-console", "Strict"]);
  assert.ok(!cookie?.value.includes(token));
});

test("after a logout, a reload and the back button show nothing", patience, async () => {
  const page = await served.open("/console/events");
  await page.getByRole("link", { name: "evt_0", exact: true }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("dialog", { name: "Log in" }).waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  await page.reload();
  await page.getByRole("dialog", { name: "Log in" }).waitFor();
  assert.equal(await page.getByText("evt_0").count(), 0);
});

test("a logout in one tab ends what another tab shows", patience, async () => {
  const page = await served.open("/console/events");
  await page.getByRole("link", { name: "evt_0", exact: true }).waitFor();
  const other = await page.context().newPage();
  await other.goto(`${served.url}/console`);
  await other.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("dialog", { name: "Log in" }).waitFor();
  assert.equal(await page.getByText("evt_0").count(), 0);
});

test("a session that ends goes on in the same view with the same filter", patience, async () => {
  const page = await served.open("/console/events", { expected: [/ 401 /] });
  await page.getByRole("link", { name: "evt_1", exact: true }).waitFor();
  await page.context().clearCookies();
  await page.getByLabel("Type").fill("payment.completed");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
  // The view is still there, but hidden behind the dialog.
  assert.equal(await page.getByLabel("Type").inputValue(), "payment.completed");
  assert.equal(await page.locator("main h1").isVisible(), false);
  await logIn(page, "Ada");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("link", { name: "evt_1", exact: true }).waitFor();
  assert.equal(await page.getByRole("link", { name: "evt_0", exact: true }).count(), 0);
  assert.equal(page.url(), `${served.url}/console/events?type=payment.completed`);
});

test("a login and a logout hold for all tabs", patience, async () => {
  const page = await served.open("/console/events", { as: "" });
  const other = await page.context().newPage();
  await other.goto(`${served.url}/console/events`);
  await other.getByRole("dialog", { name: "Log in" }).waitFor();
  await logIn(page, "Ada");
  await heading(other, "Events").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await other.getByRole("dialog", { name: "Log in" }).waitFor();
  assert.equal(await other.locator("main").count(), 0);
});

test("a change without a session asks for a login, and works after it", patience, async () => {
  const page = await served.open("/console/event?id=evt_2", { expected: [/ 401 /] });
  await page.getByRole("button", { name: "Erase personal data…" }).click();
  await page.context().clearCookies();
  await page.getByLabel("Type the event's id to confirm").fill("evt_2");
  const erase = page.getByRole("button", { name: "Erase", exact: true });
  await erase.click();
  await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
  await logIn(page, "Ada");
  await page.getByText("Log in, and do the same again.").waitFor();
  await erase.click();
  await page.getByRole("heading", { name: "Erased" }).waitFor();
});

test("a session of another token is none", patience, async () => {
  const page = await served.open("/console/events", { as: "" });
  const url = served.url.replace("http:", "https:");
  const value = `${Buffer.from('{"name":"Eve","expiresAt":99999999999999}').toString("base64url")}.AAAA`;
  await page.context().addCookies([{ name: "__Host-cronozen-console", value, url, secure: true }]);
  await page.reload();
  await page.getByRole("dialog", { name: "Log in" }).waitFor();
});

// The last test: the limit lasts for a minute.
test("after too many wrong tokens the login says to wait, and still takes the right one", patience, async () => {
  const page = await served.open("/console", { as: "", expected: [/ 429 /] });
  const wrong = { name: "Eve", token: "wrong" };
  const headers = { "content-type": "application/json", origin: served.url };
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await fetch(`${served.url}/console/api/login`, { method: "POST", headers, body: JSON.stringify(wrong) });
  }
  await logIn(page, "Ada", "wrong");
  await page.getByRole("alert").getByText("Wait for a minute. The right token works at once.").waitFor();
  await logIn(page, "Ada");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});
