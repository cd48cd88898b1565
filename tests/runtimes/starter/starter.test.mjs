// A new user's way, with the tarball and without Rust on the PATH: init, npm install, npm test, npm run dev, and a dry run
// of the deployment, for each layout of the starter.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { parseEnv } from "node:util";
import { output, root } from "../../../scripts/command.mjs";
import { deliver, webhookPath } from "../../../scripts/delivery.mjs";
import { freePort } from "../../support/ports.mjs";
import { patience, run, tarball } from "../project.mjs";
import { withServer } from "../server.mjs";

const scratch = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** The PATH has Node, npm and the system. */
const path = (() => {
  const folder = mkdtempSync(join(scratch, "bin-"));
  symlinkSync(process.execPath, join(folder, "node"));
  for (const name of ["npm", "npx"]) {
    symlinkSync(realpathSync(output("which", [name]) ?? assert.fail(`no ${name}`)), join(folder, name));
  }
  return [folder, "/usr/bin", "/bin"].join(delimiter);
})();
const env = { ...process.env, PATH: path, NO_COLOR: "1" };

test("Rust is not on the PATH", () => {
  for (const command of ["cargo", "rustc", "rustup"]) {
    assert.equal(output("sh", ["-c", `PATH='${path}' command -v ${command}`]), undefined, command);
  }
});

/**
 * Runs one of npm's commands, and returns what it prints.
 *
 * @param {string} folder
 * @param {...string} args
 */
function npm(folder, ...args) {
  return run(folder, "npm", args, env).catch((error) => assert.fail(`npm ${args.join(" ")}: ${error.stdout}${error}`));
}

for (const [name, options, configs] of /** @type {[string, string[], string[]][]} */ ([
  ["one Worker", [], ["wrangler.toml"]],
  ["two Workers", ["--two-workers"], ["wrangler.toml", "wrangler.consumer.toml"]],
  ["one Worker in JavaScript", ["--javascript"], ["wrangler.toml"]],
])) {
  test(`${name}: from an empty folder to a handled event`, patience, async () => {
    const folder = join(scratch, name.replaceAll(" ", "-"));
    const written = await run(
      scratch,
      "npx",
      ["--yes", "--package", tarball(), "cronozen-edge", "init", folder, ...options],
      env,
    );
    const next = /Next:\n\n {2}cd (.+)\n {2}npm install\n {2}npm run dev\n$/.exec(written);
    assert.equal(next?.[1], folder.slice(scratch.length + 1), written);

    await npm(folder, "install", "--no-audit", "--no-fund", "--loglevel=error");
    assert.match(await npm(folder, "test"), /^ℹ pass 3$/m);

    const port = await freePort();
    const args = ["run", "dev", "--", "--port", String(port), "--no-samples"];
    // npm passes on a SIGTERM, but no SIGINT: a terminal sends that to all processes.
    const signal = /** @type {const} */ ("SIGTERM");
    const server = { signal, folder, command: "npm", args, env, url: new URL(`http://127.0.0.1:${port}`) };
    await withServer(server, async (url, printed) => {
      const vars = parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8"));
      const body = JSON.stringify({
        eventId: "evt_1",
        type: "payment.completed",
        data: { amount: "1.00", currency: "EUR" },
      });
      const webhook = new URL(webhookPath, url);
      const delivered = await deliver(webhook, body, String(vars.CRONOZEN_SIGNING_SECRET));
      assert.equal(delivered.status, 202, printed());
      const headers = { authorization: `Bearer ${vars.ADMIN_TOKEN}` };
      for (let tries = 0; ; tries += 1) {
        const found = await fetch(new URL("/console/api/event?id=evt_1", url), { headers });
        const { history = [] } = /** @type {any} */ (await found.json());
        if (history.some((/** @type {any} */ { outcome }) => outcome === "handled")) {
          break;
        }
        assert.ok(tries < 300, printed());
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const [, address = ""] = /Console {2}(\S+)/.exec(printed()) ?? [];
      assert.equal(address, new URL("/console/", url).href, printed());
      assert.match(await (await fetch(address)).text(), /^<!doctype html>/);
    });

    for (const config of configs) {
      const printed = await npm(folder, "run", "deploy", "--", "--dry-run", "--config", config);
      assert.match(printed, /env\.EVENTS \(cronozen-events\)/);
    }
  });
}

test("the starter uses the tools of this project", () => {
  const versions = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies;
  const own = JSON.parse(readFileSync(join(root, "examples", "starter", "package.json"), "utf8")).devDependencies;
  for (const [name, version] of Object.entries(own)) {
    assert.equal(version, versions[name], name);
  }
});
