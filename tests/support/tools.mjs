// Tools that not everybody has installed.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";

/**
 * An installed tool's path, or a reason to skip. In CI nothing is skipped.
 *
 * @param {string} name
 * @param {string[]} paths where it may be
 */
export function tool(name, paths) {
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined && process.env.CI) {
    assert.fail(`${name} is missing, and CI skips nothing`);
  }
  return { path: path ?? "", skip: path === undefined && `${name} IS NOT INSTALLED` };
}

export const chromium = tool("Chromium", ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]);
