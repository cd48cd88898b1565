// `npm run test:one -- FILE [NAME]`: one file of tests, or one test in it, after building only what the file needs.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Complaint, output, readWords, root, run, runQuietly, script, step } from "./command.mjs";
import { setUp } from "./setup.mjs";

const help = `usage: npm run test:one -- FILE [NAME]

  npm run test:one -- tests/worker/answers.test.mjs "a duplicate"
  npm run test:one -- crates/gateway/tests/it/leases.rs
  npm run test:one -- crates/gateway/src/dedupe/lease.rs

FILE is a test in JavaScript, or a file of a crate. NAME is a part of the test's name.`;

/** The builds that the tests of a folder need. */
const builds = [
  { test: /^tests\/(worker|consumer|console|alerts|browser|compatibility)\//, args: ["npm", "--workers"] },
  { test: /^tests\/(cli|package|scripts\/(backfill|docs))/, args: ["npm"] },
  { test: /^tests\/worker\/.*trap/, args: ["worker", "--test-trap"] },
  { test: /consumer-rust/, args: ["consumer-rust"] },
];

await script(async () => {
  const [given, name] = readWords(help);
  if (given === undefined) {
    throw new Complaint(help);
  }
  // npm changes to the project's root, but the path may be relative to another folder.
  const path = resolve(process.env.INIT_CWD ?? root, given);
  const file = relative(root, path);
  if (!existsSync(path) || file.startsWith("..")) {
    throw new Complaint(`no such file in this project: ${given}`);
  }
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  await (file.endsWith(".rs") ? testRust(file, name) : testJavaScript(file, name));
  return 0;
});

/** @param {string} file @param {string} [name] */
async function testJavaScript(file, name) {
  if (!/^tests\/.+\.test\.mjs$/.test(file) || file.startsWith("tests/runtimes/")) {
    throw new Complaint(`not a test that runs alone: ${file}. To test the runtimes, use npm run test:runtimes`);
  }
  for (const { args } of builds.filter(({ test }) => test.test(file))) {
    await step(`cargo xtask ${args.join(" ")}`, () => runQuietly("cargo", ["xtask", ...args]));
  }
  const names = name === undefined ? [] : [`--test-name-pattern=${name}`];
  mkdirSync(join(root, "build"), { recursive: true });
  const report = join(root, "build", "test-one.tap");
  const reporters = [
    ["spec", "stdout"],
    ["tap", report],
  ].flatMap(([format, destination]) => [`--test-reporter=${format}`, `--test-reporter-destination=${destination}`]);
  await run("node", ["--test", ...reporters, ...names, file]);
  // If no test matches, Node reports the file itself as a passed test.
  const passed = [...readFileSync(report, "utf8").matchAll(/^ *ok \d+ - (.+)$/gm)];
  if (passed.every(([, title]) => title === file)) {
    throw new Complaint(`no test of ${file} has a name that contains: ${name}`);
  }
}

/** @param {string} file @param {string} [name] */
async function testRust(file, name = "") {
  let folder = dirname(file);
  while (!existsSync(join(root, folder, "Cargo.toml"))) {
    folder = dirname(folder);
  }
  const manifest = readFileSync(join(root, folder, "Cargo.toml"), "utf8");
  const [, crate = ""] = /^name = "(.+)"$/m.exec(manifest) ?? [];
  const [, target = "", path = ""] = /^(src|tests\/it)\/(.+)\.rs$/.exec(relative(folder, file)) ?? [];
  if (path === "") {
    throw new Complaint(`not a file of a crate: ${file}`);
  }
  // A file is a module of its name, but for the one at the top.
  const module = ["lib", "main"].includes(path) ? "" : `${path.replaceAll("/", "::")}::`;
  const unit = existsSync(join(root, folder, "src", "lib.rs")) ? ["--lib"] : ["--bins"];
  const args = ["test", "--locked", "--package", crate, ...(target === "src" ? unit : ["--test", "it"])];
  await run("cargo", [...args, "--no-run"]);
  const listed = output("cargo", [...args, "--quiet", "--", "--list"]) ?? "";
  const tests = [...listed.matchAll(/^(.+): test$/gm)].map(([, test = ""]) => test);
  const chosen = tests.filter((test) => test.startsWith(module) && test.includes(name));
  if (chosen.length === 0) {
    throw new Complaint(`no test of ${file}${name === "" ? "" : ` has a name that contains: ${name}`}`);
  }
  await run("cargo", [...args, "--", "--exact", ...chosen]);
}
