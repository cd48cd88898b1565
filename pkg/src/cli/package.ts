// This package: its folder, its version, and where it was installed from.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder. This code is bundled into a file of its folder `dist`. */
export const packageFolder = resolve(fileURLToPath(new URL("..", import.meta.url)));

const manifest: { version: string } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

export const { version } = manifest;

/**
 * Returns what a project in `folder` must depend on to get this very package: the tarball or the folder that it was
 * installed from, or its version in the registry. If that is not known, it is this folder: a package of the same name in
 * the registry might be another one.
 */
export function dependencyFor(folder: string): string {
  const installed = dirname(packageFolder);
  const resolved = resolvedIn(join(installed, ".package-lock.json"));
  if (resolved === undefined) {
    return fileDependency(folder, packageFolder);
  }
  if (resolved.startsWith("file:")) {
    return fileDependency(folder, resolve(dirname(installed), resolved.slice("file:".length)));
  }
  return resolved.includes("/cronozen-edge/-/") ? `^${version}` : resolved;
}

/** Returns where npm has found this package, as it notes in the folder of installed packages. */
function resolvedIn(lock: string): string | undefined {
  const packages = existsSync(lock) ? JSON.parse(readFileSync(lock, "utf8")).packages : {};
  return packages["node_modules/cronozen-edge"]?.resolved;
}

function fileDependency(folder: string, path: string): string {
  return `file:${relative(folder, path).replaceAll("\\", "/")}`;
}
