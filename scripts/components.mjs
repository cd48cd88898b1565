// Finds the code of others that the npm package contains: the crates in its WebAssembly, and the npm packages in its
// bundles. The bill of materials and the third-party notices are made from this list.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { output, root } from "./command.mjs";
import { libraryCrate, packageLicence, standardLibrary } from "./licences.mjs";

/**
 * @typedef {object} Component
 * @property {string} name
 * @property {string} version
 * @property {string} purl the package URL, which identifies it
 * @property {string} licence an SPDX expression
 * @property {{ alg: string, content: string } | undefined} hash of the archive that the registry serves
 * @property {string[]} texts of its licence, and its notices
 * @property {Set<string>} files of the package that contain it
 * @property {Set<string>} needs the package URLs that it depends on
 * @property {boolean} direct if our own code names it
 */

/** A crate that becomes a module, the files that are always made of it, and the bundled scripts that are made of it. */
const modules = [
  { crate: "cronozen-edge", files: ["dist/worker/index.js", "dist/worker/index_bg.wasm"], scripts: [] },
  { crate: "cronozen-webhook-wasm", files: ["dist/verifier.wasm"], scripts: ["glue.js", "verifier.js"] },
  { crate: "cronozen-diagnosis-wasm", files: [], scripts: ["diagnosis-glue.js", "diagnosis.js"] },
];

const target = "wasm32-unknown-unknown";

/** The folder of the lists that esbuild writes of what is in each bundle. */
const bundles = join(root, "build", "npm", "bundles");

/** Returns all components, sorted by package URL. @returns {Component[]} */
export function findComponents() {
  /** @type {Map<string, Component>} */
  const found = new Map();
  const inputs = bundledInputs();
  const crates = crateFinder();
  for (const { crate, files, scripts } of modules) {
    const paths = new Set(scripts.map((script) => `build/npm/${script}`));
    const holders = new Set(files);
    for (const [file, names] of inputs) {
      if (names.some((name) => paths.has(name))) {
        holders.add(file);
      }
    }
    addCrates(found, crate, holders, crates);
    addLibrary(found, holders);
  }
  addPackages(found, inputs);
  return [...found.values()].sort((one, other) => (one.purl < other.purl ? -1 : 1));
}

