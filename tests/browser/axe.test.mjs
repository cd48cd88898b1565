// axe finds nothing wrong on any view: empty or full, light or dark, wide or on a phone.

import assert from "node:assert/strict";
import { test } from "node:test";
import axe from "axe-core";
import { heading, patience, phone, until, useConsole, views, wide } from "./console.mjs";
import { fillSample, fillTrouble } from "./sample.mjs";

/** @typedef {import("playwright-core").Page} Page */

const served = useConsole();

/** The buttons that open something, by the path of the view. @type {Record<string, string[]>} */
const opened = {
  "/dead-letters": ["Redrive all open…"],
  "/dead-letters/1": ["Show the message"],
  "/events": ["Keyboard shortcuts"],
};

const records = [
  "/deliveries/1",
  "/deliveries?outcome=failed",
  "/dead-letters/1",
  "/incidents/1",
  "/incidents/2",
  "/incidents/3",
  "/dead-letters/15",
];

/** Looks at all sizes and themes of what is shown. @param {Page} page @param {string} what */
async function assertAccessible(page, what) {
  await page.evaluate(`${axe.source}; 0`);
  const found = [];
  for (const [size, viewport] of Object.entries({ wide, phone })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // A theme changes the colours alone.
      const rules = colorScheme === "dark" ? { runOnly: ["color-contrast", "link-in-text-block"] } : {};
      const { violations } = await page.evaluate(
        (options) => /** @type {any} */ (globalThis).axe.run({ ...options, resultTypes: ["violations"] }),
        rules,
      );
      found.push(
        ...violations.map((/** @type {any} */ { id, nodes }) => `${size} ${colorScheme} ${id} ${nodes[0].html}`),
      );
    }
  }
  assert.deepEqual(found, [], what);
}

/** @param {Page} page @param {string} path */
async function assertViewAccessible(page, path) {
  await page.setViewportSize(wide);
  await page.goto(`${served.url}/console${path}`);
  await page.locator("h1").waitFor();
  await until(async () => (await page.locator(".loading").count()) === 0, "all answers");
  await assertAccessible(page, path);
  for (const button of opened[path] ?? []) {
    const control = page.getByRole("button", { name: button });
    if ((await control.count()) > 0) {
      await page.setViewportSize(wide);
      await control.click();
      await page.locator("dialog .loading").waitFor({ state: "detached" });
      await assertAccessible(page, `${path}, ${button}`);
    }
  }
}

test("the login is accessible", patience, async () => {
  const page = await served.open("/console", { as: "" });
  await page.getByRole("dialog", { name: "Log in" }).waitFor();
  await assertAccessible(page, "login");
});

test("empty views are accessible", patience, async () => {
  const page = await served.open("/console", { expected: [/ 404 /] });
  for (const [path] of Object.values(views)) {
    await assertViewAccessible(page, path);
  }
  await assertViewAccessible(page, "/nothing");
});

test("views that fail are accessible", patience, async () => {
  const headers = { "x-test-failing": "DB DEAD_LETTERS_DB ACTIVITY" };
  const page = await served.open("/console/events", { headers, expected: [/ 503 /] });
  await page.getByText("Something behind the console failed").waitFor();
  await assertAccessible(page, "a failure");
});

test("full views are accessible", { ...patience, timeout: 200_000 }, async () => {
  await fillSample(served);
  await fillTrouble(served);
  const { events } = await served.ask("events?limit=1&source=dead");
  const page = await served.open("/console");
  await heading(page, "Overview").waitFor();
  const paths = [...Object.values(views).map(([path]) => path), ...records, `/event?id=${events[0].eventId}`];
  for (const path of paths) {
    await assertViewAccessible(page, path);
  }
});

test("a diagnosis is accessible", patience, async () => {
  const page = await served.open("/console/diagnose");
  await page.getByLabel("Body, as it came").fill('{"eventId":"evt_1"}');
  await page.getByLabel("Signature", { exact: true }).fill("sha256=AAAA");
  await page.getByLabel("Signing secrets").fill('"whsec_test"');
  await page.getByRole("button", { name: "Diagnose" }).click();
  await page.locator(".result").waitFor();
  await assertAccessible(page, "diagnosis");
});
