// `npm run screenshots`: writes the pictures of the console in the documents, or pictures of all views.

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Complaint, commonOptions, readArguments, root, script, step } from "./command.mjs";
import { build, setUp } from "./setup.mjs";

const help = `usage: npm run screenshots -- [options]

Writes docs/console-light.png and docs/console-dark.png.

  --all FOLDER  write each view to a folder instead: empty, full and failing, light and dark, wide and on a phone
  --built       use what is built already
  --verbose     show the output of every command
  --help        show this`;

/** @typedef {import("../tests/browser/console.mjs").ServedConsole} ServedConsole */

/** The views, by the names of their files. */
const views = {
  overview: "",
  deliveries: "/deliveries",
  delivery: "/deliveries/1",
  events: "/events",
  event: "/event?id=evt_zzzb",
  "dead-letters": "/dead-letters",
  "dead-letter": "/dead-letters/1",
  incidents: "/incidents",
  incident: "/incidents/2",
  audit: "/audit",
  diagnose: "/diagnose",
  nothing: "/nothing",
};

const schemes = /** @type {const} */ (["light", "dark"]);

/** After the last answer, a view needs some milliseconds to show it. */
const settledMs = 200;

/** All bindings that the console's API uses. */
const failing = { headers: { "x-test-failing": "DB DEAD_LETTERS_DB ACTIVITY" }, expected: [/ 503 /] };

await script(async () => {
  const options = /** @type {const} */ ({ all: { type: "string" }, built: { type: "boolean" } });
  const parse = () => parseArgs({ options: { ...commonOptions, ...options } });
  const { all, built } = readArguments(help, parse).values;
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  if (!built) {
    await build();
  }
  const { chromium } = await import("../tests/support/tools.mjs");
  if (chromium.skip !== false) {
    throw new Complaint("Chromium is missing: install it, on Debian with apt-get install chromium");
  }
  if (all === undefined) {
    await step("Taking the pictures of the documents", () => filled(showOverview));
    return 0;
  }
  // npm changes to the project's root, but the path may be relative to another folder.
  const folder = resolve(process.env.INIT_CWD ?? root, all);
  mkdirSync(folder, { recursive: true });
  await step("Taking pictures without data", () => withConsole((served) => showAll(served, folder, "empty")));
  await step("Taking pictures with data, and of failures", () =>
    filled(async (served) => {
      const { fillTrouble } = await import("../tests/browser/sample.mjs");
      await fillTrouble(served);
      await showAll(served, folder, "full");
      await showAll(served, folder, "failing", failing);
    }),
  );
  return 0;
});

/** @param {(served: ServedConsole) => Promise<void>} show */
async function filled(show) {
  // Node runs TypeScript only since 22.18, and an older one may have started this script.
  const { fillSample } = await import("../tests/browser/sample.mjs");
  await withConsole(async (served) => {
    await fillSample(served);
    await show(served);
  });
}

/** @param {(served: ServedConsole) => Promise<void>} show */
async function withConsole(show) {
  const { ServedConsole } = await import("../tests/browser/console.mjs");
  const served = new ServedConsole();
  try {
    await served.start();
    await show(served);
    await served.check();
  } finally {
    await served.stop();
  }
}

/** @param {ServedConsole} served */
async function showOverview(served) {
  for (const scheme of schemes) {
    const page = await served.open("/console?by=hour", { scheme });
    await take(page, join(root, "docs", `console-${scheme}.png`), false);
  }
}

/**
 * @param {ServedConsole} served
 * @param {string} folder
 * @param {string} state
 * @param {import("../tests/browser/console.mjs").Opened} [options]
 */
async function showAll(served, folder, state, options) {
  const { wide, phone } = await import("../tests/browser/console.mjs");
  for (const scheme of schemes) {
    for (const [width, size] of Object.entries({ wide, phone })) {
      const file = (/** @type {string} */ view) => join(folder, `${view}-${state}-${scheme}-${width}.png`);
      const login = await served.open("/console", { ...options, scheme, size, as: "" });
      await take(login, file("login"), true);
      for (const [view, path] of Object.entries(views)) {
        const page = await served.open(`/console${path}`, { ...options, scheme, size, expected: [/./] });
        await take(page, file(view), true);
        await page.context().close();
      }
    }
  }
}

/** @param {import("playwright-core").Page} page @param {string} path @param {boolean} fullPage */
async function take(page, path, fullPage) {
  await page.waitForLoadState("networkidle");
  await page.waitForTimeout(settledMs);
  await page.screenshot({ path, fullPage });
}
