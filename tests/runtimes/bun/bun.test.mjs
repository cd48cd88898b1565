import { join } from "node:path";
import { test } from "node:test";
import { assertGood, patience, project, run, tool, tools } from "../project.mjs";

const { path, skip } = tool(
  "Bun",
  ["x64", "aarch64"].map((cpu) => join(tools, "@oven", `bun-linux-${cpu}`, "bin", "bun")),
);

for (const file of ["main.mjs", "main.cjs"]) {
  test(`Bun, ${file}`, { ...patience, skip }, async () => {
    const folder = await project(new URL("../node/", import.meta.url));
    await assertGood(await run(folder, path, ["run", file]));
  });
}
