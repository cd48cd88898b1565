// 100,000 deliveries of every outcome in 20 isolates: the counts of `Activity` are those of the answers.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { builtModules, moduleIn } from "../support/modules.mjs";
import { sleep } from "./gateway.mjs";

const isolates = 20;

/** A round has 15 deliveries: together they are 100,000. */
const rounds = 335;

/** The isolates of one process. The first has the object. @param {string[]} names @param {string} registry */
function processOf(names, registry) {
  const modules = (/** @type {string} */ build) => [
    moduleIn(join(root, "tests", "worker", "inside"), "driver.mjs", ""),
    ...builtModules(join(root, "build", build), "/gateway"),
  ];
  return new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: () => {},
      cf: false,
      unsafeDevRegistryPath: registry,
      workers: names.map((name) => ({
        name,
        compatibilityDate: "2026-10-01",
        compatibilityFlags: ["nodejs_compat"],
        modulesRoot: "/",
        modules: modules(name === "trapped" ? "worker-test-trap" : "worker"),
        durableObjects: {
          ACTIVITY: {
            className: "Activity",
            useSQLite: true,
            ...(name !== "isolate_0" && { scriptName: "isolate_0" }),
          },
        },
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      })),
    }),
  );
}

/** @param {Promise<unknown>} call */
function succeeds(call) {
  const succeeded = call.then(
    () => true,
    () => false,
  );
  return Promise.race([succeeded, sleep(2000).then(() => false)]);
}

/** @param {Record<string, number>[]} counts */
function sum(counts) {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const [name, number] of counts.flatMap((one) => Object.entries(one))) {
    sums[name] = (sums[name] ?? 0) + number;
  }
  return sums;
}

test("the counts of 100,000 deliveries in 20 isolates are those of the answers", async (context) => {
  const registry = mkdtempSync(join(tmpdir(), "registry-"));
  const names = [...Array.from({ length: isolates - 2 }, (_, index) => `isolate_${index}`), "trapped"];
  const own = processOf(names, registry);
  const killed = processOf(["killed"], registry);
  try {
    await Promise.all([own.ready, killed.ready]);
    /** @param {Miniflare} process @param {string} name @param {string} path @param {object} [body] */
    const ask = async (process, name, path, body) => {
      const address = new URL(path, await process.unsafeGetDirectURL(name));
      const response = await fetch(address, { method: "POST", ...(body && { body: JSON.stringify(body) }) });
      return /** @type {any} */ (response.json());
    };
    /** @param {string} method @param {...unknown} args */
    const activity = (method, ...args) => ask(own, "isolate_0", "/activity", { method, args });
    /** @returns {Promise<{ codes: Record<string, number>, others: Record<string, number>, lost: number }>} */
    const summary = async () => {
      const { periods } = await activity("summary", { by: "day", from: "2020-01-01", to: "2100-01-01" });
      return {
        codes: sum(periods.map((/** @type {any} */ { codes }) => codes)),
        others: sum(periods.map((/** @type {any} */ { others }) => others)),
        lost: periods.reduce((/** @type {number} */ all, /** @type {any} */ { lost }) => all + lost, 0),
      };
    };

    const drive = `/drive?rounds=${rounds}`;
    // Until the processes know of each other, a call from one to the other hangs or fails.
    for (
      let tries = 0;
      !(await succeeds(ask(killed, "killed", "/activity", { method: "status", args: [] })));
      tries += 1
    ) {
      assert.ok(tries < 20, "the object is not reached from the other process");
      await sleep(500);
    }
    const first = await ask(killed, "killed", `${drive}&prefix=killed`);
    // All that it has delivered by now reaches the object. What follows is in its buffer when it is killed.
    await sleep(6000);
    await ask(killed, "killed", "/drive?rounds=1&prefix=held");
    const all = await ask(killed, "killed", "/drive?rounds=10&prefix=held");
    await killed.dispose();
    await Promise.all(names.map((name) => ask(own, name, "/late?prefix=late")));
    await Promise.all(names.map((name) => ask(own, name, `${drive}&prefix=${name}`)));
    await ask(own, "trapped", "/trap?prefix=trap");
    await ask(own, "trapped", "/drive?rounds=3&prefix=after");
    await sleep(8000);
    const counted = await Promise.all(names.map((name) => ask(own, name, "/counted")));
    const answers = sum([first, ...counted]);
    const { codes, others, lost } = await summary();
    const total = Object.values(answers).reduce((sum, number) => sum + number, 0);
    assert.ok(total >= 100_000, `${total} deliveries`);
    const held = Object.fromEntries(Object.entries(all).map(([code, number]) => [code, number - (first[code] ?? 0)]));
    const heldLines = Object.values(held).reduce((sum, number) => sum + number, 0);
    // Each round has one duplicate, and one event that could not be marked.
    let missing = lost - ((answers.duplicate ?? 0) - (others.marker_failed ?? 0));
    for (const [code, number] of Object.entries(answers)) {
      missing -= number - (codes[code] ?? 0);
      assert.ok((codes[code] ?? 0) <= number + (held[code] ?? 0), `${code}: ${codes[code]} of ${number}`);
    }
    context.diagnostic(
      `${total} deliveries, ${lost} lines reported as lost; killed with ${heldLines} lines in its buffer`,
    );
    // The killed isolate had flushed a part of what it held. The rest is unknown.
    assert.ok(missing >= 0 && missing <= heldLines, `${missing} more lines than answers`);
    assert.deepEqual(Object.keys(codes).sort(), Object.keys(answers).sort());
    assert.equal(lost, 0);
    assert.deepEqual([others.trapped, others.late_commit], [1, 20 * names.length]);
  } finally {
    await Promise.all([own.dispose(), killed.dispose()]);
    rmSync(registry, { recursive: true, force: true });
  }
});
