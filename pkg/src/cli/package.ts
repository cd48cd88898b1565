// This package: its folder, its version, and where it was installed from.

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder. This code is bundled into a file of its folder `dist`. */
export const packageFolder = resolve(fileURLToPath(new URL("..", import.meta.url)));

const manifest: { version: string } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

export const { version } = manifest;

/**
 * Returns the version that a project in `folder` must depend on to get this very package: the tarball or the folder
 * that it was installed from, or its version in the registry.
 */
export function dependencyFor(folder: string): string {
  const installed = dirname(packageFolder);
  if (basename(installed) !== "node_modules") {
    return fileDependency(folder, packageFolder);
  }
  const resolved = resolvedIn(join(installed, ".package-lock.json"));
  return resolved?.startsWith("file:")
    ? fileDependency(folder, resolve(dirname(installed), resolved.slice("file:".length)))
    : `^${version}`;
}

/** Returns where npm has found this package, as it notes in the folder of installed packages. */
function resolvedIn(lock: string): string | undefined {
  return existsSync(lock)
    ? JSON.parse(readFileSync(lock, "utf8")).packages?.["node_modules/cronozen-edge"]?.resolved
    : undefined;
}

function fileDependency(folder: string, path: string): string {
  return `file:${relative(folder, path).replaceAll("\\", "/")}`;
}
