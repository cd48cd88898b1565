import { test } from "node:test";
import { assertGood, bun, patience, project, run } from "../project.mjs";

for (const file of ["main.mjs", "main.cjs"]) {
  test(`Bun, ${file}`, { ...patience, skip: bun.skip }, async () => {
    const folder = await project(new URL("../node/", import.meta.url));
    await assertGood(await run(folder, bun.path, ["run", file]));
  });
}
