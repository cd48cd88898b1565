// `init`: the files that it writes, and what it refuses. tests/runtimes/starter runs what it has written.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { output, root } from "../../scripts/command.mjs";
import { runCli, scratchFolder } from "./cli.mjs";

/** The files of every layout. */
const common = [
  ".dev.vars.example",
  ".gitignore",
  "README.md",
  "migrations/0001_payments_and_events.sql",
  "package.json",
  "wrangler.toml",
];
const typescript = [
  ...common,
  ...["consumer", "env", "handlers", "index"].map((name) => `src/${name}.ts`),
  "test/handlers.test.ts",
  "tsconfig.json",
];
const javascript = [
  ...common,
  ...["consumer", "handlers", "index"].map((name) => `src/${name}.js`),
  "test/handlers.test.js",
];
const settings = ["wrangler.consumer.toml", "wrangler.dev.toml"];

for (const [options, files] of /** @type {[string[], string[]][]} */ ([
  [[], typescript],
  [["--javascript"], javascript],
  [["--two-workers"], [...typescript, ...settings, "src/dev.ts"]],
  [
    ["--two-workers", "--javascript"],
    [...javascript, ...settings, "src/dev.js"],
  ],
])) {
  const name = ["init", ...options].join(" ");

  test(`${name} writes a whole project`, async () => {
    const scratch = scratchFolder();
    const { code, stdout, stderr } = await runCli(["init", "my webhooks", ...options], { folder: scratch });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, new RegExp(`^Wrote ${files.length} files into my webhooks\\.`));
    assert.match(stdout, /\n\n {2}cd "my webhooks"\n {2}npm install\n {2}npm run dev\n$/);
    const folder = join(scratch, "my webhooks");
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const written = entries.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
    assert.deepEqual(written.sort(), files.toSorted());
    // No file names one that is not there.
    for (const path of written) {
      const text = readFileSync(join(folder, path), "utf8");
      for (const [, named = ""] of text.matchAll(/\b((?:src|test)\/[\w.]+\.[jt]s)\b/g)) {
        assert.ok(written.includes(named), `${path} names ${named}`);
      }
      for (const [, named = ""] of text.matchAll(/from "\.{1,2}\/(?:src\/)?([\w.]+)"/g)) {
        assert.ok(written.includes(`src/${named}`), `${path} imports ${named}`);
      }
    }
  });
}

test("the sections of the two Workers are those of the one", () => {
  const read = (/** @type {string} */ path) =>
    readFileSync(join(root, "examples", "starter", path), "utf8")
      .split(/\n(?=\[)/)
      .map((section) => section.replaceAll(/\n?#.*/g, "").trim())
      .filter((section) => section.startsWith("["));
  const own = ["[secrets]", 'script_name = "cronozen-edge"'];
  const one = read("wrangler.toml");
  const two = [...read("two-workers/wrangler.toml"), ...read("two-workers/wrangler.consumer.toml")];
  const shared = two.filter((section) => !own.some((text) => section.includes(text)));
  assert.ok(shared.length > 12);
  for (const section of shared) {
    assert.ok(one.includes(section), section);
  }
  for (const section of one.filter((text) => !text.startsWith("[secrets]"))) {
    assert.ok(shared.includes(section), section);
  }
});

test("the project depends on the package that init came from", async () => {
  const folder = scratchFolder();
  await runCli(["init", "."], { folder });
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  assert.match(dependencies["cronozen-edge"], /^file:\.\.\/.*\/pkg$/);
});

test("a folder that is not empty is refused, and stays as it is", async () => {
  const scratch = scratchFolder();
  mkdirSync(join(scratch, "mine"));
  writeFileSync(join(scratch, "mine", "notes.txt"), "mine");
  const { code, stdout, stderr } = await runCli(["init", "mine"], { folder: scratch });
  assert.deepEqual([code, stdout], [2, ""]);
  assert.equal(stderr, "failed  folder not empty: mine: choose a new or an empty one\n");
  assert.deepEqual(readdirSync(join(scratch, "mine")), ["notes.txt"]);
});

test("a folder with nothing but a repository is empty", async () => {
  const folder = scratchFolder();
  mkdirSync(join(folder, ".git"));
  assert.equal((await runCli(["init", "."], { folder })).code, 0);
});

test("a folder that cannot be written is named", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "file"), "");
  const { code, stderr } = await runCli(["init", "file/webhooks"], { folder });
  assert.equal(code, 2);
  assert.match(stderr, /^failed {2}folder not written: ENOTDIR: /);
});

test("the package has every file of the starter", () => {
  const tracked = output("git", ["ls-files", "examples/starter"])?.split("\n") ?? assert.fail("no git");
  const own = tracked.map((path) => path.replace("examples/starter/", "").replace(".gitignore", "gitignore"));
  const templates = join(root, "pkg", "dist", "starter", "typescript");
  const entries = readdirSync(templates, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const packed = entries.map((entry) => join(entry.parentPath, entry.name).slice(templates.length + 1));
  assert.deepEqual(packed.sort(), own.sort());
});

test("--json prints the folder, the files and the next commands", async () => {
  const scratch = scratchFolder();
  const { code, stdout } = await runCli(["init", "webhooks", "--json"], { folder: scratch });
  const { files, ...rest } = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.deepEqual(files, typescript.toSorted());
  const next = ["cd webhooks", "npm install", "npm run dev"];
  assert.deepEqual(rest, { ok: true, folder: join(scratch, "webhooks"), next });
  const refused = await runCli(["init", "webhooks", "--json"], { folder: scratch });
  assert.equal(refused.code, 2);
  assert.deepEqual(Object.keys(JSON.parse(refused.stdout)), ["ok", "error"]);
});
