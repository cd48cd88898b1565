// Checks of the tarball by publint and are-the-types-wrong.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { root } from "../../../scripts/command.mjs";
import { patience, run, tarball, tools } from "../project.mjs";

test("publint finds nothing, strict", patience, async () => {
  const contents = readFileSync(tarball());
  const { messages, pkg } = await publint({ pack: { tarball: contents.buffer }, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
});

test("are-the-types-wrong finds nothing", patience, async () => {
  const attw = join(tools, "@arethetypeswrong", "cli", "dist", "index.js");
  // Gateway, consumer, console and alerts are for Workers alone, which have no require. The diagnosis is an ES module only.
  const args = [
    attw,
    tarball(),
    "--profile",
    "node16",
    "--no-color",
    "--no-emoji",
    "--exclude-entrypoints",
    "worker",
    "consumer",
    "console",
    "alerts",
    "diagnosis",
  ];
  const printed = await run(root, process.execPath, args).catch((error) => assert.fail(error.stdout));
  assert.match(printed, /node16 \(from CJS\) +│ OK \(CJS\) +│ OK \(CJS\)/);
  assert.match(printed, /node16 \(from ESM\) +│ OK \(ESM\) +│ OK \(ESM\)/);
});

test("are-the-types-wrong finds nothing in the entries that are ES modules only", patience, async () => {
  const attw = join(tools, "@arethetypeswrong", "cli", "dist", "index.js");
  const args = [
    attw,
    tarball(),
    "--profile",
    "esm-only",
    "--no-color",
    "--no-emoji",
    "--entrypoints",
    "worker",
    "consumer",
    "console",
    "alerts",
    "diagnosis",
  ];
  const printed = await run(root, process.execPath, args).catch((error) => assert.fail(error.stdout));
  for (const entry of ["worker", "consumer", "console", "alerts", "diagnosis"]) {
    assert.match(printed, new RegExp(`"cronozen-edge/${entry}" +│ OK \\(ESM\\) +│ OK +│`));
  }
});
