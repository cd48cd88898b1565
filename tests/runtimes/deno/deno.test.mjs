import { join } from "node:path";
import { test } from "node:test";
import { assertGood, patience, project, run, tool, tools } from "../project.mjs";

const { path, skip } = tool(
  "Deno",
  ["x64", "arm64"].map((cpu) => join(tools, "@deno", `linux-${cpu}-glibc`, "deno")),
);

test("Deno without permissions", { ...patience, skip }, async () => {
  const folder = await project(new URL(".", import.meta.url));
  await assertGood(
    await run(folder, path, ["run", "--no-prompt", "main.mjs"], { ...process.env, DENO_NO_UPDATE_CHECK: "1" }),
  );
});
