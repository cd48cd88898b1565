// `npm run test:runtimes`: packs the npm package, installs the tarball in a scratch project for each runtime,
// and checks it there.

import { readWords, run, script, section } from "./command.mjs";
import { installRuntimes, packPackage, setUp } from "./setup.mjs";

await script(async () => {
  const help = `usage: npm run test:runtimes -- [--verbose] [a folder of tests/runtimes ...]

Packs the npm package, installs the tarball in a project for each runtime, and checks it there.`;
  const folders = readWords(help);
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  await installRuntimes();
  await packPackage();
  await section("types of the tests", () => run("tsc", ["--project", "tests/runtimes"]));
  const files = (folders.length === 0 ? ["*"] : folders).map((folder) => `tests/runtimes/${folder}/*.test.mjs`);
  await section("tests in every runtime", () => run("node", ["--test", "--test-timeout=300000", ...files]));
  return 0;
});
