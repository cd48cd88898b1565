// `npm run test:runtimes`: packs the npm package, installs the tarball in a scratch project for each runtime,
// and checks it there.

import { run, script, step, words } from "./command.mjs";
import { installRuntimes, packPackage, setUp } from "./setup.mjs";

await script(async () => {
  const folders = words("npm run test:runtimes -- [a folder of tests/runtimes ...]");
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  await installRuntimes();
  await packPackage();
  await step("types of the tests", () => run("tsc", ["--project", "tests/runtimes"]));
  const files = (folders.length === 0 ? ["*"] : folders).map((folder) => `tests/runtimes/${folder}/*.test.mjs`);
  await step("tests in every runtime", () => run("node", ["--test", "--test-timeout=300000", ...files]));
  return 0;
});
