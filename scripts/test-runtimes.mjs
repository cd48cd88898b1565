// `npm run test:runtimes`: packs the npm package, installs the tarball in a scratch project for each runtime,
// and checks it there.

import { parseArgs } from "node:util";
import { Complaint, run, script, step } from "./command.mjs";
import { installRuntimes, packPackage, setUp } from "./setup.mjs";

function readArguments() {
  try {
    const { positionals } = parseArgs({ allowPositionals: true });
    return positionals.length === 0 ? ["*"] : positionals;
  } catch {
    throw new Complaint("usage: npm run test:runtimes -- [a folder of tests/runtimes ...]");
  }
}

await script(async () => {
  const folders = readArguments();
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  await installRuntimes();
  await packPackage();
  await step("types of the tests", () => run("tsc", ["--project", "jsconfig.runtimes.json"]));
  const files = folders.map((folder) => `tests/runtimes/${folder}/*.test.mjs`);
  await step("tests in every runtime", () => run("node", ["--test", "--test-timeout=300000", ...files]));
  return 0;
});
