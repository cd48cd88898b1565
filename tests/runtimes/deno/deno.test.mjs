import { test } from "node:test";
import { assertGood, deno, patience, project, run } from "../project.mjs";

test("Deno without permissions", { ...patience, skip: deno.skip }, async () => {
  const folder = await project(new URL(".", import.meta.url));
  await assertGood(
    await run(folder, deno.path, ["run", "--no-prompt", "main.mjs"], { ...process.env, DENO_NO_UPDATE_CHECK: "1" }),
  );
});
