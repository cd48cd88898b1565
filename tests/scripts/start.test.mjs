// `npm start`, as a person uses it: its output, its message when something is missing, and its end. .ci/run tests
// the first run, with nothing installed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { parseEnv } from "node:util";
import { readable } from "../../pkg/src/cli/log.ts";
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
 * Waits for something that a running script prints.
 *
 * @param {() => boolean} isThere
 * @param {import("node:child_process").ChildProcess} child
 * @param {() => string} printed
 */
async function until(isThere, child, printed) {
  while (!isThere()) {
    assert.equal(child.exitCode, null, printed());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
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

test("--once shows the result of each delivery, and exits with 0", patience, async () => {
  const { ended, printed } = start(["--once", "--port", String(await freePort())]);
  const code = await ended;
  for (const line of [
    /^Starting the starter \.\.\. \d+\.\d s$/m,
    /^ {2}ok {4}signed delivery {2}202 accepted$/m,
    /^ {2}ok {4}the same again {3}200 duplicate$/m,
    /^ {2}ok {4}forged {11}401 invalid_signature$/m,
    /^ {2}ok {4}ledger {11}handled {18}demo\.works evt_[0-9a-f]{8}$/m,
    /^ {2}ok {4}fails twice {6}handled at attempt 3$/m,
    /^ {2}ok {4}always fails {5}dead {21}Error: fails until redriven$/m,
    /^ {2}ok {4}redriven {9}dead, redriven, handled$/m,
  ]) {
    assert.match(printed(), line);
  }
  assert.equal(code, 0);
});

test("stays up, prints commands that work when pasted, shows a readable log, and stops", patience, async () => {
  const port = String(await freePort());
  const { child, ended, printed } = start(["--port", port]);
  await until(() => printed().includes("The log of the gateway"), child, printed);
  assert.ok(printed().includes(`http://127.0.0.1:${port}/webhooks/cronozen`));
  /** The command under a title. @param {string} title */
  const pasted = (title) =>
    new RegExp(`^${title}.*\\n\\n((?: {2}.+\\n)+)\\n`, "m").exec(printed())?.[1] ?? assert.fail(title);
  assert.match(output("bash", ["-c", pasted("Send an event")]) ?? "", /^HTTP\/1\.1 202 /);
  assert.match(output("bash", ["-c", pasted("Send an event")]) ?? "", /^HTTP\/1\.1 200 /);
  const [, eventId = ""] = /"eventId":"(evt_[0-9a-f]{8})"/.exec(printed()) ?? [];
  for (const line of ["gateway   accepted ", "consumer  handled  ", "gateway   duplicate"]) {
    const shown = new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}${line} {2}${eventId} {2}payment\\.completed {2}\\d+ ms$`, "m");
    await until(() => shown.test(printed()), child, printed);
  }
  assert.match(output("bash", ["-c", pasted("See what happened to it")]) ?? "", /^\{"eventId":"evt_.*"handled".*\}$/);
  assert.ok(printed().includes(`\nThe console is http://127.0.0.1:${port}/console/ (log in with any name, `));
  for (const path of ["", `event?id=${eventId}`]) {
    const address = `http://127.0.0.1:${port}/console/${path}`;
    assert.ok(printed().includes(address), address);
    assert.match(await (await fetch(address)).text(), /^<!doctype html>/);
  }
  const { ADMIN_TOKEN = assert.fail("no token") } = parseEnv(
    readFileSync(join(root, "examples", "starter", ".dev.vars"), "utf8"),
  );
  assert.ok(!printed().includes(ADMIN_TOKEN));
  assert.match(output("bash", ["-c", pasted("See the payments")]) ?? "", new RegExp(eventId));

  const busy = start(["--once", "--port", port]);
  assert.equal(await busy.ended, 1);
  assert.match(busy.printed(), new RegExp(`^port ${port} is in use: choose another with --port N$`, "m"));
  assert.ok(!busy.printed().includes("    at "), busy.printed());

  child.kill("SIGINT");
  assert.equal(await ended, 0);
});

for (const signal of /** @type {const} */ (["SIGTERM", "SIGKILL"])) {
  test(`a ${signal} to npm ends every process`, patience, async () => {
    const port = String(await freePort());
    const npm = spawn("npm", ["start", "--", "--port", port], { cwd: root, env: environment() });
    const { child, printed } = watch(npm);
    await until(() => printed().includes("The log of the gateway"), child, printed);
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

test("SIGINT during the start ends it quietly", patience, async () => {
  const { child, ended, printed } = start(["--port", String(await freePort())]);
  await until(() => printed().includes("Starting the starter"), child, printed);
  child.kill("SIGINT");
  assert.equal(await ended, 130);
  assert.match(printed(), /Starting the starter \.\.\. \n$/);
});

test("a missing tool is named in one line, before any build", async () => {
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

test("--help shows the usage, and a wrong argument is named", async () => {
  const helped = start(["--help"]);
  assert.equal(await helped.ended, 0);
  assert.match(helped.printed(), /^usage: npm start -- \[options\]\n(.*\n)+ {2}--port N /);
  for (const [args, line] of /** @type {const} */ ([
    [["--port"], "Option '--port <value>' argument missing: --help shows the usage"],
    [["--port", "x"], "port x does not exist: pass --port N with a number from 1 to 65535"],
    [["--port", "0"], "port 0 does not exist: pass --port N with a number from 1 to 65535"],
    [["--port", "65536"], "port 65536 does not exist: pass --port N with a number from 1 to 65535"],
    [["--often"], "Unknown option '--often': --help shows the usage"],
    [["more"], "Unexpected argument 'more': --help shows the usage"],
  ])) {
    const { ended, printed } = start([...args]);
    assert.equal(await ended, 1);
    assert.equal(printed(), `${line}\n`);
  }
});

test("a step shows the output of its commands if it fails, or with --verbose", async () => {
  const command = JSON.stringify(new URL("../../scripts/command.mjs", import.meta.url));
  /** @param {number} code @param {string[]} args */
  const run = async (code, ...args) => {
    const work = `() => runQuietly("sh", ["-c", "echo inner; exit ${code}"])`;
    const script = `import { runQuietly, script, step } from ${command}; script(() => step("Trying", ${work}));`;
    const { ended, printed } = watch(spawn("node", ["--input-type=module", "--eval", script, "--", ...args]));
    await ended;
    return printed().replace(/\d+\.\d s/, "0.1 s");
  };
  assert.equal(await run(0), "Trying ... 0.1 s\n");
  assert.equal(await run(0, "--verbose"), "- Trying ...\ninner\n  done in 0.1 s\n");
  assert.equal(await run(3), "Trying ... \ninner\nfailed (3): sh -c echo inner; exit 3\n");
});

for (const [name, line, shown] of /** @type {[string, string, string | undefined][]} */ ([
  [
    "an accepted delivery",
    '[cronozen-edge] {"at":"2026-11-29T05:34:50.829Z","outcome":"accepted","code":"accepted","eventId":"evt_1","type":"payment.completed","ms":19}',
    "05:34:50  gateway   accepted   evt_1  payment.completed  19 ms",
  ],
  [
    "a delivery to a single Worker, which wrangler does not name",
    '{"at":"2026-11-29T05:34:50.829Z","outcome":"duplicate","code":"duplicate","eventId":"evt_1","type":null,"ms":1}',
    "05:34:50  gateway   duplicate  evt_1  1 ms",
  ],
  [
    "a failed attempt, to which wrangler adds a label",
    '▲ [WARNING] {"at":"2026-11-29T05:34:51.956Z","outcome":"retried","attempt":2,"eventId":"evt_1","type":null,"reason":"Error: fails","delaySeconds":1,"ms":3}',
    "05:34:51  consumer  retried    evt_1  attempt 2  Error: fails  again in 1 s  3 ms",
  ],
  [
    "a trap, which has no code",
    '✘ [ERROR] {"at":"2026-11-29T05:34:51.956Z","outcome":"trapped","inFlight":2}',
    "05:34:51  gateway   trapped    2 in flight",
  ],
  [
    "a missing setting with its name",
    '✘ [ERROR] {"at":"2026-11-29T05:34:51.956Z","outcome":"misconfigured","name":"ADMIN_TOKEN"}',
    "05:34:51  consumer  misconfigured  ADMIN_TOKEN",
  ],
  ["a handler's own JSON", '[cronozen-edge-demo] {"at":5,"outcome":2}', '[cronozen-edge-demo] {"at":5,"outcome":2}'],
  ["a handler's list", '[cronozen-edge-demo] {"rows":3}', '[cronozen-edge-demo] {"rows":3}'],
  ["a warning of wrangler", "[wrangler:warn] Moving message 1", "[wrangler:warn] Moving message 1"],
  ["a line that only looks like JSON", "✘ [ERROR] {oops}", "✘ [ERROR] {oops}"],
  ["a handler's own line", "[cronozen-edge-demo] hello", "[cronozen-edge-demo] hello"],
  ["a build's error", '✘ [ERROR] Expected ";"', '✘ [ERROR] Expected ";"'],
  ["a request", "[wrangler:info] POST /webhooks/cronozen 202 Accepted (55ms)", undefined],
  ["a binding", "env.DB (cronozen-events)   D1 Database   local", undefined],
])) {
  test(`the log ${shown === undefined ? "hides" : "shows"} ${name}`, () => {
    assert.equal(readable(line), shown);
  });
}
