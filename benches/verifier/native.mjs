// Builds the native limit twice: with and without the machine's instructions for SHA-256.

import { join } from "node:path";
import { root, runQuietly, step } from "../../scripts/command.mjs";

const builds = [
  { name: "native", flags: "" },
  // In another folder: otherwise each build would discard the other.
  { name: "native without SHA instructions", flags: '--cfg sha2_backend="soft"' },
];

export async function buildNative() {
  return step("Building the native limit", async () => {
    const built = [];
    for (const { name, flags } of builds) {
      const folder = join(root, "build", "native-limit", flags === "" ? "plain" : "soft");
      const args = ["build", "--locked", "--package", "native-limit", "--profile", "npm", "--target-dir", folder];
      await runQuietly("cargo", args, { changes: { RUSTFLAGS: flags } });
      built.push({ name, path: join(folder, "npm", "native-limit") });
    }
    return built;
  });
}
