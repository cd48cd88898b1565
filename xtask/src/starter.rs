//! Copies the starter into the npm package, where `cronozen-edge init` finds it, in TypeScript and in JavaScript.

use std::path::Path;

use anyhow::Result;

use crate::files::{copy, create};
use crate::tools::javascript;

/// The files of the starter. Others may lie in its folder, such as secrets.
const FILES: [&str; 17] = [
    ".dev.vars.example",
    ".gitignore",
    "README.md",
    "migrations/0001_payments_and_events.sql",
    "package.json",
    "src/consumer.ts",
    "src/env.ts",
    "src/handlers.ts",
    "src/index.ts",
    "test/handlers.test.ts",
    "tsconfig.json",
    "two-workers/src/dev.ts",
    "two-workers/src/index.ts",
    "two-workers/wrangler.consumer.toml",
    "two-workers/wrangler.dev.toml",
    "two-workers/wrangler.toml",
    "wrangler.toml",
];

/// Writes the starter into this folder.
pub fn build(root: &Path, folder: &Path) -> Result<()> {
    let source = root.join("examples/starter");
    for file in FILES {
        // npm leaves out a file called .gitignore.
        let name = if file == ".gitignore" { "gitignore" } else { file };
        copy_file(&source.join(file), &folder.join(name))?;
        if let Some(name) = file.strip_suffix(".ts") {
            let output = folder.join("javascript").join(format!("{name}.js"));
            create_parent(&output)?;
            javascript(root, &source.join(file), &output)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    create_parent(to)?;
    copy(from, to)
}

fn create_parent(file: &Path) -> Result<()> {
    file.parent().map_or(Ok(()), create)
}
