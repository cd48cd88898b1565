// The files of the npm package.

import { execFileSync } from "node:child_process";

/** Returns the files that npm would pack, and the tarball's size. @param {string} folder of the package */
function dryPack(folder) {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  return JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8" }))[0];
}

/** Returns the paths of a package's files, sorted. @param {string} folder @returns {string[]} */
export function packedFiles(folder) {
  return dryPack(folder)
    .files.map((/** @type {{ path: string }} */ { path }) => path)
    .sort();
}

/** Returns the bytes of the tarball. @param {string} folder @returns {number} */
export function packedSize(folder) {
  return dryPack(folder).size;
}
