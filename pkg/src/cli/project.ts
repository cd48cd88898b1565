// The project in the current folder, as `init` writes it: its settings, its secrets and its wrangler.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseEnv, stripVTControlCharacters } from "node:util";
import { quiet } from "./dev-server.ts";
import { Failure } from "./output.ts";

/** The settings of the consumer in a Worker of its own, if there are two Workers. */
export const consumerSettings = "wrangler.consumer.toml";

/** Returns the path of wrangler's script, as the project has installed it. */
export function wranglerScript(): string {
  return join(installed("wrangler/package.json"), "..", "bin", "wrangler.js");
}

/** Returns the path of a module that the project has installed. */
export function installed(module: string): string {
  try {
    return createRequire(join(process.cwd(), "package.json")).resolve(module);
  } catch {
    throw new Failure("wrangler is not installed in this folder: run npm install in the project's folder");
  }
}

/** Runs wrangler, and returns its exit code and what it printed, without colours. It cannot ask anything. */
export async function runWrangler(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; printed: string }> {
  const child = spawn(process.execPath, [wranglerScript(), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...quiet, NO_COLOR: "1", ...env },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      printed += data.toString();
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, printed: stripVTControlCharacters(printed) };
}

/** Returns the option that names the consumer's settings, if they are in a file of their own. */
export function consumerOption(): string[] {
  return existsSync(consumerSettings) ? [`--config=${consumerSettings}`] : [];
}

/** Returns the variables in a file such as .dev.vars. Without the file there are none. */
export function variablesIn(file: string): Record<string, string | undefined> {
  try {
    return existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
  } catch (error) {
    throw new Failure(`file unreadable: ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
