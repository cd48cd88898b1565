// The bill of materials and the third-party notices: valid, complete, and about nothing that the package does not hold.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv } from "ajv";
import { root } from "../../scripts/command.mjs";
import { chooseLicences } from "../../scripts/licences.mjs";
import { packedFiles } from "../../scripts/packed.mjs";

const folder = join(root, "pkg");
const text = readFileSync(join(folder, "sbom.cdx.json"), "utf8");
const bill = JSON.parse(text);
const notices = readFileSync(join(folder, "THIRD-PARTY-NOTICES"), "utf8");

/**
 * @typedef {{ name: string, version: string, purl: string, licenses: [{ expression: string }],
 *   evidence: { occurrences: { location: string }[] } }} Component
 * @type {Component[]}
 */
const components = bill.components;

/** @param {string} kind of package @param {string} [file] of the package; by default all @returns {string[]} name@version */
function listed(kind, file) {
  return components
    .filter(({ purl }) => purl.startsWith(`${kind}/`))
    .filter(({ evidence }) => file === undefined || evidence.occurrences.some(({ location }) => location === file))
    .map(({ name, version }) => `${name}@${version}`);
}

test("the bill of materials is valid CycloneDX 1.6", () => {
  const schemas = join(
    createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json"),
    "../res/schema",
  );
  const read = (/** @type {string} */ name) =>
    JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), "utf8"));
  const ajv = new Ajv({ strict: false });
  // The addresses in the schema's formats are not checked, their presence is.
  for (const format of ["date-time", "email", "idn-email", "iri", "iri-reference", "uri"]) {
    ajv.addFormat(format, true);
  }
  for (const name of ["spdx", "jsf-0.82"]) {
    ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  const validate = ajv.compile(read("bom-1.6"));
  assert.ok(!validate({ ...bill, components: [{ name: "no type" }] }), "the schema accepts anything");
  assert.ok(validate(bill), JSON.stringify(validate.errors, undefined, 1));
});

test("the bill of materials describes this version", () => {
  const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  assert.equal(bill.metadata.component.purl, `pkg:npm/${name}@${version}`);
});

test("the bill of materials has no time and no random number", () => {
  assert.equal(bill.metadata.timestamp, undefined);
  assert.equal(bill.serialNumber, undefined);
});

test("each component and each dependency is listed once", () => {
  const refs = components.map(({ purl }) => purl);
  assert.deepEqual(refs, [...new Set(refs)].sort());
  const nodes = bill.dependencies.map((/** @type {{ ref: string }} */ { ref }) => ref);
  assert.deepEqual(nodes, [bill.metadata.component.purl, ...refs]);
  const reached = new Set();
  const visit = (/** @type {string} */ ref) => {
    if (!reached.has(ref)) {
      reached.add(ref);
      const node = bill.dependencies.find((/** @type {{ ref: string }} */ one) => one.ref === ref);
      node.dependsOn.forEach(visit);
    }
  };
  visit(bill.metadata.component.purl);
  assert.deepEqual(
    refs.filter((ref) => !reached.has(ref)),
    [],
    "nothing depends on these",
  );
});

test("each component is in a file that the package holds", () => {
  const files = packedFiles(folder);
  for (const { purl, evidence } of components) {
    assert.notEqual(evidence.occurrences.length, 0, purl);
    for (const { location } of evidence.occurrences) {
      assert.ok(files.includes(location), `${purl} is in ${location}`);
    }
  }
});

test("the npm packages are those of the source maps, and the page's", () => {
  const found = new Set();
  for (const file of packedFiles(folder).filter((path) => path.endsWith(".js.map"))) {
    const { sources } = JSON.parse(readFileSync(join(folder, file), "utf8"));
    for (const source of sources) {
      const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source) ?? [];
      if (name !== undefined) {
        found.add(name);
        assert.ok(
          listed("pkg:npm", file.replace(/\.map$/, "")).some((one) => one.startsWith(`${name}@`)),
          `${file} names ${name}`,
        );
      }
    }
  }
  // The page is a text in a script without a source map.
  for (const name of ["preact", "preact-iso", "uplot"]) {
    assert.ok(
      listed("pkg:npm", "dist/console-assets.js").some((one) => one.startsWith(`${name}@`)),
      name,
    );
    found.add(name);
  }
  assert.deepEqual(
    listed("pkg:npm")
      .map((one) => one.replace(/@[^@]+$/, ""))
      .sort(),
    [...found].sort(),
  );
});

