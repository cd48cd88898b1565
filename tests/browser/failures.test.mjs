// When something fails, the operator sees what to do, and the view recovers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, patience, until, useConsole, views } from "./console.mjs";
import { acceptedLine, fillDeliveries, fillLedger } from "./data.mjs";

const served = useConsole(async (console) => {
  await fillLedger(console, 3);
  await fillDeliveries(console, [acceptedLine("evt_0")]);
});

/** The views that ask the API. */
const asking = Object.values(views).filter(([path]) => path !== "/diagnose");

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

test("each view explains a 503, and another try cures it", patience, async () => {
  const page = await served.open("/console/nothing", { expected: [/ 404 /, / 503 /] });
  for (const [path, title] of asking) {
    await page.context().setExtraHTTPHeaders(allBroken);
    await page.goto(`${served.url}/console${path}`);
    await heading(page, title).waitFor();
    await page.getByText("Something behind the console failed").first().waitFor();
    await page.context().setExtraHTTPHeaders({});
    await recover(page);
  }
});

test("each view explains that no answer comes, and another try cures it", patience, async () => {
  const page = await served.open("/console/nothing", { expected: [/ 404 /] });
  await page.addInitScript(() => {
    const real = AbortSignal.timeout;
    Object.assign(globalThis, { isHurried: true });
    AbortSignal.timeout = (ms) => real.call(AbortSignal, Reflect.get(globalThis, "isHurried") ? ms / 100 : ms);
  });
  for (const [path] of asking) {
    // The session is there: only what the view asks for hangs.
    await page.route(/\/console\/api\/(?!session)/, () => new Promise(() => {}));
    await page.goto(`${served.url}/console${path}`);
    await page.getByText("The Worker does not answer").first().waitFor();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.evaluate(() => Object.assign(globalThis, { isHurried: false }));
    await recover(page);
  }
});

test("each view explains that the network is down, and recovers when it is up again", patience, async () => {
  const page = await served.open("/console/nothing", { expected: [/ 404 /, /ERR_INTERNET_DISCONNECTED/] });
  for (const [path, title, link] of asking) {
    await heading(page, "No such page").waitFor();
    await page.context().setOffline(true);
    await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: link }).click();
    await heading(page, title).waitFor();
    await page.getByText("The Worker cannot be reached").first().waitFor();
    assert.equal(new URL(page.url()).pathname.replace(/\/$/, ""), `/console${path}`);
    await page.context().setOffline(false);
    await recover(page);
    // Nothing is loaded for a view that is left.
    await page.goto(`${served.url}/console/nothing`);
  }
});

test("the overview and the incidents say that a local Worker runs no alerts", patience, async () => {
  const page = await served.open("/console");
  for (const path of ["", "/incidents"]) {
    await page.goto(`${served.url}/console${path}`);
    await page.getByText("a local Worker has none").waitFor();
    await page.getByText("Nothing has looked for").waitFor();
    assert.equal(await page.getByText("crons =").count(), 0, path);
  }
});

test("what was loaded stays when a later request fails", patience, async () => {
  const page = await served.open("/console", { expected: [/ 503 /] });
  await page.clock.install();
  await page.goto(`${served.url}/console/incidents`);
  await page.getByText("The alerts have never run", { exact: true }).waitFor();
  await page.context().setExtraHTTPHeaders(allBroken);
  await page.clock.runFor(31_000);
  await page.getByText("What is shown below was loaded at").waitFor();
  assert.ok(await page.getByText("The alerts have never run", { exact: true }).isVisible());
  await page.context().setExtraHTTPHeaders({});
  await page.clock.runFor(31_000);
  await page.getByText("What is shown below was loaded at").waitFor({ state: "detached" });
});

test("a view that fails says so, and another try cures it", patience, async () => {
  // As if the Worker were of another version, or something between had answered.
  const broken = ["{}", "null", "<p>"];
  const page = await served.open("/console/nothing", { expected: [/ 404 /, /^page error: TypeError/] });
  for (const body of broken) {
    for (const [path, title] of asking) {
      await page.route(/\/console\/api\/(?!session)/, (route) =>
        route.fulfill({ contentType: "application/json", body }),
      );
      await page.goto(`${served.url}/console${path}`);
      await page
        .getByText(/^(This view has failed|The answer is not the console's)$/)
        .first()
        .waitFor();
      await page.unrouteAll({ behavior: "ignoreErrors" });
      await recover(page);
      await heading(page, title).waitFor();
    }
  }
});

test("a page that does not start, or waits for its session, says so", patience, async () => {
  const page = await served.open("/console/nothing", { expected: [/ 404 /] });
  await page.route(/\/assets\/main-/, (route) => route.fulfill({ status: 404, body: "" }));
  await page.goto(`${served.url}/console`);
  assert.equal(await page.getByText("The page has not started").isVisible(), false);
  await page.getByText("The page has not started").waitFor();
  await page.unrouteAll();
  await page.route(/\/api\/session/, () => new Promise(() => {}));
  await page.goto(`${served.url}/console`);
  await page.getByText("Loading…").waitFor();
  assert.equal(await page.getByText("The page has not started").count(), 0);
});

test("a view that fails leaves the navigation", patience, async () => {
  const page = await served.open("/console/dead-letters/%E0%A4%A", { expected: [/ 404 /, /^page error: URIError/] });
  await page.getByText("This view has failed").waitFor();
  await page.getByRole("link", { name: "Events" }).click();
  await heading(page, "Events").waitFor();
});

test("a poll that brings something else is an error, and what was loaded stays", patience, async () => {
  const page = await served.open("/console/deliveries");
  await page.getByRole("link", { name: "evt_0", exact: true }).first().waitFor();
  await page.route(/\/api\/deliveries\?.*after=/, (route) =>
    route.fulfill({ contentType: "application/json", body: "{}" }),
  );
  await page.getByText("New deliveries cannot be loaded: ").waitFor();
  assert.ok(await page.getByRole("link", { name: "evt_0", exact: true }).first().isVisible());
});

/** Tries again until nothing has failed. The page may be quicker. @param {import("playwright-core").Page} page */
async function recover(page) {
  const again = page.getByRole("button", { name: "Try again" });
  await until(async () => {
    if ((await again.count()) > 0) {
      await again
        .first()
        .click({ timeout: 1000 })
        .catch(() => {});
    }
    return (await page.locator(".notice.bad[role=alert]").count()) === 0;
  }, "no error is left");
}

test("a filter in the address that is refused leads back to all", patience, async () => {
  const page = await served.open("/console/dead-letters?state=bogus", { expected: [/ 400 /] });
  await page.getByText("invalid value of state").waitFor();
  await page.getByRole("link", { name: "Show all" }).click();
  await page.getByText("There are no dead letters.").waitFor();
  assert.equal(page.url(), `${served.url}/console/dead-letters`);
});
