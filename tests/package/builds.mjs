// The builds of the package, as `cargo xtask npm` makes them.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

/**
 * @param {string} file in pkg/dist
 * @returns {Promise<typeof import("cronozen-edge")>}
 */
export async function build(file) {
  return file.endsWith(".cjs") ? require(pathOf(file)) : import(pathOf(file));
}

/** @param {string} file in pkg/dist */
export function pathOf(file) {
  return fileURLToPath(new URL(`../../pkg/dist/${file}`, import.meta.url));
}