/** Returns the inputs of which esbuild has put something into each file of the package. */
function bundledInputs() {
  /** @type {Map<string, string[]>} */
  const inputs = new Map();
  for (const list of readdirSync(bundles).sort()) {
    const { outputs } = JSON.parse(readFileSync(join(bundles, list), "utf8"));
    for (const [path, content] of Object.entries(outputs)) {
      // The page is bundled into a folder, and then put into one file of the package.
      const file = path.startsWith("pkg/") ? path.slice("pkg/".length) : "dist/console-assets.js";
      const used = Object.entries(content.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
      inputs.set(file, [...(inputs.get(file) ?? []), ...used.map(([name]) => name)]);
    }
  }
  return inputs;
}

/** Returns a function that finds the folder and the checksum of a crate in Cargo.lock. */
function crateFinder() {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const printed = cargo("metadata", "--format-version=1", `--filter-platform=${target}`);
  /** @type {{ name: string, version: string, source: string | null, manifest_path: string }[]} */
  const packages = JSON.parse(printed).packages;
  return (/** @type {string} */ name, /** @type {string} */ version) => {
    const found = packages.find((one) => one.name === name && one.version === version);
    if (found === undefined) {
      throw new Error(`cargo metadata has no ${name} ${version}`);
    }
    const entry = `name = "${name}"\nversion = "${version}"\n`;
    const [, checksum] =
      /^source = .+\nchecksum = "(\w+)"$/m.exec(lock.split("\n\n").find((one) => one.includes(entry)) ?? "") ?? [];
    return { isOurs: found.source === null, folder: dirname(found.manifest_path), checksum };
  };
}

/**
 * Adds the crates that are linked into a module. Procedural macros and build scripts run at build time only.
 *
 * @param {Map<string, Component>} found
 * @param {string} crate of the module
 * @param {Set<string>} files that contain the module
 * @param {ReturnType<typeof crateFinder>} find
 */
function addCrates(found, crate, files, find) {
  const edges = "--edges=normal,no-proc-macro";
  const printed = cargo(
    "tree",
    `--package=${crate}`,
    `--target=${target}`,
    edges,
    "--prefix=depth",
    "--format=|{p}|{l}",
  );
  /** The crates above the line, the nearest last; nothing for our own. @type {(Component | undefined)[]} */
  const parents = [];
  for (const line of printed.split("\n")) {
    const [, depth = "", name = "", version = "", licence = ""] =
      /^(\d+)\|(\S+) v(\S+)[^|]*\|(.*?)(?: \(\*\))?$/.exec(line) ?? [];
    const { isOurs, folder, checksum } = find(name, version);
    parents.length = Number(depth);
    if (isOurs) {
      parents.push(undefined);
      continue;
    }
    const component = add(found, `pkg:cargo/${name}@${version}`, () => ({
      name,
      version,
      ...packageLicence(folder, licence),
      hash: { alg: "SHA-256", content: checksum ?? "" },
    }));
    for (const file of files) {
      component.files.add(file);
    }
    link(parents.at(-1), component);
    parents.push(component);
  }
}

/** Adds Rust's standard library. @param {Map<string, Component>} found @param {Set<string>} files */
function addLibrary(found, files) {
  const version = (output("rustc", ["--version"]) ?? "").split(" ")[1] ?? "";
  const library = add(found, `pkg:generic/rust-std@${version}`, () => ({
    name: "rust-std",
    version,
    ...standardLibrary(),
    hash: undefined,
  }));
  // The standard library's own copy. Nothing else of what it depends on is left after optimisation at link time.
  const { version: mapVersion, ...licence } = libraryCrate("hashbrown");
  const map = add(found, `pkg:cargo/hashbrown@${mapVersion}`, () => ({
    name: "hashbrown",
    version: mapVersion,
    ...licence,
    hash: undefined,
  }));
  link(undefined, library);
  link(library, map);
  for (const file of files) {
    library.files.add(file);
    map.files.add(file);
  }
}

/** Adds the npm packages in the bundles. @param {Map<string, Component>} found @param {Map<string, string[]>} inputs */
function addPackages(found, inputs) {
  const read = (/** @type {string[]} */ ...path) => JSON.parse(readFileSync(join(root, ...path), "utf8"));
  const lock = read("package-lock.json").packages;
  const ours = read("package.json").devDependencies;
  /** @type {Map<string, Component>} */
  const packages = new Map();
  for (const [file, names] of inputs) {
    for (const input of names) {
      const [folder, name = ""] = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)(?=\/)/.exec(input) ?? [];
      if (folder === undefined) {
        continue;
      }
      const { version, license } = read(folder, "package.json");
      const component = add(found, `pkg:npm/${name.replace("@", "%40")}@${version}`, () => ({
        name,
        version,
        ...packageLicence(join(root, folder), license),
        hash: integrityOf(lock[folder]),
      }));
      component.files.add(file);
      component.direct ||= name in ours;
      packages.set(folder, component);
    }
  }
  for (const [folder, component] of packages) {
    const { dependencies, peerDependencies } = read(folder, "package.json");
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
      const needed = packages.get(`node_modules/${name}`);
      if (needed !== undefined) {
        link(component, needed);
      }
    }
  }
}

/** @param {{ integrity: string }} entry of package-lock.json */
function integrityOf({ integrity }) {
  const [, content = ""] = /^sha512-(\S+)$/.exec(integrity) ?? [];
  return { alg: "SHA-512", content: Buffer.from(content, "base64").toString("hex") };
}

/**
 * Returns the component with this package URL, new if need be.
 *
 * @param {Map<string, Component>} found
 * @param {string} purl
 * @param {() => Pick<Component, "name" | "version" | "licence" | "texts" | "hash">} make
 */
function add(found, purl, make) {
  const component = found.get(purl) ?? { purl, ...make(), files: new Set(), needs: new Set(), direct: false };
  found.set(purl, component);
  return component;
}

/** Notes that `user`, or our own code, depends on `needed`. @param {Component | undefined} user @param {Component} needed */
function link(user, needed) {
  if (user === undefined) {
    needed.direct = true;
  } else {
    user.needs.add(needed.purl);
  }
}

/** @param {string[]} args */
function cargo(...args) {
  const printed = output(process.env.CARGO ?? "cargo", [...args, "--locked"]);
  if (printed === undefined) {
    throw new Error(`failed: cargo ${args.join(" ")}`);
  }
  return printed;
}
