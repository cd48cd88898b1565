//! Bundles the console's page into a module of texts, so that a user's project needs no asset pipeline.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::files::{create, hex, read_text, write};
use crate::tools::{bundle, esbuild};

/// Each asset, its source in `pkg/src/console/page`, and its extension.
const ASSETS: [(&str, &str, &str); 4] = [
    ("main", "main.tsx", "js"),
    ("diagnose", "diagnose.tsx", "js"),
    ("style", "style.css", "css"),
    ("icon", "icon.svg", "svg"),
];

/// The options of esbuild. JSX becomes calls of Preact.
const BUNDLING: [&str; 7] = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--jsx=automatic",
    "--jsx-import-source=preact",
    "--legal-comments=inline",
    "--alias:built=./build/npm",
];

/// The length of the hash in a name: enough that no two builds of a file get the same one.
const HASH_BYTES: usize = 6;

/// Writes the module: for each asset its name, which has its hash, and its text. A file of its own beside the console's
/// keeps the texts out of that one's source map.
pub fn build(root: &Path, build: &Path, module: &Path) -> Result<()> {
    let folder = build.join("page");
    create(&folder)?;
    let mut imports = String::new();
    let mut entries = String::new();
    for (name, source, extension) in ASSETS {
        let source = root.join("pkg/src/console/page").join(source);
        let output = folder.join(format!("{name}.{extension}"));
        if extension == "svg" {
            write(&output, read_text(&source)?)?;
        } else {
            bundle(root, &BUNDLING, &source, &output)?;
        }
        let text = read_text(&output)?;
        let hash = hex(&Sha256::digest(&text)[..HASH_BYTES]);
        // esbuild imports a file of this kind as a text.
        write(&folder.join(format!("{name}.txt")), text)?;
        writeln!(imports, "import {name} from \"./page/{name}.txt\";")?;
        writeln!(entries, "  {name}: {{ name: \"{name}-{hash}.{extension}\", text: {name} }},")?;
    }
    let source = build.join("console-assets.js");
    write(&source, format!("{imports}\nexport default {{\n{entries}}};\n"))?;
    esbuild(root, &["--bundle", "--minify", "--format=esm"], &source, module)
}
