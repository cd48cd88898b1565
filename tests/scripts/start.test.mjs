// `npm start`, as a person would use it: what it shows, what it says when something is missing, and that
// it stops. The first run, with nothing installed, is .ci/run's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { output, root } from "../../scripts/command.mjs";
import { freePort } from "../support/ports.mjs";

/** @type {import("node:child_process").ChildProcess[]} */
const started = [];
after(() => {
  for (const child of started) {
    child.kill();
  }
});

/** Starting wrangler is quick, but a machine may be busy. */
const patience = { timeout: 120_000 };

/** The environment of a person's terminal, not of a script that has been set up. */
function environment(changes = {}) {
  const { CRONOZEN_EDGE_NODE, NODE_TEST_CONTEXT, ...rest } = process.env;
  const path = (rest.PATH ?? "").split(delimiter).filter((folder) => !folder.startsWith(root));
  return { ...rest, PATH: path.join(delimiter), ...changes };
}

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function start(args, env = environment()) {
  return watch(spawn("node", [join(root, "scripts", "start.mjs"), ...args], { cwd: tmpdir(), env }));
}

/** @param {import("node:child_process").ChildProcessByStdio<any, import("node:stream").Readable, import("node:stream").Readable>} child */
function watch(child) {
  started.push(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      printed += data;
    });
  }
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { child, ended, printed: () => printed };
}

/**
 * A folder with links to some commands only, to be the whole PATH.
 *
 * @param {string[]} commands
 */
function folderWith(commands) {
  const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-"));
  for (const command of commands) {
    const path = output("sh", ["-c", `PATH='${environment().PATH}' command -v ${command}`]);
    symlinkSync(path ?? assert.fail(command), join(folder, command));
  }
  return folder;
}

test("--once shows what came of each delivery, and exits with 0", patience, async () => {
  const { ended, printed } = start(["--once", "--port", String(await freePort())]);
  const code = await ended;
  for (const line of [
    /^ {2}ok {4}signed delivery {3}202 accepted$/m,
    /^ {2}ok {4}the same again {4}200 duplicate$/m,
    /^ {2}ok {4}forged {12}401 invalid_signature$/m,
    /^ {2}ok {4}ledger {12}1 row {19}payment\.completed evt_[0-9a-f-]{36}$/m,
    /^ {2}ok {4}fails twice {7}handled at attempt 3 {4}1 row$/m,
    /^ {2}ok {4}always fails {6}dead letter {13}Error: as the demonstration wants it, until it is redriven$/m,
    /^ {2}ok {4}redriven {10}handled, 1 row$/m,
  ]) {
    assert.match(printed(), line);
  }
  assert.equal(code, 0);
});

test("stays up, prints a curl command that works when pasted, and stops", patience, async () => {
  const port = String(await freePort());
  const { child, ended, printed } = start(["--port", port]);
  while (!printed().includes("Bearer $ADMIN_TOKEN")) {
    assert.equal(child.exitCode, null, printed());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(printed().includes(`http://127.0.0.1:${port}/webhooks/cronozen`));
  const pasted = printed().slice(
    printed().indexOf("  . ./.dev.vars"),
    printed().indexOf('"$body"\n\n') + '"$body"'.length,
  );
  assert.match(output("bash", ["-c", pasted]) ?? "", /^HTTP\/1\.1 202 /);
  assert.match(output("bash", ["-c", pasted]) ?? "", /^HTTP\/1\.1 200 /);
  const list = `. ./.dev.vars; ${/^ {2}(curl .*\/dead-letters .*)$/m.exec(printed())?.[1]}`;
  assert.match(output("bash", ["-c", list]) ?? "", /^\{"deadLetters":\[.*\],"next":null\}$/);

  const busy = start(["--once", "--port", port]);
  assert.equal(await busy.ended, 1);
  assert.match(busy.printed(), new RegExp(`^port ${port} is in use: choose another with --port N$`, "m"));
  assert.ok(!busy.printed().includes("    at "), busy.printed());

  child.kill("SIGINT");
  assert.equal(await ended, 0);
});

for (const signal of /** @type {const} */ (["SIGTERM", "SIGKILL"])) {
  test(`a ${signal} to npm ends all of it`, patience, async () => {
    const port = String(await freePort());
    const npm = spawn("npm", ["start", "--", "--port", port], { cwd: root, env: environment() });
    const { child, printed } = watch(npm);
    while (!printed().includes("Bearer $ADMIN_TOKEN")) {
      assert.equal(child.exitCode, null, printed());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const running = () => (output("ps", ["-eo", "args"]) ?? assert.fail("no ps")).includes(port);
    assert.ok(running());
    child.kill(signal);
    // wrangler takes a moment to stop workerd.
    for (let tries = 0; running(); tries += 1) {
      assert.ok(tries < 200, "something still runs");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
}

test("an interruption while it starts ends it quietly", patience, async () => {
  const { child, ended, printed } = start(["--port", String(await freePort())]);
  while (!printed().includes("starting the gateway")) {
    assert.equal(child.exitCode, null, printed());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill("SIGINT");
  assert.equal(await ended, 130);
  assert.match(printed(), /starting the gateway and the example consumer \.\.\.\n$/);
});

test("says what is missing in one line, before any build", async () => {
  const compiler = { PATH: folderWith(["node", "rustup"]), CC: undefined };
  const rustup = { PATH: folderWith(["node", "cc"]), HOME: folderWith([]) };
  for (const [missing, line] of /** @type {const} */ ([
    [compiler, /^a C compiler is missing, .+\n$/],
    [rustup, /^rustup is missing: install it from https:\/\/rustup\.rs\n$/],
  ])) {
    const { ended, printed } = start(["--once"], environment(missing));
    assert.equal(await ended, 1);
    assert.match(printed(), line);
  }
});

test("says how it is used", async () => {
  const helped = start(["--help"]);
  assert.equal(await helped.ended, 0);
  assert.equal(helped.printed(), "usage: npm start -- [--once] [--port N]\n");
  for (const args of [["--port"], ["--port", "x"], ["--port", "0"], ["--port", "65536"], ["--often"], ["more"]]) {
    const { ended, printed } = start(args);
    assert.equal(await ended, 1);
    assert.equal(printed(), "usage: npm start -- [--once] [--port N]\n");
  }
});
