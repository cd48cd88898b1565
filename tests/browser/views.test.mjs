// Each view has its address, works with the back button, fits a phone, and is there at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, patience, phone, until, useConsole, views } from "./console.mjs";
import { acceptedLine, ago, fillDeliveries, fillIncidents, fillLedger, fillLetters, minute } from "./data.mjs";

/** @typedef {import("playwright-core").Page} Page */

const events = 100_000;

/** As long as they may be. */
const long = {
  eventId: `evt_${"9".repeat(252)}`,
  type: `type.${"a".repeat(315)}`,
  reason: `Error: ${"x".repeat(300)}`,
};

const served = useConsole(async (console) => {
  await fillLedger(console, events);
  await fillLetters(console, [{ eventId: "evt_1" }, long]);
  await fillDeliveries(console, [acceptedLine("evt_1"), acceptedLine(long.eventId, { type: long.type })]);
  const [title, text] = ["Dead letters are open", "2 dead letters are open."];
  await fillIncidents(console, [{ rule: "dead_letter", title, text, openedAt: ago(minute) }]);
});

/** Those of one record, too. @type {[path: string, heading: string][]} */
const all = [
  ...Object.values(views).map(([path, title]) => /** @type {[string, string]} */ ([path, title])),
  ["/deliveries/1", "Delivery 1"],
  ["/event?id=evt_1", "Event"],
  [`/event?id=${long.eventId}`, "Event"],
  ["/dead-letters/1", "Dead letter 1"],
  ["/dead-letters/2", "Dead letter 2"],
  ["/incidents/1", "Dead letters are open"],
  ["/nothing", "No such page"],
];

/** @param {Page} page @param {string} name */
function link(page, name) {
  return page.getByRole("navigation", { name: "Views" }).getByRole("link", { name });
}

test("each view opens by its address, with its title and one heading, and fits a phone", patience, async () => {
  const page = await served.open("/console", { size: phone, expected: [/ 404 .* \/console\/nothing$/] });
  for (const [path, title] of all) {
    await page.goto(`${served.url}/console${path}`);
    await heading(page, title).waitFor();
    await page.locator(".loading").first().waitFor({ state: "detached" });
    assert.equal(await page.title(), `${title} · Cronozen Edge`);
    assert.equal(await page.locator("h1").count(), 1, path);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= phone.width, `${path} is ${width} px wide`);
  }
});

test("each view opens by a click, takes the focus, and the back button returns", patience, async () => {
  const page = await served.open("/console");
  await heading(page, "Overview").waitFor();
  const visited = Object.values(views).filter(([path]) => path !== "");
  for (const [path, title, name] of visited) {
    await link(page, name).click();
    await heading(page, title).waitFor();
    assert.equal(page.url(), `${served.url}/console${path}`);
    assert.equal(await link(page, name).getAttribute("aria-current"), "page");
    if (path !== "/diagnose") {
      const focused = () => page.evaluate(() => document.activeElement?.textContent);
      await until(async () => (await focused()) === title, `the focus on ${title}`);
    }
  }
  for (const [path, title] of visited.toReversed().slice(1)) {
    await page.goBack();
    await heading(page, title).waitFor();
    assert.equal(page.url(), `${served.url}/console${path}`);
  }
});

test(
  "the overview's figures fill their grid at each width, and are links where they lead somewhere",
  patience,
  async () => {
    const page = await served.open("/console");
    await page.locator("a.figure", { hasText: "Accepted" }).waitFor();
    assert.equal(await page.locator("div.figure", { hasText: "p99 time" }).count(), 1);
    for (const width of [1280, 1024, 800, phone.width]) {
      await page.setViewportSize({ width, height: 800 });
      const gaps = await page.locator(".figures section").evaluateAll((sections) =>
        sections.map((section) => {
          const [end, last] = [section, section.lastElementChild].map(
            (element) => element?.getBoundingClientRect().right,
          );
          return (end ?? 0) - (last ?? 0);
        }),
      );
      assert.ok(gaps.length === 2 && gaps.every((gap) => gap < 2), `${gaps} px at ${width}`);
    }
  },
);

