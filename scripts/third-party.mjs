// Writes what the npm package says of the code of others in it: a bill of materials in CycloneDX (pkg/sbom.cdx.json)
// and the notices that their licences ask for (pkg/THIRD-PARTY-NOTICES). `cargo xtask npm` runs it after the bundles.
// The files have no time and no random number, so two builds of the same sources are equal.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./command.mjs";
import { findComponents } from "./components.mjs";

const folder = join(root, "pkg");
const components = findComponents();
writeFileSync(join(folder, "sbom.cdx.json"), `${JSON.stringify(billOfMaterials(components), undefined, 2)}\n`);
writeFileSync(join(folder, "THIRD-PARTY-NOTICES"), notices(components));

/** @param {import("./components.mjs").Component[]} components */
function billOfMaterials(components) {
  const { name, version, description, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const purl = `pkg:npm/${name}@${version}`;
  const direct = components.filter((component) => component.direct).map((component) => component.purl);
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      lifecycles: [{ phase: "build" }],
      component: {
        type: "library",
        "bom-ref": purl,
        name,
        version,
        description,
        licenses: [{ expression: license }],
        purl,
      },
    },
    components: components.map((component) => ({
      type: "library",
      "bom-ref": component.purl,
      name: component.name,
      version: component.version,
      ...(component.hash && { hashes: [component.hash] }),
      licenses: [{ expression: component.licence }],
      purl: component.purl,
      evidence: { occurrences: [...component.files].sort().map((location) => ({ location })) },
    })),
    dependencies: [
      { ref: purl, dependsOn: direct },
      ...components.map(({ purl: ref, needs }) => ({ ref, dependsOn: [...needs].sort() })),
    ],
  };
}

/** Returns all texts, each once, below the components that it is of. @param {import("./components.mjs").Component[]} components */
function notices(components) {
  /** @type {Map<string, string[]>} */
  const owners = new Map();
  for (const { name, version, licence, texts } of components) {
    for (const text of texts) {
      owners.set(text, [...(owners.get(text) ?? []), `${name} ${version} (${licence})`]);
    }
  }
  const line = "=".repeat(80);
  const sections = [...owners].map(([text, names]) => `${line}\n${names.join("\n")}\n${line}\n\n${text}\n`);
  return `cronozen-edge contains code of the projects below. sbom.cdx.json says which file contains which of them.

${sections.join("\n")}`;
}
