// The lock files: each package in them is pinned by its content, and no command lets cargo or npm change them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, extname, join, normalize } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { output, root } from "../../scripts/command.mjs";

/** All files in git, and those that will be. */
const files = (output("git", ["ls-files", "--cached", "--others", "--exclude-standard"]) ?? "").split("\n");

/** @param {string} file */
const read = (file) => readFileSync(join(root, file), "utf8");

/** Packages whose install script we never run: they are usable without it. */
const withInstallScript = ["bun", "deno", "esbuild", "workerd"];

/** Options of cargo that show, write or check no dependencies. */
const withoutLock = new Set(["fmt", "xtask"]);

/**
 * Returns the faults of a package-lock.json.
 *
 * @param {{ packages: Record<string, Record<string, any>> }} lock
 * @param {string} folder of the file
 */
function faultsOfLock({ packages }, folder) {
  const faults = [];
  for (const [path, entry] of Object.entries(packages)) {
    const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    if (name === undefined) {
      // The project itself, and our package beside it.
      if (path !== "" && normalize(join(folder, path)) !== "pkg") {
        faults.push(`${path} is a folder`);
      }
      continue;
    }
    if (entry.link) {
      if (normalize(join(folder, entry.resolved)) !== "pkg") {
        faults.push(`${name} is a link to ${entry.resolved}`);
      }
      continue;
    }
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity)) {
      faults.push(`${name} has no integrity`);
    }
    // Without the field, npm takes it from the registry that its settings name.
    if (entry.resolved !== undefined && !entry.resolved.startsWith("https://registry.npmjs.org/")) {
      faults.push(`${name} is from ${entry.resolved}`);
    }
    if (entry.hasInstallScript && !entry.optional && !withInstallScript.includes(name)) {
      faults.push(`${name} has an install script`);
    }
  }
  return faults;
}

const locks = files.filter((file) => file.endsWith("package-lock.json"));

for (const file of locks) {
  test(`${file}: each package is pinned by its hash, and from the public registry`, () => {
    assert.deepEqual(faultsOfLock(JSON.parse(read(file)), dirname(file)), []);
  });
}

test("a package-lock.json with a fault is found", () => {
  const integrity = `sha512-${"A".repeat(86)}==`;
  const faults = faultsOfLock(
    {
      packages: {
        "": {},
        "node_modules/fine": { integrity },
        "node_modules/bare": {},
        "node_modules/weak": { integrity: "sha1-AAAA" },
        "node_modules/@a/foreign": { integrity, resolved: "git+ssh://git@example.com/a/b.git#1" },
        "node_modules/scripted": { integrity, hasInstallScript: true },
        "node_modules/elsewhere": { link: true, resolved: "../../elsewhere" },
        "../elsewhere": {},
      },
    },
    "tests/runtimes",
  );
  assert.deepEqual(faults, [
    "bare has no integrity",
    "weak has no integrity",
    "@a/foreign is from git+ssh://git@example.com/a/b.git#1",
    "scripted has an install script",
    "elsewhere is a link to ../../elsewhere",
    "../elsewhere is a folder",
  ]);
});

test("every crate in a Cargo.lock is from crates.io, with its hash", () => {
  for (const file of files.filter((name) => name.endsWith("Cargo.lock"))) {
    for (const entry of read(file).split("[[package]]").slice(1)) {
      if (/^source = /m.test(entry)) {
        const form =
          /^source = "registry\+https:\/\/github\.com\/rust-lang\/crates\.io-index"\nchecksum = "[0-9a-f]{64}"$/m;
        assert.match(entry, form, file);
      }
    }
  }
});

/**
 * The words of an argument, as far as the file says them: arrays, texts, and constants that are one of both.
 *
 * @param {ts.Node} node
 * @param {ts.VariableDeclaration[]} constants of the file
 * @returns {string[]}
 */
function wordsOf(node, constants) {
  if (ts.isStringLiteralLike(node)) {
    return [node.text];
  }
  if (ts.isArrayLiteralExpression(node)) {
    return node.elements.flatMap((element) => wordsOf(element, constants));
  }
  if (ts.isSpreadElement(node)) {
    return wordsOf(node.expression, constants);
  }
  // The last one before its use, of those that are visible there.
  const declared = constants.findLast(
    ({ name, parent }) =>
      name.getText() === node.getText() && name.pos < node.pos && parent.parent.parent.end >= node.end,
  );
  return declared?.initializer === undefined ? [] : wordsOf(declared.initializer, constants);
}

