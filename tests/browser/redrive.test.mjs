// Redrives on the page: each dead letter is sent once, however often somebody clicks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { logIn, patience, until, useConsole } from "./console.mjs";
import { fillLetters } from "./data.mjs";

/** @typedef {import("playwright-core").Page} Page */

const many = 5000;

const served = useConsole(async (console) => {
  await fillLetters(console, [
    ...lettersOf("few", 3),
    ...lettersOf("impatient", 30),
    ...lettersOf("shared", 200),
    ...lettersOf("expired", 60),
    ...lettersOf("again", 2).map((letter) => ({ ...letter, type: "demo.fails" })),
    ...lettersOf("many", many),
    { eventId: "evt_large", reason: "Error: large", type: "payment.completed", data: "x".repeat(1_048_576) },
  ]);
});

/** @param {string} name @param {number} count */
function lettersOf(name, count) {
  return Array.from({ length: count }, (_, number) => ({ eventId: `${name}_${number}`, reason: `Error: ${name}` }));
}

/** Counts the dead letters of a reason by their redrives, and the messages that have arrived. @param {string} name */
async function sent(name) {
  const letters = await served.sql("DEAD_LETTERS_DB", {
    query: "SELECT redrives, count(*) AS letters FROM cronozen_dead_letters WHERE reason = ? GROUP BY redrives",
    values: [`Error: ${name}`],
  });
  const arrivals = await served.sql("DB", {
    query: "SELECT event_id, count(*) AS messages FROM test_arrivals WHERE event_id GLOB ? GROUP BY event_id",
    values: [`${name}_*`],
  });
  return {
    redrives: Object.fromEntries(letters.map(({ redrives, letters }) => [redrives, letters])),
    arrived: arrivals.length,
    twice: arrivals.filter(({ messages }) => messages > 1),
  };
}

/** Opens the preview of all with a reason. @param {string} name @param {import("./console.mjs").Opened} [options] */
async function preview(name, options) {
  const page = await served.open(`/console/dead-letters?reason=Error: ${name}`, options);
  await page.getByRole("button", { name: "Redrive all that match…" }).click();
  return page;
}

/** Waits until each was redriven once, and each message has arrived once. @param {string} name @param {number} count */
async function assertSentOnce(name, count) {
  await until(async () => (await sent(name)).arrived === count, `${count} messages`);
  assert.deepEqual(await sent(name), { redrives: { 1: count }, arrived: count, twice: [] });
}

test("a redrive shows what it would send, sends it, and is in the audit", patience, async () => {
  const page = await preview("few", { as: "Grace" });
  const dialog = page.getByRole("dialog");
  await dialog.getByText("3 dead letters", { exact: true }).waitFor();
  await dialog.getByRole("cell", { name: "Error: few" }).waitFor();
  assert.deepEqual((await sent("few")).redrives, { 0: 3 });
  await dialog.getByRole("button", { name: "Redrive 3" }).click();
  await dialog.getByText("3 dead letters were put on the queue of events.").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByText("Nothing matches.").waitFor();
  await assertSentOnce("few", 3);
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByRole("cell", { name: "Grace" }).first().waitFor();
});

