// `node tests/compatibility/renew.mjs TARBALL`: keeps what Workers deploy of a release, as previous.tar.gz.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const archive = fileURLToPath(new URL("previous.tar.gz", import.meta.url));

/** The gateway, the consumer and the admin API with what they import. The console's page is large, and not tested here. */
const kept = [
  "package.json",
  "dist/edge.js",
  "dist/verifier.wasm",
  "dist/consumer.js",
  "dist/console.js",
  "dist/worker",
];

const [tarball] = process.argv.slice(2);
if (tarball === undefined) {
  console.error("usage: node tests/compatibility/renew.mjs TARBALL, one that npm pack has made");
  process.exit(1);
}
// Two steps, so that the archive's bytes depend on nothing but the tarball's.
const script = `
  set -e
  work=$(mktemp -d)
  trap 'rm -r "$work"' EXIT
  tar -xzf "$1" -C "$work" ${kept.map((path) => `package/${path}`).join(" ")}
  tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --exclude='*.d.ts' -C "$work" package |
    gzip -9n > "$2"`;
execFileSync("bash", ["-c", script, "renew", resolve(tarball), archive], { cwd: folder, stdio: "inherit" });
const bytes = readFileSync(archive);
console.log(`${bytes.length} bytes, SHA-256 ${createHash("sha256").update(bytes).digest("hex")}`);
