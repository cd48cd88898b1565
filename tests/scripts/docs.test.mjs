// The commands and links in the documents: each command exists with its options, and each link has a target.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { output, root } from "../../scripts/command.mjs";

const documents = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "pkg/README.md",
  "crates/webhook/README.md",
  "examples/starter/README.md",
  "examples/starter/two-workers/README.md",
]
  .concat(readdirSync(join(root, "docs")).map((name) => `docs/${name}`))
  .filter((path) => path.endsWith(".md") && existsSync(join(root, path)));

const starter = "examples/starter";

/** The scripts of a folder's package.json. @param {string} folder @returns {Record<string, string>} */
const scriptsOf = (folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")).scripts;

/** Those of the project, and those of a project that `init` writes. With two Workers, it has one more. */
const scripts = scriptsOf(".");
const starterScripts = { ...scriptsOf(starter), "deploy:consumer": "wrangler deploy" };
const [xtask = ""] = /const USAGE.+?";/s.exec(readFileSync(join(root, "xtask/src/main.rs"), "utf8")) ?? [];

/** Commands that are not ours, and whose options are not checked. `ask` is a function of docs/operations.md. */
const others =
  /^((curl|printf|read|echo|cd|cp|\.|export|openssl|ask|while|npm (install|pack|ci|publish|audit|deprecate|dist-tag)|cargo yank|git|gh|sha256sum) |npm (install|login)$|cargo (login|publish)$|done$|ask\(\)|(body|api|upTo|after|answer|ADMIN_TOKEN)=)/;

/** A document without its blocks of code. @param {string} text */
function withoutBlocks(text) {
  return text.replaceAll(/^ *```.*?^ *```/gms, "");
}

/** The parts of code in a document that are commands. @param {string} text */
function commandsIn(text) {
  const blocks = [...text.matchAll(/^ *```sh\n(.*?)^ *```/gms)].map(([, block = ""]) => block);
  // A line that ends with a backslash continues.
  const lines = blocks.flatMap((block) => block.replaceAll(/\\\n\s*/g, "").split("\n"));
  const inline = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  const named = inline.filter((code) =>
    /^(npm (start|test|run)|(npx (wrangler|--no cronozen-edge)|cargo|wrangler|node|python3) [a-z]|\.ci\/)/.test(code),
  );
  return [...lines, ...named].map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
}

/** @type {Map<string, string>} */
const helps = new Map();

/** What a command prints with `--help`; nothing if it fails. @param {string} command */
function helpOf(command) {
  const [program = "", ...args] = command.split(" ");
  const help = helps.get(command) ?? output(program, [...args, "--help"]) ?? "";
  helps.set(command, help);
  return help;
}

/** Asserts that a text has a word, whole. @param {string} text @param {string} word @param {string} line */
function assertHas(text, word, line) {
  assert.match(text, new RegExp(`(?<![a-z-])${word}(?![a-z-])`), `there is no ${word}: ${line}`);
}

/** @param {string} line */
function checkWrangler(line) {
  // Names of queues and databases have hyphens, commands have none.
  const [command = ""] = /wrangler (?:[a-z0-9]+ )*[a-z0-9]+(?= |$)/.exec(line) ?? [];
  const help = helpOf(command);
  assert.ok(command !== "" && help.startsWith(command), `wrangler has no such command: ${line}`);
  for (const [option] of line.replaceAll(/"[^"]*"/g, "").matchAll(/(?<= )--[a-z-]+/g)) {
    assertHas(help, option, line);
  }
  const [, config] = /--config[ =](\S+)/.exec(line) ?? [];
  const folders = [".", `${starter}/two-workers`];
  assert.ok(
    config === undefined || folders.some((folder) => existsSync(join(root, folder, config))),
    `no such file: ${config}`,
  );
}

/** The command line, as `cargo xtask npm` has built it. */
const commandLine = "pkg/dist/cli.js";

/** @param {string} line */
function checkCronozenEdge(line) {
  // The commands of `dead-letters` are a second word.
  const [, command = ""] = /cronozen-edge ((?:dead-letters )?[a-z-]+)/.exec(line) ?? [];
  const help = helpOf(`node ${commandLine} ${command}`);
  assert.ok(help.startsWith(`Usage: cronozen-edge ${command} `), `there is no such command: ${line}`);
  for (const [option] of (line.split("cronozen-edge ")[1] ?? "").matchAll(/(?<= )--[a-z-]+/g)) {
    assertHas(help, option, line);
  }
}

/** @param {string} line */
function checkCommand(line) {
  const [, script] = /^npm (?:run (?:-s )?)?([a-z:]+)/.exec(line) ?? [];
  const [, file] = /^(?:(?:node|python3) )?(\S+\.(?:mjs|py)|\.ci\/\S+)/.exec(line) ?? [];
  const [, task] = /^cargo xtask ([a-z-]+)/.exec(line) ?? [];
  if (/(^|npx )wrangler /.test(line)) {
    checkWrangler(line);
  } else if (/^(npx .*)?cronozen-edge /.test(line)) {
    checkCronozenEdge(line);
  } else if (script !== undefined && scripts[script] === undefined && script in starterScripts) {
    const command = starterScripts[/** @type {keyof typeof starterScripts} */ (script)] ?? "";
    checkCommand(line.replace(/^npm run \S+( --)?/, `npx ${command}`));
  } else if (others.test(line)) {
    return;
  } else if (script !== undefined) {
    const command = scripts[script] ?? assert.fail(`package.json has no script ${script}: ${line}`);
    const [, program = "scripts/command.mjs"] = /^node (\S+)/.exec(command) ?? [];
    // `npm test` has parts of names after `--`.
    const words = script === "test" ? /(?<= )[a-z-]{3,}/g : /(?<= )--[a-z-]+/g;
    for (const [word] of line.split(" -- ")[1]?.replace(/^/, " ").matchAll(words) ?? []) {
      assertHas(helpOf(`node ${program}`), word, line);
    }
  } else if (file !== undefined) {
    assert.ok(existsSync(join(root, file)), `no such file: ${line}`);
  } else if (task !== undefined) {
    assert.match(xtask, new RegExp(`^  ${task} `, "m"), `there is no such task: ${line}`);
    for (const [option] of line.matchAll(/(?<= )--[a-z-]+/g)) {
      assertHas(xtask, option, line);
    }
  } else {
    assert.match(
      line,
      /^cargo (bench --locked( -- [a-z]+)?|run --locked --release --package timing|add [a-z-]+)$/,
      line,
    );
  }
}

/** The anchors of a document, as GitHub derives them from headings. @param {string} text */
function anchorsIn(text) {
  const headings = withoutBlocks(text).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

for (const path of documents) {
  const text = readFileSync(join(root, path), "utf8");

  test(`${path}: every command exists`, { timeout: 120_000 }, () => {
    commandsIn(text).forEach(checkCommand);
  });

  test(`${path}: every link has a target`, () => {
    const links = withoutBlocks(text).matchAll(/(?:\]\(|(?:src|srcset)=")([^)\s"]+)/g);
    for (const [, link = ""] of links) {
      if (/^https?:/.test(link)) {
        continue;
      }
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : relative(root, join(root, dirname(path), file));
      assert.ok(existsSync(join(root, target)), `${path} links to ${target}`);
      if (anchor !== undefined) {
        assert.ok(anchorsIn(readFileSync(join(root, target), "utf8")).includes(anchor), `${path} links to ${link}`);
      }
    }
  });
}

test("an unknown command, option or file is refused", () => {
  for (const line of [
    "npm run chekc",
    "npm start -- --onec",
    "npm start -- --stop",
    "npm test -- hots",
    ".ci/rum",
    "cdeploy",
    "cargo xtask wasm",
    "cargo xtask simulate --seed 7",
    "cargo bench --nonsense",
    "node examples/backfill.mjs https://example.com",
    "cargo xtask simulat",
    "cargo tset",
    "cronozen-edge sent x",
    "cronozen-edge send x --counts 2",
    "cronozen-edge dead-letters lists",
    "npx wrangler queue create x",
    "npx wrangler queues create x --retention 5",
    "npx wrangler queues create x --message-retention-period 5",
    "npx wrangler deploy --config examples/none/wrangler.toml",
    "npx cronozen-edge doctr",
    "npx cronozen-edge init x --typescript",
    "npm run setup -- --queue x",
  ]) {
    assert.throws(() => checkCommand(line), assert.AssertionError, line);
  }
});
