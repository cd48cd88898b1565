//! Copies the starter into the npm package, where `cronozen-edge init` finds it, in TypeScript and in JavaScript.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::files::{copy, create, read_text, write};
use crate::tools::javascript;

/// The files of the starter. Others may lie in its folder, such as secrets.
const FILES: [&str; 18] = [
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
    "two-workers/README.md",
    "two-workers/src/dev.ts",
    "two-workers/src/index.ts",
    "two-workers/wrangler.consumer.toml",
    "two-workers/wrangler.dev.toml",
    "two-workers/wrangler.toml",
    "wrangler.toml",
];

/// The files that only TypeScript needs.
const TYPES: [&str; 2] = ["src/env.ts", "tsconfig.json"];

/// Writes the starter into folders of this folder: `typescript` and `javascript`.
pub fn build(root: &Path, folder: &Path) -> Result<()> {
    let source = root.join("examples/starter");
    for file in FILES {
        // npm leaves out a file called .gitignore.
        let name = if file == ".gitignore" { "gitignore" } else { file };
        let typescript = with_parent(folder.join("typescript").join(name))?;
        copy(&source.join(file), &typescript)?;
        if TYPES.contains(&file) {
            continue;
        }
        let output = folder.join("javascript");
        if let Some(name) = file.strip_suffix(".ts") {
            let output = with_parent(output.join(format!("{name}.js")))?;
            javascript(root, &source.join(file), &output)?;
        } else {
            // Settings and texts name the files, each before one of these characters.
            let text = ['"', '`', ')'].iter().fold(read_text(&source.join(file))?, |text, end| {
                text.replace(&format!(".ts{end}"), &format!(".js{end}"))
            });
            write(&with_parent(output.join(name))?, text)?;
        }
    }
    Ok(())
}

/// Creates the folder of a file, and returns the file.
fn with_parent(file: PathBuf) -> Result<PathBuf> {
    file.parent().map_or(Ok(()), create)?;
    Ok(file)
}