/** The calls of cargo in a script that do not lock. @param {string} text */
function unlockedCalls(text) {
  const source = ts.createSourceFile("script.ts", text, ts.ScriptTarget.Latest, true);
  /** @type {ts.VariableDeclaration[]} */
  const constants = [];
  /** @type {string[]} */
  const found = [];
  const collect = (/** @type {ts.Node} */ node) => {
    if (ts.isVariableDeclaration(node)) {
      constants.push(node);
    }
    ts.forEachChild(node, collect);
  };
  const visit = (/** @type {ts.Node} */ node) => {
    // `run("cargo", args)` and `["title", "cargo", args]`. Lists of programs have no arguments.
    const list = ts.isCallExpression(node) ? node.arguments : ts.isArrayLiteralExpression(node) ? node.elements : [];
    list.forEach((element, index) => {
      const next = list[index + 1];
      const isCargo = /(^|\?\? )"cargo"$/.test(element.getText());
      if (isCargo && next !== undefined && !ts.isStringLiteralLike(next)) {
        const words = wordsOf(next, constants);
        if (!words.includes("--locked") && !withoutLock.has(words[0] ?? "")) {
          found.push(node.getText());
        }
      }
    });
    ts.forEachChild(node, visit);
  };
  collect(source);
  visit(source);
  return found;
}

/** The lines of a shell script, a setting or a workflow with a command of cargo that does not lock. @param {string} text */
function unlockedLines(text) {
  return text.split("\n").filter((line) => {
    const commands = [...line.matchAll(/\bcargo (?:\+\S+ )?([a-z-]+)/g)].map(([, command = ""]) => command);
    return (
      commands.some((command) => !withoutLock.has(command)) && !line.includes("--locked") && !/^\s*(#|\/\/)/.test(line)
    );
  });
}

test("no script runs cargo without --locked", () => {
  let calls = 0;
  for (const file of files.filter((name) => [".mjs", ".js", ".ts", ".tsx"].includes(extname(name)))) {
    const text = read(file);
    if (text.includes('"cargo"')) {
      calls += 1;
      assert.deepEqual(unlockedCalls(text), [], file);
    }
  }
  assert.ok(calls > 4, `only ${calls} scripts run cargo`);
});

test("no setting, no workflow and no shell script runs cargo without --locked", () => {
  const settings = files.filter(
    (name) => [".toml", ".json", ".yml", ".yaml", ".sh"].includes(extname(name)) || name.startsWith(".ci/"),
  );
  assert.ok(settings.includes(".ci/run") && settings.includes("wrangler.toml"));
  for (const file of settings) {
    assert.deepEqual(unlockedLines(read(file)), [], file);
  }
  assert.match(read(".cargo/config.toml"), /^xtask = "run --locked /m);
});

test("xtask runs cargo in one place, with --locked", () => {
  const sources = files.filter((name) => name.startsWith("xtask/") && name.endsWith(".rs"));
  const naming = sources.filter((file) => /"CARGO"|"cargo"/.test(read(file)));
  assert.deepEqual(naming, ["xtask/src/wasm.rs"]);
  assert.match(read("xtask/src/wasm.rs"), /"cargo"\.into\(\)\)\);\n {4}command\.arg\("--locked"\);/);
});

test("npm installs what the lock file says, and runs no script of a package", () => {
  const setup = read("scripts/setup.mjs");
  assert.match(setup, /"ci",\s+"--ignore-scripts",/);
  assert.doesNotMatch(setup, /"npm", \["(i|install)"/);
});

test("a call of cargo that does not lock is found", () => {
  for (const text of [
    'run("cargo", ["build"])',
    'const args = ["test", "--workspace"]; run("cargo", [...args, "--no-run"])',
    'const checks = [["title", "cargo", ["clippy", "--quiet"]]]',
    'output(process.env.CARGO ?? "cargo", ["metadata"])',
    'function one() { const args = ["build", "--locked"]; } function two() { const args = ["build"]; run("cargo", args) }',
    'function one() { const args = ["build"]; run("cargo", args) } function two() { const args = ["--locked"]; }',
  ]) {
    assert.equal(unlockedCalls(text).length, 1, text);
  }
  for (const text of [
    'const args = ["test", "--locked"]; run("cargo", [...args, "--no-run"])',
    'run("cargo", ["xtask", "npm"])',
    'for (const command of ["cargo", "rustc"]) {}',
  ]) {
    assert.deepEqual(unlockedCalls(text), [], text);
  }
  assert.equal(unlockedLines("cargo build\ncargo +nightly test\nrun: cargo publish\n").length, 3);
  assert.deepEqual(unlockedLines('cargo fmt --all\ncargo publish --locked\ncommand = "cargo xtask worker"\n'), []);
});
