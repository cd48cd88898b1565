// What an operator sees when something fails, and that the view recovers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, patience, useConsole, views } from "./console.mjs";
import { acceptedLine, fillDeliveries, fillLedger } from "./data.mjs";

const served = useConsole(async (console) => {
  await fillLedger(console, 3);
  await fillDeliveries(console, [acceptedLine("evt_0")]);
});

/** The views that ask the API. */
const asking = Object.entries(views).filter(([name]) => name !== "diagnose");

const allBroken = { "x-test-failing": "DB DEAD_LETTERS_DB ACTIVITY" };

test("without an ADMIN_TOKEN the page says what to set, and goes on when it is set", patience, async () => {
  const expected = [/ 500 /];
  const page = await served.open("/console/events", { headers: { "x-test-without": "ADMIN_TOKEN" }, expected });
  await page.getByText("A setting of the console is wrong, so nothing is shown").waitFor();
  await page.getByText("Set the secret ADMIN_TOKEN (32 characters or more)").waitFor();
  await page.context().setExtraHTTPHeaders({});
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("link", { name: "evt_0", exact: true }).waitFor();
});

test("without Activity, the deliveries say how to record them", patience, async () => {
  const expected = [/ 404 /];
  const page = await served.open("/console/deliveries", { headers: { "x-test-without": "ACTIVITY" }, expected });
  await page.getByText("Bind the gateway's Durable Object as ACTIVITY").waitFor();
});

for (const [name, [path, title]] of asking) {
  test(`a 503 is explained and cured by another try: ${name}`, patience, async () => {
    const page = await served.open(`/console${path}`, { headers: allBroken, expected: [/ 503 /] });
    await heading(page, title).waitFor();
    await page.getByText("Something behind the console failed").first().waitFor();
    await page.context().setExtraHTTPHeaders({});
    await recover(page);
  });

  test(`an answer that does not come is explained and cured by another try: ${name}`, patience, async () => {
    const page = await served.open("/console/nothing", { expected: [/ 404 /] });
    await page.addInitScript(() => {
      const real = AbortSignal.timeout;
      AbortSignal.timeout = (ms) => real.call(AbortSignal, ms / 100);
    });
    // The session is there: only what the view asks for hangs.
    await page.route(/\/console\/api\/(?!session)/, () => new Promise(() => {}));
    await page.goto(`${served.url}/console${path}`);
    await page.getByText("The Worker does not answer").first().waitFor();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.evaluate(() => {
      AbortSignal.timeout = () => new AbortController().signal;
    });
    await recover(page);
  });

  test(`a network that is down is explained, and what was loaded stays: ${name}`, patience, async () => {
    const page = await served.open(`/console${path}`, { expected: [/ERR_INTERNET_DISCONNECTED/] });
    await heading(page, title).waitFor();
    await page.waitForLoadState("networkidle");
    await page.context().setOffline(true);
    // Another view, which has loaded nothing yet.
    const [other] = asking.filter(([one]) => one !== name && one !== "overview");
    await page.getByRole("link", { name: other?.[1][1], exact: false }).first().click();
    await page.getByText("The Worker cannot be reached").first().waitFor();
    await page.context().setOffline(false);
    await recover(page);
  });
}

test("what was loaded stays when a later request fails", patience, async () => {
  const page = await served.open("/console", { expected: [/ 503 /] });
  await page.clock.install();
  await page.goto(`${served.url}/console/incidents`);
  await page.getByText("alerts have never run").waitFor();
  await page.context().setExtraHTTPHeaders(allBroken);
  await page.clock.runFor(31_000);
  await page.getByText("What follows is from").waitFor();
  assert.ok(await page.getByText("alerts have never run").isVisible());
  await page.context().setExtraHTTPHeaders({});
  await page.clock.runFor(31_000);
  await page.getByText("What follows is from").waitFor({ state: "detached" });
});

/** Tries again until nothing has failed. @param {import("playwright-core").Page} page */
async function recover(page) {
  const again = page.getByRole("button", { name: "Try again" });
  for (let remaining = await again.count(); remaining > 0; remaining = await again.count()) {
    await again.first().click();
    await page.waitForLoadState("networkidle");
  }
  assert.equal(await page.getByRole("alert").count(), 0);
}