/** The crates that the messages of panics in a module name. @param {Buffer} module */
function namedCrates(module) {
  const paths = module
    .toString("latin1")
    .matchAll(/(?:index\.crates\.io-[0-9a-f]+|\/rust\/deps)\/([a-z0-9_-]+)-(\d[^/]*)\/src\//gi);
  return [...new Set([...paths].map(([, name, version]) => `${name}@${version}`))].sort();
}

for (const file of ["dist/verifier.wasm", "dist/worker/index_bg.wasm"]) {
  test(`each crate that ${file} names is listed for it`, () => {
    const named = namedCrates(readFileSync(join(folder, file)));
    assert.notEqual(named.length, 0);
    const crates = listed("pkg:cargo", file);
    assert.deepEqual(
      named.filter((crate) => !crates.includes(crate)),
      [],
    );
  });
}

test("the crates are those of Cargo.lock, without what is for tests and builds", () => {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const inLock = new Set(
    [...lock.matchAll(/^name = "(.+)"\nversion = "(.+)"\nsource/gm)].map(([, name, version]) => `${name}@${version}`),
  );
  // Not in Cargo.lock: the standard library's own copy.
  const others = listed("pkg:cargo").filter((crate) => !inLock.has(crate) && !crate.startsWith("hashbrown@"));
  assert.deepEqual(others, []);
  for (const tool of ["proptest", "criterion", "walrus", "anyhow", "serde_derive", "wasm-bindgen-cli-support"]) {
    assert.ok(!listed("pkg:cargo").some((crate) => crate.startsWith(`${tool}@`)), tool);
  }
  for (const needed of ["subtle", "sha2", "hmac", "worker", "wasm-bindgen"]) {
    assert.ok(
      listed("pkg:cargo", "dist/worker/index_bg.wasm").some((crate) => crate.startsWith(`${needed}@`)),
      needed,
    );
  }
});

test("each licence is one that deny.toml allows", () => {
  const [, list = ""] = /^allow = \[(.+)\]$/m.exec(readFileSync(join(root, "deny.toml"), "utf8")) ?? [];
  const allowed = [...list.matchAll(/"([^"]+)"/g)].map(([, licence]) => licence);
  for (const { purl, licenses } of components) {
    for (const licence of chooseLicences(licenses[0].expression)) {
      assert.ok(allowed.includes(licence), `${purl}: ${licence}`);
    }
  }
});

test("the notices have a text for each component", () => {
  const sections = notices.split(/^={80}$/m).slice(1);
  /** @type {Map<string, string>} */
  const texts = new Map();
  for (let index = 0; index < sections.length; index += 2) {
    for (const owner of sections[index]?.trim().split("\n") ?? []) {
      texts.set(owner, `${texts.get(owner) ?? ""}${sections[index + 1]}`);
    }
  }
  for (const { name, version, licenses } of components) {
    const { expression } = licenses[0];
    const found = texts.get(`${name} ${version} (${expression})`) ?? assert.fail(`no notice of ${name}`);
    for (const licence of chooseLicences(expression)) {
      assert.match(
        found.replaceAll(/\s+/g, " "),
        phrases[licence] ?? assert.fail(`no phrase for ${licence}`),
        `${name}: ${licence}`,
      );
    }
  }
  assert.equal(texts.size, components.length);
});

/** A phrase of each licence. @type {Record<string, RegExp>} */
const phrases = {
  MIT: /Permission is hereby granted, free of charge, to any person|MIT license/,
  "BSD-3-Clause": /Redistributions in binary form must reproduce the above copyright/,
  "Apache-2.0": /Apache License Version 2\.0, January 2004/,
  "Unicode-3.0": /UNICODE LICENSE V3/,
};

test("each script with code of others names the notices", () => {
  const withOthers = new Set(
    components.flatMap(({ evidence }) => evidence.occurrences.map(({ location }) => location)),
  );
  for (const file of [...withOthers].filter((path) => /\.c?js$/.test(path))) {
    const script = readFileSync(join(folder, file), "utf8");
    assert.ok(script.includes("/*! third-party notices: THIRD-PARTY-NOTICES in the npm package"), file);
  }
});
