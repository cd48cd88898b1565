// Installs what the other scripts need, once. Node 20 built-ins only: nothing is installed before it.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { Complaint, ended, output, root, runQuietly, step } from "./command.mjs";

const wasmTarget = "wasm32-unknown-unknown";

/** The Node that npm installs beside wrangler, which needs 22.12 or later. Our scripts need 22.18. */
const installedNode = join(root, "node_modules", ".bin", "node");

/**
 * Checks the tools, installs what is missing, and continues under a Node that is new enough.
 *
 * @returns {Promise<number | undefined>} an exit code if another process has done the work instead, and
 * this one must only exit
 */
export async function setUp() {
  checkTools();
  await installToolchain();
  await installPackages(root);
  return runUnderInstalledNode();
}

/** Builds the parts of the npm package that a Worker imports. Quick if nothing has changed. */
export async function build({ unoptimised = false } = {}) {
  const title = "Building the Worker (the first time takes some minutes)";
  const args = ["xtask", "npm", "--workers", ...(unoptimised ? ["--unoptimised"] : [])];
  await step(title, () => runQuietly("cargo", args));
}

/** The folders with the sources of those parts. */
const sources = ["crates", "pkg/src", "pkg/wasm", "src"];

/** An editor saves several files at once, and each in several steps. */
const quietMs = 200;

/**
 * Builds them again after each change of a source. `wrangler dev` notices the new ones.
 *
 * @param {{ unoptimised: boolean }} options of the build
 * @param {AbortSignal} signal ends it
 */
export function rebuildOnChange(options, signal) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  let last = Promise.resolve();
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      last = last.then(() => build(options)).catch((error) => console.error(error.message));
    }, quietMs);
  };
  for (const folder of sources) {
    watch(join(root, folder), { recursive: true, signal }, changed);
  }
}

/** Builds the npm package, and packs it into build/package. */
export async function packPackage() {
  const packed = join(root, "build", "package");
  await step("Building the npm package", () => runQuietly("cargo", ["xtask", "npm"]));
  rmSync(packed, { recursive: true, force: true });
  mkdirSync(packed, { recursive: true });
  const args = ["pack", "./pkg", "--ignore-scripts", "--pack-destination", packed, "--loglevel=error"];
  await step("Packing the npm package", () => runQuietly("npm", args));
}

/** Installs the runtimes and bundlers that the package is tested in. */
export async function installRuntimes() {
  await installPackages(join(root, "tests", "runtimes"));
}

/** Installs the packages that the verifier is compared with. */
export async function installPeers() {
  await installPackages(join(root, "benches", "verifier"));
}

/** Installs Hono, for the gateway in TypeScript. */
export async function installHono() {
  await installPackages(join(root, "benches", "gateway"));
}

function checkTools() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  // On Linux a newer Node is installed with the packages; elsewhere this one is used.
  const enough = process.platform === "linux" ? major >= 20 : major > 22 || (major === 22 && minor >= 18);
  if (!enough) {
    const least = process.platform === "linux" ? "20" : "22.18";
    throw new Complaint(
      `Node ${process.versions.node} is too old: install Node ${least} or later, from https://nodejs.org`,
    );
  }
  if (output(process.env.CC ?? "cc", ["--version"]) === undefined) {
    const cure =
      process.platform === "darwin"
        ? "xcode-select --install"
        : "sudo apt-get install build-essential (or your system's equivalent)";
    throw new Complaint(`a C compiler is missing, which Rust needs for linking: ${cure}`);
  }
  if (output("rustup", ["--version"]) !== undefined) {
    return;
  }
  // rustup's installer changes the PATH of new shells only.
  process.env.PATH = [join(homedir(), ".cargo", "bin"), process.env.PATH].join(delimiter);
  if (output("rustup", ["--version"]) === undefined) {
    throw new Complaint("rustup is missing: install it from https://rustup.rs");
  }
}

async function installToolchain() {
  const file = readFileSync(join(root, "rust-toolchain.toml"), "utf8");
  const channel = /^channel = "(.+)"$/m.exec(file)?.[1];
  if (channel === undefined) {
    throw new Complaint("rust-toolchain.toml names no channel: restore it from git");
  }
  const sysroot = output("rustup", ["run", channel, "rustc", "--print", "sysroot"]);
  if (sysroot === undefined) {
    await step(`Installing Rust ${channel}`, () =>
      runQuietly("rustup", [
        "toolchain",
        "install",
        channel,
        "--no-self-update",
        "--profile",
        "minimal",
        "--component",
        "clippy",
        "rustfmt",
        "--target",
        wasmTarget,
      ]),
    );
    return;
  }
  if (!existsSync(join(sysroot, "lib", "rustlib", wasmTarget))) {
    await step("Installing Rust's WebAssembly target", () =>
      runQuietly("rustup", ["target", "add", wasmTarget, "--toolchain", channel]),
    );
  }
  if (!["cargo-clippy", "rustfmt"].every((tool) => existsSync(join(sysroot, "bin", tool)))) {
    await step("Installing clippy and rustfmt", () =>
      runQuietly("rustup", ["component", "add", "clippy", "rustfmt", "--toolchain", channel]),
    );
  }
}

/**
 * Installs the packages of a folder as its lock file says, unless that is already done.
 *
 * @param {string} folder
 */
async function installPackages(folder) {
  const lock = createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
  // Holds the hash of the lock file that node_modules was installed from.
  const installed = join(folder, "node_modules", ".installed-lock");
  if (existsSync(installed) && readFileSync(installed, "utf8") === lock) {
    return;
  }
  // No package needs its install script. Warnings about this Node do not matter: the installed one is used.
  const args = [
    "ci",
    "--ignore-scripts",
    "--include=dev",
    "--include=optional",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  await step("Installing npm packages", () => runQuietly("npm", args, { folder }));
  writeFileSync(installed, lock);
}

/**
 * Runs this script again under the installed Node, unless it already runs under that one.
 *
 * @returns {Promise<number | undefined>} the exit code of that run
 */
async function runUnderInstalledNode() {
  if (!existsSync(installedNode) || process.env.CRONOZEN_EDGE_NODE === installedNode) {
    return undefined;
  }
  const child = spawn(installedNode, process.argv.slice(1), {
    stdio: "inherit",
    env: { ...process.env, CRONOZEN_EDGE_NODE: installedNode },
  });
  // A terminal sends a signal to both processes, others only to this one. The child cleans up and ends.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
    process.on(signal, () => child.kill(signal));
  }
  const { code, signal } = await ended(child);
  return code ?? (signal === "SIGINT" ? 130 : 143);
}
