// The console without a mouse.

import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, patience, until, useConsole } from "./console.mjs";
import { fillLedger, fillLetters } from "./data.mjs";

/** @typedef {import("playwright-core").Page} Page */

const served = useConsole(async (console) => {
  await fillLedger(console, 30);
  await fillLetters(console, [{ eventId: "evt_dead" }]);
});

/** Text or label of what has the focus. @param {Page} page @returns {Promise<string>} */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "";
  });
}

/** Presses Tab until this has the focus. @param {Page} page @param {RegExp} name */
async function tabTo(page, name) {
  const passed = [];
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    if (name.test(now)) {
      return;
    }
    passed.push(now);
  }
  assert.fail(`Tab does not reach ${name}: ${passed.join(" | ")}`);
}

test("the first stop skips to the content", patience, async () => {
  const page = await served.open("/console/events");
  await heading(page, "Events").waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Skip to the content");
  assert.ok(await page.getByRole("link", { name: "Skip to the content" }).isVisible());
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement?.closest("main") !== null));
  assert.ok((await heading(page, "Events").count()) === 1);
});

test("Tab goes through the page in its order, and each stop is visible", patience, async () => {
  const page = await served.open("/console/events");
  await page.getByRole("link", { name: "evt_0", exact: true }).waitFor();
  let last = -1;
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      const style = element && getComputedStyle(element);
      const all = [...document.querySelectorAll("*")];
      return {
        position: element ? all.indexOf(element) : -1,
        name: element?.outerHTML.slice(0, 120),
        // Chromium marks the part of a time that has the focus.
        isSeen:
          element?.matches("[type=datetime-local]") || style?.outlineStyle !== "none" || style?.boxShadow !== "none",
      };
    });
    assert.ok(stop.position >= last, `after a later element: ${stop.name}`);
    assert.ok(stop.isSeen, `the focus is not seen: ${stop.name}`);
    last = stop.position;
  }
});

test("two keys open each view", patience, async () => {
  const page = await served.open("/console/events");
  await heading(page, "Events").waitFor();
  const places = { o: "Overview", d: "Deliveries", e: "Events", l: "Dead letters", i: "Incidents", a: "Audit" };
  for (const [key, title] of Object.entries(places)) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await heading(page, title).waitFor();
    await until(async () => (await focused(page)) === title, `the focus on ${title}`);
  }
});

test("rows are reached and opened by keys, and the back button returns", patience, async () => {
  const page = await served.open("/console/events?type=dpu.sealed");
  await page.getByRole("link", { name: "evt_0", exact: true }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("j");
  const name = await focused(page);
  await page.keyboard.press("Enter");
  await heading(page, "Event").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("id"), name);
  await page.goBack();
  await heading(page, "Events").waitFor();
  await until(async () => (await focused(page)) === name, "the focus on the row that was opened");
});

test("keys that are typed into a field do nothing else", patience, async () => {
  const page = await served.open("/console/events");
  await heading(page, "Events").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("gd?uj/");
  assert.equal(await page.getByLabel("Event id").inputValue(), "gd?uj/");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(page.url(), `${served.url}/console/events`);
});

test("? lists the shortcuts, Escape closes the list, and the focus returns", patience, async () => {
  const page = await served.open("/console/events");
  await tabTo(page, /^Keyboard shortcuts$/);
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await focused(page), "Keyboard shortcuts");
});

test("shortcuts that are switched off stay off", patience, async () => {
  const page = await served.open("/console/events");
  await heading(page, "Events").waitFor();
  await page.keyboard.press("?");
  await page.getByLabel("Use these shortcuts in this browser").uncheck();
  await page.keyboard.press("Escape");
  await page.reload();
  await heading(page, "Events").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.keyboard.press("?");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(page.url(), `${served.url}/console/events`);
});

test("x selects the row that has the focus, and takes it back", patience, async () => {
  const page = await served.open("/console/dead-letters");
  await page.getByRole("link", { name: "evt_dead" }).waitFor();
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByText("1 dead letter selected").waitFor();
  await page.keyboard.press("x");
  await page.getByText("Select this page").waitFor();
});

test("a dead letter is redriven by keys alone", patience, async () => {
  const page = await served.open("/console");
  await heading(page, "Overview").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await page.getByRole("link", { name: "evt_dead" }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await heading(page, "Dead letter 1").waitFor();
  await tabTo(page, /^Redrive…$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByText("1 dead letter", { exact: true }).waitFor();
  await tabTo(page, /^Redrive 1$/);
  await page.keyboard.press("Enter");
  await page.getByText("1 dead letter was put on the queue of events.").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until(async () => (await served.ask("event?id=evt_dead")).history.at(-1).outcome === "handled", "handled");
});