test("after a redrive, the dialog follows what becomes of the events", patience, async () => {
  const page = await preview("again");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Redrive 2" }).click();
  await dialog.getByText("handled 0, failed again 2, on their way 0").waitFor();
  await dialog.getByRole("link", { name: "the newest open ones" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(page.url(), `${served.url}/console/dead-letters?type=demo.fails`);
  await page.getByRole("cell", { name: "Error: fails until redriven" }).first().waitFor();
});

test("all that match are offered only while the fields show the filter that is applied", patience, async () => {
  const page = await served.open("/console/dead-letters?reason=Error: shared&from=2026-01-01T10:00:30.500Z");
  const redrive = page.getByRole("button", { name: "Redrive all that match…" });
  await redrive.waitFor();
  await page.getByLabel("Type", { exact: true }).fill("another");
  await page.getByText("The fields show a filter that is not applied yet").waitFor();
  assert.equal(await redrive.count(), 0);
  await page.getByLabel("Type", { exact: true }).fill("");
  await redrive.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Chosen: all that are open, with the reason “Error: shared”, stored from").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByLabel("Type", { exact: true }).fill("not applied");
  await page.getByRole("link", { name: "Clear" }).click();
  await page.getByRole("button", { name: "Redrive all open…" }).waitFor();
  assert.equal(await page.getByLabel("Type", { exact: true }).inputValue(), "");
});

test("a period that ends before it begins is refused at its field", patience, async () => {
  const page = await served.open("/console/dead-letters");
  await page.getByLabel("From").fill("2026-11-20T10:00");
  await page.getByLabel("To").fill("2026-11-20T09:00");
  await page.getByRole("button", { name: "Filter" }).click();
  const message = await page.getByLabel("To").evaluate((field) => /** @type {any} */ (field).validationMessage);
  assert.equal(message, "This must be later than the time in From.");
  assert.equal(page.url(), `${served.url}/console/dead-letters`);
  await page.getByLabel("To").fill("2026-11-20T11:00");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/from=2026-11-20T09%3A00%3A00.000Z&to=2026-11-20T10/);
});

test("fifty impatient clicks send each dead letter once", patience, async () => {
  const page = await preview("impatient");
  const button = page.getByRole("button", { name: "Redrive 30" });
  const box = (await button.boundingBox()) ?? assert.fail();
  // Those of a script come before the page is drawn again, those of a mouse after it.
  await button.evaluate((element) => {
    for (let click = 0; click < 50; click += 1) {
      /** @type {HTMLElement} */ (element).click();
    }
  });
  for (let click = 0; click < 50; click += 1) {
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  }
  await page.getByText("30 dead letters were put on the queue of events.").waitFor();
  await assertSentOnce("impatient", 30);
});

test("two operators at once send each dead letter once", patience, async () => {
  // While the steps of one wait for the queue, those of the other come.
  const headers = { "x-test-slow": "EVENTS" };
  const pages = await Promise.all(["Ada", "Grace"].map((as) => preview("shared", { as, headers })));
  for (const page of pages) {
    await page.getByRole("button", { name: "Redrive 200" }).waitFor();
  }
  await Promise.all(pages.map((page) => page.getByRole("button", { name: "Redrive 200" }).click()));
  await Promise.all(pages.map((page) => page.getByText(/put on the queue/).waitFor()));
  await assertSentOnce("shared", 200);
});

test("a session that ends during a redrive goes on after the login", patience, async () => {
  const page = await preview("expired", { expected: [/ 401 /] });
  let steps = 0;
  await page.route("**/api/dead-letters/redrive", async (route) => {
    steps += 1;
    if (steps === 2) {
      await page.context().clearCookies();
      // The cookies of this request have been chosen already.
      const { cookie: _, ...headers } = await route.request().allHeaders();
      await route.continue({ headers: { ...headers, cookie: "" } });
    } else {
      await route.continue();
    }
  });
  await page.getByRole("button", { name: "Redrive 60" }).click();
  await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
  assert.equal(await page.locator("dialog.run").isVisible(), false);
  assert.equal(await page.getByText("The token is wrong").count(), 0);
  await logIn(page, "Ada");
  await page.getByText("60 dead letters were put on the queue of events.").waitFor();
  await assertSentOnce("expired", 60);
});

test("thousands are redriven with a progress, until a stop", patience, async () => {
  const page = await preview("many");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("5,000 dead letters").waitFor();
  await dialog.getByRole("button", { name: "Redrive 5,000" }).click();
  const progress = dialog.getByRole("progressbar");
  await until(async () => Number(await progress.getAttribute("value")) >= 40, "two steps");
  // Escape ends nothing.
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Stop" }).click();
  await dialog.getByText("Stopped.").waitFor();
  const done = Number(await progress.getAttribute("value"));
  assert.ok(done >= 40 && done < many, `${done} were sent`);
  assert.deepEqual((await sent("many")).redrives, { 0: many - done, 1: done });
  await dialog.getByRole("button", { name: "Go on" }).click();
  await until(async () => Number(await progress.getAttribute("value")) > done, "another step");
  await dialog.getByRole("button", { name: "Stop" }).click();
  await dialog.getByText("Stopped.").waitFor();
  const total = Number(await progress.getAttribute("value"));
  await until(async () => (await sent("many")).arrived === total, `${total} messages`);
  assert.deepEqual((await sent("many")).twice, []);
});

test("a dead letter of a mebibyte is shown on request", patience, async () => {
  const page = await served.open("/console/dead-letters?reason=Error: large");
  await page.getByRole("link", { name: "evt_large" }).waitFor();
  await page.locator("main tbody tr a").first().click();
  await page.getByRole("button", { name: "Show the message" }).click();
  const text = await page.locator("pre").innerText();
  assert.match(text, /^\{"v":1,"eventId":"evt_large"/);
  assert.ok(text.length <= 200_000);
});
