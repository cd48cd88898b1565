// Builds the native limit twice: as the machine allows, and without its instructions for SHA-256.

import { join } from "node:path";
import { root, runQuietly, step } from "../../scripts/command.mjs";

const builds = [
  { name: "native", flags: "" },
  // A folder of its own, or each build would throw the other's away.
  { name: "native without SHA instructions", flags: '--cfg sha2_backend="soft"' },
];

export async function buildNative() {
  return step("building the native limit", async () => {
    const built = [];
    for (const { name, flags } of builds) {
      const folder = join(root, "build", "native-limit", flags === "" ? "plain" : "soft");
      const args = ["build", "--locked", "--package", "native-limit", "--profile", "npm", "--target-dir", folder];
      await runQuietly("cargo", args, { RUSTFLAGS: flags });
      built.push({ name, path: join(folder, "npm", "native-limit") });
    }
    return built;
  });
}
