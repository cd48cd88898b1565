// `dev` in a project that `init` has written: its output, and its end.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { freePort } from "../support/ports.mjs";
import { runCli, scratchFolder, startCli } from "./cli.mjs";

/** Starting wrangler is quick, but a machine may be busy. */
const patience = { timeout: 120_000 };

const folder = scratchFolder();

/** @type {ReturnType<typeof startCli>[]} */
const started = [];
before(async () => {
  await runCli(["init", "."], { folder });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}, patience);
after(() => {
  for (const { child } of started) {
    child.kill();
  }
});

/** @param {string} project @param {...string} args */
function dev(project, ...args) {
  const running = startCli(["dev", ...args], { folder: project });
  started.push(running);
  return running;
}

/** Waits until something is printed. @param {ReturnType<typeof startCli>} running @param {RegExp} text */
async function until({ child, printed }, text) {
  while (!text.test(printed.stdout)) {
    assert.equal(child.exitCode, null, printed.stdout + printed.stderr);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Asserts that the console is where it is said to be. @param {string} printed @param {string} port */
async function assertConsole(printed, port) {
  const [, address = assert.fail(printed)] =
    /^ {2}Console {2}(\S+) {2}\(log in with ADMIN_TOKEN of \.dev\.vars\)$/m.exec(printed) ?? [];
  assert.equal(address, `http://127.0.0.1:${port}/console/`);
  const page = await fetch(address);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /^<!doctype html>\n<html lang="en" data-mount="\/console">/);
}

/** @param {string} port */
async function isServed(port) {
  return fetch(`http://127.0.0.1:${port}/healthz`).then(
    () => true,
    () => false,
  );
}

test("dev makes up secrets, sends a sample of each type, and ends with an interruption", patience, async () => {
  const port = String(await freePort());
  const running = dev(folder, "--port", port);
  await until(running, /(consumer {2}handled .*\n.*){9}/s);
  // It is the last one that is sent.
  await until(running, /gateway {3}rejected /);
  const { stdout } = running.printed;
  assert.match(stdout, /^Made up CRONOZEN_SIGNING_SECRET and ADMIN_TOKEN in \.dev\.vars\.$/m);
  assert.ok(stdout.includes(`  Webhook  http://127.0.0.1:${port}/webhooks/cronozen\n`));
  await assertConsole(stdout, port);
  assert.equal(stdout.match(/gateway {3}accepted /g)?.length, 9);
  assert.equal(stdout.match(/gateway {3}duplicate /g)?.length, 1);
  assert.equal(
    stdout.match(/gateway {3}rejected {3}signature mismatch: no active secret matches the body {2}/g)?.length,
    1,
  );
  const vars = readFileSync(join(folder, ".dev.vars"), "utf8");
  for (const [, value = ""] of vars.matchAll(/="(.+)"/g)) {
    assert.ok(!stdout.includes(value));
  }

  const second = await runCli(["dev", "--port", port], { folder });
  assert.equal(second.code, 2);
  assert.match(second.stderr, new RegExp(`^failed  port ${port} is in use: `));

  running.child.kill("SIGINT");
  assert.equal((await running.ended).code, 0);
  assert.equal(await isServed(port), false);
});

test("dev applies new migrations, and says which messages a reload has lost", patience, async () => {
  const port = String(await freePort());
  const running = dev(folder, "--port", port, "--no-samples");
  await until(running, /Webhook/);
  const migration = join(folder, "migrations", "0002_notes.sql");
  // As `wrangler d1 migrations create` writes it. If it were applied now, it would never be applied again.
  writeFileSync(migration, "-- Migration number: 0002\n");
  await new Promise((resolve) => setTimeout(resolve, 4000));
  writeFileSync(migration, "-- Migration number: 0002\nCREATE TABLE notes (text TEXT);\n");
  await until(running, /^migrations applied$/m);
  const query = ["d1", "execute", "DB", "--local", "--command", "SELECT count(*) FROM notes"];
  const wrangler = join(root, "node_modules", "wrangler", "bin", "wrangler.js");
  const asked = spawnSync(process.execPath, [wrangler, ...query], { cwd: folder, encoding: "utf8" });
  assert.equal(asked.status, 0, asked.stdout + asked.stderr);

  const handlers = join(folder, "src", "handlers.ts");
  const text = readFileSync(handlers, "utf8");
  writeFileSync(
    handlers,
    text.replace('"*": (event, env) => {', '"*": (event, env) => {\n    throw new Error("not yet");'),
  );
  await until(running, /^reloaded$/m);
  const url = `http://127.0.0.1:${port}`;
  assert.equal((await runCli(["send", "dpu.sealed", url, "--id", "evt_lost"], { folder })).code, 0);
  await until(running, /retried {4}evt_lost /);
  writeFileSync(handlers, text);
  await until(running, /^gone from the local queue: evt_lost\. Send them again, with new ids\.$/m);

  assert.equal((await runCli(["send", "dpu.sealed", url, "--id", "evt_again"], { folder })).code, 0);
  await until(running, /handled {4}evt_again /);
  running.child.kill("SIGINT");
  assert.equal((await running.ended).code, 0);
});

test("with two Workers, the console is at the same address", patience, async () => {
  const two = scratchFolder();
  await runCli(["init", ".", "--two-workers"], { folder: two });
  symlinkSync(join(root, "node_modules"), join(two, "node_modules"));
  const port = String(await freePort());
  const running = dev(two, "--port", port, "--no-samples");
  await until(running, /Send/);
  await assertConsole(running.printed.stdout, port);
  running.child.kill("SIGINT");
  assert.equal((await running.ended).code, 0);
});

test("wrangler does not outlive a killed dev", patience, async () => {
  const port = String(await freePort());
  const running = dev(folder, "--port", port, "--no-samples");
  await until(running, /Webhook/);
  running.child.kill("SIGKILL");
  for (let tries = 0; await isServed(port); tries += 1) {
    assert.ok(tries < 200, "something still runs");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});