test("filters and pages are in the address, and the back button undoes them", patience, async () => {
  const page = await served.open("/console/events");
  await page.getByRole("link", { name: "evt_0", exact: true }).waitFor();
  await page.getByLabel("Type").fill("dpu.sealed");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("link", { name: "evt_3", exact: true }).waitFor();
  await page.getByRole("link", { name: "evt_1", exact: true }).waitFor({ state: "detached" });
  assert.equal(page.url(), `${served.url}/console/events?type=dpu.sealed`);
  await page.getByRole("link", { name: "Older" }).click();
  await page.getByRole("link", { name: "evt_150", exact: true }).waitFor();
  const second = page.url();
  await page.reload();
  await page.getByRole("link", { name: "evt_150", exact: true }).waitFor();
  assert.equal(await page.getByLabel("Type").inputValue(), "dpu.sealed");
  await page.goBack();
  await page.getByRole("link", { name: "evt_3", exact: true }).waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "evt_1", exact: true }).waitFor();
  assert.equal(await page.getByLabel("Type").inputValue(), "");
  await page.goForward();
  await page.goForward();
  await page.getByRole("link", { name: "evt_150", exact: true }).waitFor();
  assert.equal(page.url(), second);
});

test("times are local, UTC on hover, and UTC after the switch, which is kept", patience, async () => {
  const page = await served.open("/console/event?id=evt_1", { zone: "Asia/Kathmandu" });
  const time = page.locator("main time").first();
  await time.waitFor();
  const at = new Date((await time.getAttribute("datetime")) ?? "");
  const shown = (/** @type {number} */ ms) => new Date(at.getTime() + ms).toISOString().slice(0, 19).replace("T", " ");
  const kathmanduMs = 345 * minute;
  assert.match(await time.innerText(), new RegExp(`^${shown(kathmanduMs)}`));
  assert.equal(await time.getAttribute("title"), `${at.toISOString()} (UTC)`);
  const local = page.getByRole("button", { name: "Local", exact: true });
  const utc = page.getByRole("button", { name: "UTC", exact: true });
  assert.equal(await local.getAttribute("aria-pressed"), "true");
  await utc.click();
  assert.equal(await utc.getAttribute("aria-pressed"), "true");
  assert.match(await time.innerText(), new RegExp(`^${shown(0)} UTC`));
  assert.equal(await time.getAttribute("title"), `${shown(kathmanduMs)} (local)`);
  await page.reload();
  await time.waitFor();
  assert.match(await time.innerText(), new RegExp(`^${shown(0)} UTC`));
  await page.goto(`${served.url}/console/events`);
  await page.getByRole("columnheader", { name: "Time (UTC)" }).waitFor();
  await local.click();
  await page.getByRole("columnheader", { name: "Time (GMT+5:45)" }).waitFor();
  await page.getByLabel("From (GMT+5:45)").waitFor();
});

test("an unknown parameter, a wrong id and one that never was are no error of the page", patience, async () => {
  const page = await served.open("/console/events?foo=bar", { expected: [/ 404 /] });
  await page.getByRole("link", { name: "evt_0", exact: true }).waitFor();
  await page.goto(`${served.url}/console/deliveries?foo=bar`);
  await page.getByRole("link", { name: "evt_1", exact: true }).waitFor();
  await page.goto(`${served.url}/console/dead-letters/abc`);
  await page.getByText("There is no such thing").waitFor();
  assert.equal(await page.getByText("no such route").count(), 0);
  await page.goto(`${served.url}/console/deliveries/999999`);
  await page.getByText("There is no such delivery.").waitFor();
});

test("nothing moves for those who prefer reduced motion", patience, async () => {
  const page = await served.open("/console", { motion: "reduce" });
  for (const [path, title] of all.filter(([path]) => path !== "/nothing")) {
    await page.goto(`${served.url}/console${path}`);
    await heading(page, title).waitFor();
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll("*")]
        .flatMap((element) => [getComputedStyle(element), getComputedStyle(element, "::before")])
        .flatMap(({ transitionDuration, animationName, animationDuration, scrollBehavior }) => [
          Number.parseFloat(transitionDuration) > 0.001 ? `transition ${transitionDuration}` : "",
          animationName !== "none" && Number.parseFloat(animationDuration) > 0.001 ? animationName : "",
          scrollBehavior === "smooth" ? "smooth" : "",
        ])
        .filter((found) => found !== ""),
    );
    assert.deepEqual(moving, [], path);
  }
});

test("the first paint comes within a second", patience, async () => {
  const paints = [];
  for (let load = 0; load < 3; load += 1) {
    // A new context has an empty cache.
    const page = await served.open("/console");
    await heading(page, "Overview").waitFor();
    await until(async () => (await paintOf(page)) !== undefined, "paint");
    paints.push((await paintOf(page)) ?? Number.POSITIVE_INFINITY);
  }
  assert.ok(Math.min(...paints) < 1000, `paints after ${paints} ms`);
});

/** @param {Page} page */
function paintOf(page) {
  return page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
}
